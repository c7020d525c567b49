#include "run.hpp"

#include "algo/algo.hpp"
#include "cpu.hpp"

namespace nnconv {

namespace {

const Isa& isa_of(const Wish& wish) { return wish.isa != nullptr ? *wish.isa : current_isa(); }

void run_direct(const Contraction& contraction, Direction direction, bool single, const Plan& plan,
                const Context& context);

// Whether the result stands: algo.hpp says of each algorithm when it does not.
bool run_plan(const Contraction& contraction, Direction direction, bool single, const Plan& plan,
              const Context& context) {
  const MapSide side = direction == Direction::forward ? MapSide::outputs : MapSide::inputs;
  switch (plan.algorithm) {
    case Algorithm::weight_gradient:
      weight_gradient(contraction, single, plan, context);
      return true;
    case Algorithm::naive:
      naive(contraction, direction, single, plan.isa->fused, context);
      return true;
    case Algorithm::naive_winograd:
      naive_winograd(contraction, direction, plan, single, context);
      return true;
    case Algorithm::rows:
      gather_rows(contraction, side, single, plan, context);
      return true;
    case Algorithm::channels:
    case Algorithm::lanes:
      gather_columns(contraction, side, single, plan, context);
      return true;
    case Algorithm::filter:
      return filter(contraction, side, single, plan, context);
    case Algorithm::winograd:
      return winograd(contraction, side, single, plan, context);
    case Algorithm::fft:
      return fft(contraction, side, single, context);
    case Algorithm::separable:
      return separable(contraction, side, single, context,
                       [&](const Contraction& pass, bool all_samples, const Context& alone) {
                         Plan direct = choose(pass, Direction::forward, single, *plan.isa,
                                              Policy::direct, all_samples ? "filter" : "rows");
                         direct.streams = false;  // a pass reads what the one before it stored
                         run_direct(pass, Direction::forward, single, direct, alone);
                       });
    case Algorithm::eigen:
      break;
  }
  return true;
}

// Where the result does not stand, the loop nest that can do all work repairs it; a filter has then
// computed none.
void run_direct(const Contraction& contraction, Direction direction, bool single, const Plan& plan,
                const Context& context) {
  if (contraction.rows == 0 || run_plan(contraction, direction, single, plan, context)) return;
  Plan rows = choose(contraction, direction, single, *plan.isa, Policy::direct, "rows");
  rows.repairs = plan.algorithm != Algorithm::filter;
  const MapSide side = direction == Direction::forward ? MapSide::outputs : MapSide::inputs;
  gather_rows(contraction, side, single, rows, context);
}

}  // namespace

Plan plan_of(const Problem& problem, const Task& task, const Context& context, const Wish& wish) {
  const FloatControl control;
  return choose(contraction_of(problem, task), task.direction, task.single, isa_of(wish),
                context.policy, wish.algorithm);
}

void run(const Problem& problem, const Task& task, const Context& context, const Wish& wish) {
  // What is chosen and prepared before the loops must not depend on the caller's mode either.
  const FloatControl control;
  const Contraction contraction = contraction_of(problem, task);
  Plan plan = choose(contraction, task.direction, task.single, isa_of(wish), context.policy,
                     wish.algorithm);
  plan.streams |= wish.streams;
  if (plan.algorithm == Algorithm::eigen) return eigen_product(problem, task, context);
  run_direct(contraction, task.direction, task.single, plan, context);
}

void run(const ChannelSums& sums, const Context& context, const Wish& wish) {
  const FloatControl control;
  static const double one = 1.0;
  Problem problem;
  problem.batch = sums.batch;
  problem.c_in = problem.c_out = sums.channels;
  // Each channel a group, so that vectors reach over channels; complex ones are taken apart.
  problem.groups = sums.complex_result ? 1 : sums.channels;
  if (sums.complex_result) problem.c_in = 1;
  problem.axes[0].in = problem.axes[0].out = sums.pixels;
  const Task task{Direction::backward_weight, sums.array, {&one}, {}, sums.out,
                  sums.complex_result,        sums.single};
  Contraction contraction = contraction_of(problem, task);
  contraction.b.lane = contraction.b.term = contraction.b.pixel = contraction.b.group = 0;
  const std::string algorithm = wish.algorithm == "eigen" ? "naive" : wish.algorithm;
  run_direct(
      contraction, task.direction, task.single,
      choose(contraction, task.direction, task.single, isa_of(wish), context.policy, algorithm),
      context);
}

}  // namespace nnconv
