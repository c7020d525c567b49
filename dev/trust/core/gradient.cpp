// Wrong gradients: what a linear map and its adjoint have in common, in double precision, within
// 1e-13 of what errors are measured by.
#include <cmath>
#include <complex>

#include "bounds.hpp"
#include "generator.hpp"
#include "oracle.hpp"
#include "part.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

constexpr double tolerance = 1e-13;

using Complex = std::complex<long double>;
using Operand = Values Arrays::*;

// <x, y>, where x is taken conjugate.
Complex inner_product(const Values& x, const Values& y, bool is_complex) {
  Complex sum = 0;
  const std::size_t step = is_complex ? 2 : 1;
  for (std::size_t i = 0; i < x.size(); i += step) {
    const Complex a(x[i], is_complex ? x[i + 1] : 0), b(y[i], is_complex ? y[i + 1] : 0);
    sum += std::conj(a) * b;
  }
  return sum;
}

double real_product(const Values& x, const Values& y) {
  return static_cast<double>(inner_product(x, y, false).real());
}

Values sum_of(const Values& x, const Values& y) {
  Values sum(x);
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] += y[i];
  return sum;
}

// The worst difference, each measured by its own scale, of real numbers or the parts of complex
// ones.
double worst_difference(const Values& x, const Values& y, const Values& scale) {
  const std::size_t width = scale.empty() ? 1 : x.size() / scale.size();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double ratio = x[i] == y[i] ? 0 : std::abs(x[i] - y[i]) / scale[i / width];
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

// One spatial dimension of an array, between those that vary faster and slower.
struct Lines {
  int64_t inner, size, outer;

  Lines(const Extents& extents, int ndim, int axis, bool is_complex)
      : inner(is_complex ? 2 : 1), outer(1) {
    const std::size_t at = extents.size() - ndim + axis;
    size = extents[at];
    for (std::size_t i = 0; i < extents.size(); ++i)
      if (i != at) (i < at ? inner : outer) *= extents[i];
  }

  Values slice(const Values& values, int64_t first, int64_t count) const {
    Values found;
    for (int64_t o = 0; o < outer; ++o) {
      const auto line = values.begin() + o * size * inner;
      found.insert(found.end(), line + first * inner, line + (first + count) * inner);
    }
    return found;
  }

  // The first so many positions, with zeros before and after.
  Values placed(const Values& values, int64_t count, int64_t before) const {
    Values found(values.size(), 0.0);
    for (int64_t o = 0; o < outer; ++o) {
      const int64_t line = o * size * inner;
      std::copy_n(values.begin() + line, count * inner, found.begin() + line + before * inner);
    }
    return found;
  }
};

class Gradients {
 public:
  Gradients(const Layer& layer, const How& how, Random& random)
      : layer_(layer),
        how_(how),
        random_(random),
        arrays_(draw_arrays(layer, normal, random)),
        is_complex_(layer.complex_dtype),
        label_(describe(layer) + " " + describe(how)) {}

  // <g, A v> = <A' g, v> for an operand v in which the output is linear.
  void check_adjoint(Part& part, Operand operand, Result gradient) {
    Layer layer = layer_;
    Arrays arrays = arrays_;
    if (gradient == Result::grad_bias)
      std::fill(arrays.input.begin(), arrays.input.end(), 0.0);
    else
      layer.bias = false;
    const Complex forward =
        inner_product(arrays.grad, compute(layer, arrays, Result::output, how_), is_complex_);
    const Complex back =
        inner_product(compute(layer, arrays, gradient, how_), arrays.*operand, is_complex_);
    const Arrays sizes = moduli(layer, arrays);
    const double size = (real_product(sizes.grad, scale(layer, arrays, Result::output)) +
                         real_product(sizes.*operand, scale(layer, arrays, gradient))) /
                        2;
    const double difference = static_cast<double>(std::abs(forward - back));
    check(part, difference == 0 ? 0 : difference / size);
  }

  // f(v + u) = f(v) + f(u), of numbers whose sums are exact.
  void check_linearity(Part& part, Operand operand, Result result) {
    Layer layer = layer_;
    layer.bias = false;
    const auto coarse = [](Values values) {
      for (double& value : values) value = static_cast<double>(static_cast<float>(value));
      return values;
    };
    Arrays one = arrays_, other = arrays_, both = arrays_;
    one.*operand = coarse(arrays_.*operand);
    other.*operand = coarse(draw_arrays(layer_, normal, random_).*operand);
    both.*operand = sum_of(one.*operand, other.*operand);
    check(part, worst_difference(
                    compute(layer, both, result, how_),
                    sum_of(compute(layer, one, result, how_), compute(layer, other, result, how_)),
                    sum_of(scale(layer, one, result), scale(layer, other, result))));
  }

  // A single 1 in the input shows the weights that meet it, and nothing where it is not seen.
  void check_impulse(Part& part) {
    Layer layer = layer_;
    layer.bias = false;
    Arrays arrays = arrays_;
    std::fill(arrays.input.begin(), arrays.input.end(), 0.0);
    arrays.input[random_.below(static_cast<int64_t>(arrays.input.size()))] = 1;
    check(part, worst_difference(compute(layer, arrays, Result::output, how_),
                                 sums_of<PlainSum>(layer, arrays, Result::output).values(),
                                 scale(layer, arrays, Result::output)));
  }

  // An input that moves, and loses nothing at its end, moves the output.
  void check_shift(Part& part) {
    const Geometry& g = layer_.geometry;
    const int axis = static_cast<int>(random_.below(g.ndim));
    const int64_t in_step = g.transposed ? 1 : g.stride[axis];
    const int64_t out_step = g.transposed ? g.stride[axis] : 1;
    const Lines in(layer_.input, g.ndim, axis, is_complex_);
    const Lines out(output_extents(layer_), g.ndim, axis, is_complex_);
    const Lines scales(output_extents(layer_), g.ndim, axis, false);
    const int64_t kept = out.size - out_step;
    if (g.mode != PadMode::zeros || in.size <= in_step || kept <= 0) return;
    Arrays before = arrays_, after = arrays_;
    before.input = in.placed(arrays_.input, in.size - in_step, 0);
    after.input = in.placed(arrays_.input, in.size - in_step, in_step);
    const auto result = [&](const Arrays& arrays) {
      return compute(layer_, arrays, Result::output, how_);
    };
    const Values scale_before = scale(layer_, before, Result::output);
    const Values scale_after = scale(layer_, after, Result::output);
    check(part, worst_difference(out.slice(result(after), out_step, kept),
                                 out.slice(result(before), 0, kept),
                                 sum_of(scales.slice(scale_after, out_step, kept),
                                        scales.slice(scale_before, 0, kept))));
  }

 private:
  Values scale(const Layer& layer, const Arrays& arrays, Result result) const {
    const Plan plan = result == Result::grad_bias ? Plan() : Call(layer, arrays, result).plan(how_);
    return scale_of(bound_of(plan, false, 1).scale, layer, arrays, result);
  }
  void check(Part& part, double ratio) { part.check_ratio(ratio / tolerance, label_); }

  const Layer& layer_;
  const How how_;
  Random& random_;
  const Arrays arrays_;
  const bool is_complex_;
  const std::string label_;
};

}  // namespace

bool try_gradients(long count, long seed) {
  Random random(seed);
  Part input("adjoint of the input"), weight("adjoint of the weight"), bias("adjoint of the bias"),
      linearity("linearity"), impulse("impulse"), shift("shift");
  constexpr struct {
    Operand operand;
    Result result;
  } linear[] = {{&Arrays::input, Result::output},     {&Arrays::weight, Result::output},
                {&Arrays::grad, Result::grad_input},  {&Arrays::weight, Result::grad_input},
                {&Arrays::grad, Result::grad_weight}, {&Arrays::input, Result::grad_weight},
                {&Arrays::grad, Result::grad_bias}};
  const std::vector<const Isa*>& isas = available_isas();
  for (long number = 0; input.tried() < count; ++number) {
    Layer layer = random_layer(any_family(number), random);
    if (layer.batch() == 0) continue;
    layer.single = false;
    layer.make_complex(layer.complex_dtype);
    const How how{isas[random.below(static_cast<int64_t>(isas.size()))],
                  exact_policies[random.below(2)]};
    Gradients gradients(layer, how, random);
    gradients.check_adjoint(input, &Arrays::input, Result::grad_input);
    gradients.check_adjoint(weight, &Arrays::weight, Result::grad_weight);
    if (layer.bias) gradients.check_adjoint(bias, &Arrays::bias, Result::grad_bias);
    const auto& pair = linear[random.below(7)];
    gradients.check_linearity(linearity, pair.operand, pair.result);
    gradients.check_impulse(impulse);
    gradients.check_shift(shift);
  }
  bool is_right = true;
  for (const Part* part : {&input, &weight, &bias, &linearity, &impulse, &shift})
    is_right &= part->report();
  return is_right;
}

}  // namespace trust
