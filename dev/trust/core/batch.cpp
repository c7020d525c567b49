// Batches: a sample alone gives the bits that it gives among others, its output and the gradient of
// its input, under every algorithm.
#include "call.hpp"
#include "coverage.hpp"
#include "generator.hpp"
#include "part.hpp"
#include "spoil.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

// Every `batch`-th number from `sample` on; complex ones are pairs.
Values sample_of(const Values& values, int64_t sample, int64_t batch, bool is_complex) {
  const int64_t width = is_complex ? 2 : 1;
  Values found;
  for (std::size_t i = sample * width; i < values.size(); i += batch * width)
    found.insert(found.end(), values.begin() + i, values.begin() + i + width);
  return found;
}

Layer alone(Layer layer, Random& random) {
  if (random.below(2) == 0)
    layer.input[0] = 1;
  else
    layer.input.erase(layer.input.begin());
  return layer;
}

Arrays arrays_of(const Layer& layer, const Arrays& arrays, int64_t sample) {
  Arrays found = arrays;
  found.input = sample_of(arrays.input, sample, layer.batch(), layer.complex_input);
  found.grad = sample_of(arrays.grad, sample, layer.batch(), layer.complex_grad);
  return found;
}

}  // namespace

bool try_batches(long count, long seed) {
  Random random(seed);
  Part part("a sample alone and in a batch");
  Coverage coverage(count, {Policy::direct, Policy::automatic, Policy::fast}, false);
  for (long number = 0; coverage.wants_more(part.tried()); ++number) {
    const Family family = any_family(number);
    Layer layer = random_layer(family, random);
    if (layer.batch() == 0) continue;
    // Most batches that a family has are small.
    if (layer.batch() == 1) {
      if (!layer.batched()) layer.input.insert(layer.input.begin(), 1);
      layer.input[0] = random.between(2, 5);
    }
    Arrays arrays = draw_arrays(layer, normal, random);
    if (family == Family::separable && !layer.complex_weight && random.below(3) > 0)
      separate(layer, arrays, random);
    if (random.below(3) == 0) spoil(arrays, random);
    const int64_t samples[] = {random.below(layer.batch()), layer.batch() - 1};
    for (const Result result : {Result::output, Result::grad_input}) {
      const Call call(layer, arrays, result);
      std::string wrong;
      for (const Isa* isa : available_isas())
        for (const Policy policy : all_policies) {
          const How how{isa, policy};
          coverage.note(layer, call, result, how);
          const Values batch = call.compute(how);
          for (const int64_t sample : samples) {
            const Values one =
                compute(alone(layer, random), arrays_of(layer, arrays, sample), result, how);
            if (!values::same_bits(
                    one, sample_of(batch, sample, layer.batch(), is_complex(layer, result))))
              wrong += harness::words(describe(how), "sample", sample, "; ");
          }
        }
      part.check(wrong.empty(), describe(layer), name_of(result), wrong);
    }
  }
  const bool is_right = part.report();
  return coverage.report() && is_right;
}

}  // namespace trust
