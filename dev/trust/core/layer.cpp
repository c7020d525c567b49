#include "layer.hpp"

#include <sstream>

using namespace nnconv;

namespace trust {

namespace {

std::string show(const Spatial& values, int ndim) {
  std::string text;
  for (int i = 0; i < ndim; ++i) text += (i == 0 ? "" : "x") + std::to_string(values[i]);
  return text;
}

}  // namespace

bool is_complex(const Layer& layer, Result result) {
  switch (result) {
    case Result::output:
      return layer.complex_output();
    case Result::grad_input:
      return layer.complex_dtype || layer.complex_input;
    case Result::grad_weight:
      return layer.complex_dtype || layer.complex_weight;
    case Result::grad_bias:
      break;
  }
  return layer.complex_dtype || layer.complex_input || layer.complex_weight || layer.complex_grad;
}

__int128 out_size(const Layer& layer, int axis) {
  const Geometry& g = layer.geometry;
  const __int128 in = layer.in_size()[axis], padding = __int128(g.pad_lo[axis]) + g.pad_hi[axis];
  const __int128 span = __int128(g.dilation[axis]) * (g.kernel[axis] - 1) + 1;
  if (g.transposed) return (in - 1) * g.stride[axis] + span + g.output_padding[axis] - padding;
  return in + padding < span ? 0 : (in + padding - span) / g.stride[axis] + 1;
}

bool is_valid(const Layer& layer) {
  const Geometry& g = layer.geometry;
  const __int128 second = __int128(layer.weight[1]) * g.groups;
  if (second > max_extent || layer.weight[0] % g.groups != 0) return false;
  if (layer.in_channels() != (g.transposed ? layer.weight[0] : second)) return false;
  for (int i = 0; i < g.ndim; ++i) {
    if (layer.weight[2 + i] != g.kernel[i]) return false;
    const __int128 size = out_size(layer, i);
    if (size < 1 || size > max_extent) return false;
    const int64_t padding = std::max(g.pad_lo[i], g.pad_hi[i]), in = layer.in_size()[i];
    if (g.mode == PadMode::reflect && padding >= in) return false;
    if (g.mode == PadMode::circular && padding > in) return false;
  }
  return true;
}

Extents output_extents(const Layer& layer) {
  Extents extents;
  if (layer.batched()) extents.push_back(layer.batch());
  extents.push_back(layer.out_channels());
  for (int i = 0; i < layer.geometry.ndim; ++i)
    extents.push_back(static_cast<int64_t>(out_size(layer, i)));
  return extents;
}

Extents extents_of(const Layer& layer, Result result) {
  if (result == Result::output) return output_extents(layer);
  if (result == Result::grad_input) return layer.input;
  if (result == Result::grad_weight) return layer.weight;
  return {layer.out_channels()};
}

int64_t count_of(const Extents& extents) {
  int64_t count = 1;
  for (const int64_t extent : extents) count *= extent;
  return count;
}

double products(const Layer& layer) {
  const Geometry& g = layer.geometry;
  double pixels = 1;
  for (int i = 0; i < g.ndim; ++i)
    pixels *= static_cast<double>(g.transposed ? layer.in_size()[i] : out_size(layer, i));
  double weights = 1;
  for (const int64_t extent : layer.weight) weights *= static_cast<double>(extent);
  const double parts = (layer.complex_input ? 2.0 : 1.0) * (layer.complex_weight ? 2.0 : 1.0);
  return parts * weights * pixels * static_cast<double>(layer.batch());
}

std::string describe(const Layer& layer) {
  const Geometry& g = layer.geometry;
  static const char* const modes[] = {"zeros", "reflect", "replicate", "circular"};
  std::ostringstream text;
  text << (g.transposed ? "conv_transpose" : "conv") << g.ndim << "d input "
       << nnconv::show(layer.input) << " weight " << nnconv::show(layer.weight) << " groups "
       << g.groups << " stride " << show(g.stride, g.ndim) << " dilation "
       << show(g.dilation, g.ndim) << " padding " << show(g.pad_lo, g.ndim) << ":"
       << show(g.pad_hi, g.ndim) << " output_padding " << show(g.output_padding, g.ndim) << " "
       << modes[static_cast<int>(g.mode)] << (layer.bias ? " bias " : " ") << dtype_of(layer);
  const bool kinds[] = {layer.complex_dtype, layer.complex_input, layer.complex_weight,
                        layer.complex_bias, layer.complex_grad};
  text << " complex ";
  for (const bool kind : kinds) text << kind;
  return text.str();
}

const char* name_of(Result result) {
  static const char* const names[] = {"output", "grad_input", "grad_weight", "grad_bias"};
  return names[static_cast<int>(result)];
}

const char* dtype_of(const Layer& layer) {
  if (layer.complex_output()) return layer.single ? "complex64" : "complex128";
  return layer.single ? "float32" : "float64";
}

}  // namespace trust
