// Thread counts: problems that several threads share give the bits of one thread, also where flush
// to zero is on in the caller, or was when the threads were born; and the caller keeps its mode.
#include "call.hpp"
#include "float_mode.hpp"
#include "generator.hpp"
#include "part.hpp"
#include "regions.hpp"
#include "spoil.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

constexpr int thread_counts[] = {8, 2, 5, 3, 1};

// Normal numbers, those whose products are none, and some that are not finite.
Arrays draw_any(const Layer& layer, Random& random) {
  if (random.below(3) == 0) return draw_tiny(layer, random);
  Arrays arrays = draw_arrays(layer, normal, random);
  if (random.below(6) == 0) spoil(arrays, random);
  return arrays;
}

}  // namespace

bool try_threads(long count, long seed) {
  Random random(seed);
  Part bits("bits on up to 8 threads"), mode("the caller's floating-point mode"),
      most_shared("most calls were shared by all threads");
  long shared = 0, calls = 0;
  const std::vector<const Isa*>& isas = available_isas();
  while (bits.tried() < count) {
    const Layer layer = random_layer(Family::large, random);
    const Arrays arrays = draw_any(layer, random);
    for (const Result result : {Result::output, Result::grad_input, Result::grad_weight}) {
      const Call call(layer, arrays, result);
      How how;
      how.isa = isas[random.below(static_cast<int64_t>(isas.size()))];
      how.policy = all_policies[random.below(3)];
      const Values expected = call.compute(how);
      const std::string label = describe(layer) + " " + name_of(result);
      std::string wrong;
      for (const int threads : thread_counts) {
        how.threads = threads;
        const FlushToZero flush(random.below(2) == 0);
        const std::uint64_t before = float_mode();
        threads_of_last_call();
        if (!values::same_bits(call.compute(how), expected)) wrong += describe(how) + "; ";
        mode.check(float_mode() == before, label, describe(how));
        calls += threads > 1;
        shared += threads > 1 && threads_of_last_call() == threads;
      }
      bits.check(wrong.empty(), label, wrong);
    }
  }
  bool is_right = bits.report();
  is_right = mode.report() && is_right;
  if (!counts_regions) return is_right;
  most_shared.check(10 * shared >= 9 * calls, shared, "of", calls);
  return most_shared.report(harness::words(shared, "of", calls)) && is_right;
}

}  // namespace trust
