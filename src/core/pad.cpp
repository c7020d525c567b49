#include "pad.hpp"

#include <algorithm>

namespace nnconv {

namespace {

// Dimensions that are neither padded nor cropped become one with the next of their kind: the
// elements of a row then stand side by side.
std::vector<PadDim> joined(const std::vector<PadDim>& dims) {
  std::vector<PadDim> result;
  for (const PadDim& dim : dims) {
    const bool whole = dim.before == 0 && dim.after == 0;
    if (whole && !result.empty() && result.back().before == 0 && result.back().after == 0)
      result.back().in *= dim.in;
    else
      result.push_back(dim);
  }
  return result;
}

// The number of the source row of a row of the result, or -1 where it lies in constant padding.
int64_t source_row(const std::vector<PadDim>& dims, PadMode mode, int64_t row) {
  int64_t source = 0, step = 1;
  for (std::size_t d = 1; d < dims.size(); ++d) {
    Axis axis;
    axis.in = dims[d].in;
    axis.mode = mode;
    const int64_t at = axis.inside(row % dims[d].out() - dims[d].before);
    if (at < 0) return -1;
    source += at * step;
    row /= dims[d].out();
    step *= dims[d].in;
  }
  return source;
}

}  // namespace

void pad_array(const Array& array, const std::vector<PadDim>& all_dims, PadMode mode,
               const double (&value)[2], double* out, bool complex_result, const Context& context) {
  const std::vector<PadDim> dims = joined(all_dims);
  int64_t elements = 1;
  for (const PadDim& dim : dims) elements *= dim.out();
  const int64_t length = dims[0].out();
  const int64_t width = complex_result ? 2 : 1, from_width = array.is_complex ? 2 : 1;
  Axis first;
  first.in = dims[0].in;
  first.mode = mode;

  // Elements [i, end) of a row of the result.
  const auto fill = [&](int64_t row, int64_t i, int64_t end) {
    const int64_t from_row = source_row(dims, mode, row);
    for (; i < end; ++i) {
      const int64_t at = from_row < 0 ? -1 : first.inside(i - dims[0].before);
      const double* const from =
          at < 0 ? value : array.data + (from_row * dims[0].in + at) * from_width;
      double* const to = out + (row * length + i) * width;
      to[0] = from[0];
      if (width == 2) to[1] = at < 0 || array.is_complex ? from[1] : 0.0;
    }
  };
  parallel_ranges(context, elements, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = begin / length, i = begin % length;
      const int64_t stop = std::min(length, i + end - begin);
      fill(row, i, stop);
      begin += stop - i;
    }
  });
}

}  // namespace nnconv
