#include "arrays.hpp"

#include <cmath>

namespace trust {

namespace {

Values draw_values(int64_t count, bool is_complex, const Draw& draw, Random& random) {
  Values values(is_complex ? 2 * count : count);
  for (double& value : values) value = draw(random);
  return values;
}

Values moduli(const Values& values, bool is_complex) {
  if (!is_complex) {
    Values found = values;
    for (double& value : found) value = std::abs(value);
    return found;
  }
  Values found(values.size() / 2);
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i] = std::hypot(values[2 * i], values[2 * i + 1]);
  return found;
}

}  // namespace

Draw whole(int64_t magnitude) {
  return [magnitude](Random& random) {
    return static_cast<double>(random.between(-magnitude, magnitude));
  };
}

double uniform(Random& random) {
  constexpr int64_t half = 1 << 30;
  const double high = static_cast<double>(random.below(half));
  const double low = static_cast<double>(random.below(half));
  return (high + (low + 0.5) / half) / half;
}

double normal(Random& random) {
  const double pi = 3.14159265358979323846;
  return std::sqrt(-2 * std::log(uniform(random))) * std::cos(2 * pi * uniform(random));
}

double wide(Random& random) {
  const double sign = random.below(2) == 0 ? 1 : -1;
  return sign * std::ldexp(1 + uniform(random), static_cast<int>(random.between(-30, 29)));
}

Draw constant(double value) {
  return [value](Random&) { return value; };
}

Arrays draw_arrays(const Layer& layer, const Draw& draw, Random& random) {
  Arrays arrays;
  arrays.input = draw_values(count_of(layer.input), layer.complex_input, draw, random);
  arrays.weight = draw_values(count_of(layer.weight), layer.complex_weight, draw, random);
  if (layer.bias) arrays.bias = draw_values(layer.out_channels(), layer.complex_bias, draw, random);
  arrays.grad = draw_values(count_of(output_extents(layer)), layer.complex_grad, draw, random);
  return arrays;
}

Arrays draw_hot(const Layer& layer, Random& random) {
  Arrays arrays = draw_arrays(layer, normal, random);
  for (Values* values : {&arrays.input, &arrays.grad})
    if (!values->empty()) (*values)[random.below(static_cast<int64_t>(values->size()))] = 1e8;
  return arrays;
}

Arrays draw_tiny(const Layer& layer, Random& random) {
  Arrays arrays = draw_arrays(layer, normal, random);
  const double scale = layer.single ? 1e-21 : 1e-160;
  for (Values* values : {&arrays.input, &arrays.weight, &arrays.grad})
    for (double& value : *values) value *= scale;
  for (double& value : arrays.bias) value *= scale * scale;
  return arrays;
}

void separate(const Layer& layer, Arrays& arrays, Random& random) {
  arrays.weight =
      values::outer_products(layer.weight[0] * layer.weight[1], layer.geometry.kernel, random);
}

Arrays rounded(const Layer& layer, Arrays arrays) {
  if (!layer.single) return arrays;
  for (Values* values : {&arrays.input, &arrays.weight, &arrays.bias, &arrays.grad})
    for (double& value : *values) value = static_cast<double>(static_cast<float>(value));
  return arrays;
}

Layer real_layer(Layer layer) {
  layer.make_complex(false);
  return layer;
}

Arrays moduli(const Layer& layer, const Arrays& arrays) {
  return {moduli(arrays.input, layer.complex_input), moduli(arrays.weight, layer.complex_weight),
          moduli(arrays.bias, layer.complex_bias), moduli(arrays.grad, layer.complex_grad)};
}

}  // namespace trust
