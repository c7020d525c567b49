#include "oracle.hpp"

#include <algorithm>
#include <map>

using namespace nnconv;

namespace trust {

namespace {

// A line of the input with its border, as a picture of it: which position of the input stands
// where, -1 for none.
std::vector<int64_t> padded_line(int64_t size, int64_t before, int64_t after, PadMode mode) {
  std::vector<int64_t> line;
  for (int64_t i = 0; i < size; ++i) line.push_back(i);
  const std::vector<int64_t> inner = line;
  std::vector<int64_t> front, back;
  for (int64_t i = 1; i <= std::max(before, after); ++i) {
    switch (mode) {
      case PadMode::zeros:
        front.push_back(-1), back.push_back(-1);
        break;
      case PadMode::reflect:  // dcb abcd cba, without the edge itself
        front.push_back(inner[i]), back.push_back(inner[size - 1 - i]);
        break;
      case PadMode::replicate:
        front.push_back(inner.front()), back.push_back(inner.back());
        break;
      case PadMode::circular:
        front.push_back(inner[size - i]), back.push_back(inner[i - 1]);
        break;
    }
  }
  line.insert(line.begin(), front.rend() - before, front.rend());
  line.insert(line.end(), back.begin(), back.begin() + after);
  return line;
}

double most(const std::map<int64_t, int>& counts) {
  int found = 0;
  for (const auto& [position, count] : counts) found = std::max(found, count);
  return found;
}

}  // namespace

std::vector<AxisTerm> axis_terms(const Layer& layer, int axis) {
  const Geometry& g = layer.geometry;
  if (axis >= g.ndim) return {{0, 0, 0}};
  const int64_t in = layer.in_size()[axis], out = static_cast<int64_t>(out_size(layer, axis));
  std::vector<AxisTerm> terms;
  if (g.transposed) {
    // Every input is spread over the outputs, of which `padding` is cut off.
    for (int64_t i = 0; i < in; ++i)
      for (int64_t t = 0; t < g.kernel[axis]; ++t) {
        const int64_t to = i * g.stride[axis] + t * g.dilation[axis] - g.pad_lo[axis];
        if (to >= 0 && to < out) terms.push_back({i, t, to});
      }
    return terms;
  }
  const std::vector<int64_t> line = padded_line(in, g.pad_lo[axis], g.pad_hi[axis], g.mode);
  for (int64_t o = 0; o < out; ++o)
    for (int64_t t = 0; t < g.kernel[axis]; ++t) {
      const int64_t from = line[o * g.stride[axis] + t * g.dilation[axis]];
      if (from >= 0) terms.push_back({from, t, o});
    }
  return terms;
}

double most_terms(const Layer& layer) {
  double of_output = 1, of_input = 1, of_tap = 1, pixels = 1;
  for (int axis = 0; axis < layer.geometry.ndim; ++axis) {
    std::map<int64_t, int> outputs, inputs, taps;
    for (const AxisTerm& term : axis_terms(layer, axis))
      ++outputs[term.output], ++inputs[term.input], ++taps[term.tap];
    of_output *= most(outputs), of_input *= most(inputs), of_tap *= most(taps);
    pixels *= static_cast<double>(out_size(layer, axis));
  }
  const auto groups = static_cast<double>(layer.geometry.groups);
  const auto samples = static_cast<double>(layer.batch());
  return 2 * std::max({of_output * static_cast<double>(layer.in_channels()) / groups + 1,
                       of_input * static_cast<double>(layer.out_channels()) / groups,
                       of_tap * samples, pixels * samples});
}

}  // namespace trust
