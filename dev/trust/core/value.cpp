// Wrong values: whole numbers, whose sums are exact, on every instruction set, by "direct" and
// "auto", against the definition. 0 bits may differ.
#include <cmath>

#include "call.hpp"
#include "coverage.hpp"
#include "generator.hpp"
#include "oracle.hpp"
#include "part.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

// Sums of moduli below this are exact: in single precision Winograd's transforms take six bits.
double exact_below(const Layer& layer) { return std::ldexp(1, layer.single ? 18 : 52); }

// Small numbers, or up to those whose sums are just exact.
Draw draw_exact(const Layer& layer, Random& random) {
  const double most = std::sqrt(exact_below(layer) / most_terms(layer));
  const double magnitude = random.below(2) == 0 ? 3 : std::pow(most, uniform(random));
  return whole(std::max<int64_t>(1, static_cast<int64_t>(std::min(most, magnitude))));
}

// One more way, by a loop nest that the plan might not take, with other threads and memory.
How any_way(Random& random) {
  constexpr const char* algorithms[] = {"rows", "channels", "lanes", "filter", "direct"};
  const std::vector<const Isa*>& isas = available_isas();
  How how;
  how.isa = isas[random.below(static_cast<int64_t>(isas.size()))];
  how.policy = Policy::direct;
  how.algorithm = algorithms[random.below(5)];
  how.threads = 2;
  how.streams = random.below(2) == 0;
  how.shift = random.below(8);
  return how;
}

}  // namespace

bool try_values(long count, long seed) {
  Random random(seed);
  Part part("values of whole numbers");
  Coverage coverage(count, {Policy::direct, Policy::automatic});
  for (long number = 0; coverage.wants_more(part.tried()); ++number) {
    const Layer layer = random_layer(any_family(number), random);
    const Arrays arrays = draw_arrays(layer, draw_exact(layer, random), random);
    for (const Result result : all_results) {
      const Call call(layer, arrays, result);
      const Values expected = sums_of<WholeSum>(layer, arrays, result).values();
      std::string wrong;
      const auto compare = [&](const How& how) {
        if (!values::same_bits(call.compute(how), expected)) wrong += describe(how) + "; ";
      };
      for (const Isa* isa : available_isas())
        for (const Policy policy : exact_policies) {
          const How how{isa, policy};
          coverage.note(layer, call, result, how);
          compare(how);
        }
      compare(any_way(random));
      part.check(wrong.empty(), describe(layer), name_of(result), wrong);
    }
  }
  const bool is_right = part.report();
  return coverage.report() && is_right;
}

}  // namespace trust
