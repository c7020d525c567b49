// Inaccurate values: the bounds that are promised, by algorithm and precision, on numbers that are
// easy and hard to sum, and on sums of up to a million terms.
#include <cmath>
#include <map>

#include "bounds.hpp"
#include "coverage.hpp"
#include "generator.hpp"
#include "oracle.hpp"
#include "part.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

struct Data {
  const char* name;
  Arrays (*draw)(const Layer& layer, Random& random);
  double units;  // of rounding, that an error may have at most
};

constexpr Data all_data[] = {
    {"normal", [](const Layer& l, Random& r) { return draw_arrays(l, normal, r); }, 32},
    {"positive", [](const Layer& l, Random& r) { return draw_arrays(l, uniform, r); }, 32},
    {"constant", [](const Layer& l, Random& r) { return draw_arrays(l, constant(0.1), r); }, 32},
    {"hot", draw_hot, 32},
    {"wide", [](const Layer& l, Random& r) { return draw_arrays(l, wide, r); }, 96}};

// The largest error of an element, of a complex number as a whole, over its scale.
double worst_error(const Values& found, const Sums<CarefulSum>& exact, const Values& scale) {
  const std::size_t width = scale.empty() ? 1 : found.size() / scale.size();
  double worst = 0;
  for (std::size_t i = 0; i < scale.size(); ++i) {
    double error = 0;
    for (std::size_t part = width * i; part < width * (i + 1); ++part)
      error = std::hypot(error, static_cast<double>(found[part] - exact.sums()[part].exact()));
    const double ratio = error == 0 ? 0 : error / scale[i];
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

class Accuracy {
 public:
  explicit Accuracy(long count)
      : coverage_(count, {Policy::direct, Policy::automatic, Policy::fast}) {}

  // All results of a layer, on every instruction set and under every policy.
  void check(const Layer& layer, const Data& data, Random& random, bool separable = false) {
    Arrays arrays = data.draw(layer, random);
    if (separable) separate(layer, arrays, random);
    for (const Result result : all_results) check(layer, arrays, data, result);
  }

  void check(const Layer& layer, const Arrays& arrays, const Data& data, Result result) {
    ++tried_;
    const Call call(layer, arrays, result);
    const Arrays operands = rounded(layer, arrays);
    const Sums<CarefulSum> exact = sums_of<CarefulSum>(layer, operands, result);
    std::map<Scale, Values> scales;
    for (const Isa* isa : available_isas())
      for (const Policy policy : all_policies) {
        const How how{isa, policy};
        coverage_.note(layer, call, result, how);
        const Plan plan = result == Result::grad_bias ? Plan() : call.plan(how);
        const Bound bound = bound_of(plan, layer.single, data.units);
        if (scales.count(bound.scale) == 0)
          scales[bound.scale] = scale_of(bound.scale, layer, operands, result);
        const double error = worst_error(call.compute(how), exact, scales[bound.scale]);
        part_of(bound, layer, data)
            .check_ratio(error / bound.factor, describe(layer), name_of(result), data.name,
                         describe(how));
      }
  }

  bool wants_more() const { return coverage_.wants_more(tried_); }

  bool report() const {
    bool is_right = true;
    for (const auto& [name, part] : parts_) is_right &= part.report();
    return coverage_.report() && is_right;
  }

 private:
  Part& part_of(const Bound& bound, const Layer& layer, const Data& data) {
    std::string name = std::string(bound.name) + (layer.single ? " float32" : " float64");
    if (data.units > 32) name += " wide";
    return parts_.try_emplace(name, name).first->second;
  }

  std::map<std::string, Part> parts_;
  Coverage coverage_;
  long tried_ = 0;
};

Layer layer_1d(int64_t batch, int64_t in, int64_t out, int64_t size, int64_t kernel) {
  Layer layer;
  layer.geometry.kernel[0] = kernel;
  layer.input = {batch, in, size};
  layer.weight = {out, in, kernel};
  return layer;
}

Layer layer_2d(int64_t batch, int64_t in, int64_t out, int64_t size, int64_t kernel) {
  Layer layer = layer_1d(batch, in, out, size, kernel);
  layer.geometry.ndim = 2;
  layer.geometry.kernel[1] = kernel;
  layer.input.push_back(size - 1);
  layer.weight.push_back(kernel);
  return layer;
}

// Layers with sums of `terms` terms, in each direction and by each way.
struct LongSums {
  Layer layer;
  Result result;
};

std::vector<LongSums> long_sums(int64_t terms) {
  const auto root = static_cast<int64_t>(std::sqrt(static_cast<double>(terms)));
  return {{layer_1d(1, terms, 2, 1, 1), Result::output},
          {layer_1d(8, terms / 4, 1, 4, 4), Result::output},
          {layer_1d(1, 1, 1, terms + 2, terms), Result::output},
          {layer_1d(3, root, 2, root + 1, root), Result::output},
          {layer_2d(1, 1, 1, root + 1, root), Result::output},
          {layer_2d(1, terms / 36, 16, 16, 3), Result::output},
          {layer_1d(1, 2, terms, 1, 1), Result::grad_input},
          {layer_1d(2, 1, 1, terms + 1, terms), Result::grad_input},
          {layer_1d(1, 1, 1, terms + 1, 2), Result::grad_weight},
          {layer_1d(root, 1, 2, root + 1, 2), Result::grad_weight},
          {layer_1d(terms, 2, 1, 1, 1), Result::grad_weight},
          {layer_2d(1, 1, 1, root + 3, 3), Result::grad_weight},
          {layer_2d(4, 2, 9, root / 2 + 2, 2), Result::grad_weight},
          {layer_2d(16, 3, 20, root / 4 + 2, 2), Result::grad_weight},
          {layer_2d(4, 1, 2, root / 2, 1), Result::grad_bias}};
}

}  // namespace

bool try_accuracy(long count, long seed) {
  Random random(seed);
  Accuracy accuracy(count);
  for (long number = 0; accuracy.wants_more(); ++number) {
    const Family family = any_family(number);
    const Layer layer = random_layer(family, random);
    const bool separable =
        family == Family::separable && !layer.complex_weight && random.below(3) > 0;
    accuracy.check(layer, all_data[random.below(5)], random, separable);
  }
  // A thousandth of the cases, and as long as there are many of them.
  const int64_t terms = std::min<int64_t>(1000000, 20 * count);
  for (const LongSums& sums : long_sums(terms))
    for (const bool single : {false, true})
      for (const Data& data : all_data) {
        Layer layer = sums.layer;
        layer.single = single;
        accuracy.check(layer, data.draw(layer, random), data, sums.result);
      }
  return accuracy.report();
}

}  // namespace trust
