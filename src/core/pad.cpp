#include "pad.hpp"

#include <algorithm>

namespace nnconv {

namespace {

constexpr int64_t chunk_elements = 1 << 18;

}  // namespace

void pad_array(const Array& array, const std::vector<PadDim>& dims, PadMode mode,
               const double (&value)[2], double* out, bool complex_result, const Context& context) {
  // The source of each position of the first dimension, once; the others row by row.
  std::vector<Axis> axes(dims.size());
  for (std::size_t d = 0; d < dims.size(); ++d) {
    axes[d].in = dims[d].in;
    axes[d].mode = mode;
  }
  const auto source = [&](std::size_t d, int64_t at) {
    return axes[d].inside(at - dims[d].before);
  };
  const int64_t length = dims[0].out();
  int64_t rows = 1;
  for (std::size_t d = 1; d < dims.size(); ++d) rows *= dims[d].out();
  if (rows * length == 0) return;

  const int64_t width = complex_result ? 2 : 1, from_width = array.is_complex ? 2 : 1;
  const int64_t chunk_rows = std::max<int64_t>(1, chunk_elements / length);
  const int64_t chunks = (rows + chunk_rows - 1) / chunk_rows;
  parallel_for(context, chunks, static_cast<double>(rows * length),
               [&](int64_t chunk, Worker& worker) {
                 for (int64_t row = chunk * chunk_rows;
                      row < std::min(rows, (chunk + 1) * chunk_rows); ++row) {
                   if (worker.stopped()) return;
                   // Number of the source row, or -1 where it lies in constant padding.
                   int64_t from_row = 0, step = 1, rest = row;
                   for (std::size_t d = 1; d < dims.size(); ++d) {
                     const int64_t at = source(d, rest % dims[d].out());
                     rest /= dims[d].out();
                     from_row = at < 0 || from_row < 0 ? -1 : from_row + at * step;
                     step *= dims[d].in;
                   }
                   for (int64_t i = 0; i < length; ++i) {
                     const int64_t at = from_row < 0 ? -1 : source(0, i);
                     double* const to = out + (row * length + i) * width;
                     const double* const from =
                         at < 0 ? value : array.data + (from_row * dims[0].in + at) * from_width;
                     to[0] = from[0];
                     if (width == 2) to[1] = at < 0 || array.is_complex ? from[1] : 0.0;
                   }
                 }
               });
}

}  // namespace nnconv
