#include "coverage.hpp"

#include <algorithm>

#include "part.hpp"

using namespace nnconv;

namespace trust {

namespace {

std::string winograd_name(int results, int axes, bool by_rows) {
  return harness::words("Winograd", results, "along", axes, by_rows ? "by rows" : "by channels");
}

std::string way_of(const Plan& plan, const Isa& asked) {
  switch (plan.algorithm) {
    case Algorithm::rows:
      if (plan.isa != &asked) return "rows of narrower vectors";
      return plan.reads_in_place ? "rows" : "rows taken apart";
    case Algorithm::channels:
      return "channels";
    case Algorithm::lanes:
      return "lanes";
    case Algorithm::filter:
      return "filter";
    case Algorithm::weight_gradient:
      return plan.by_lanes ? "gradient by lanes" : "gradient by channels";
    case Algorithm::winograd:
      return winograd_name(plan.winograd_results, plan.winograd_axes,
                           plan.vectors == TileKind::rows);
    case Algorithm::separable:
      return "separable";
    case Algorithm::fft:
      return "fft";
    default:
      return "by name alone";
  }
}

// What a machine has by its instruction sets is left out: rows of narrower vectors.
std::set<std::string> ways_under(Policy policy, bool of_weights) {
  std::set<std::string> ways{"rows", "rows taken apart", "channels", "lanes", "filter"};
  if (of_weights) ways.insert({"gradient by lanes", "gradient by channels"});
  for (const int results : {2, 4})
    for (const int axes : {1, 2})
      for (const bool by_rows : {true, false})
        if (policy == (results == 2 ? Policy::automatic : Policy::fast))
          ways.insert(winograd_name(results, axes, by_rows));
  if (policy == Policy::fast) ways.insert({"separable", "fft"});
  return ways;
}

std::string with_precision(const std::string& way, bool single) {
  return way + (single ? " float32" : " float64");
}

}  // namespace

Coverage::Coverage(long cases, std::initializer_list<Policy> policies, bool of_weights)
    : cases_(cases) {
  for (const Policy policy : policies)
    for (const std::string& way : ways_under(policy, of_weights))
      for (const bool single : {false, true}) ways_.insert(with_precision(way, single));
}

void Coverage::note(const Layer& layer, const Call& call, Result result, const How& how) {
  if (result == Result::grad_bias) return;
  const Isa& asked = how.isa != nullptr ? *how.isa : current_isa();
  ++seen_[with_precision(way_of(call.plan(how), asked), layer.single)];
}

bool Coverage::reached_all() const {
  return std::all_of(ways_.begin(), ways_.end(),
                     [&](const std::string& way) { return seen_.count(way) > 0; });
}

bool Coverage::wants_more(long tried) const {
  return tried < cases_ || (cases_ >= sample && tried < 4 * cases_ && !reached_all());
}

bool Coverage::report() const {
  for (const auto& [way, times] : seen_) std::printf("reached %s: %ld times\n", way.c_str(), times);
  if (cases_ < sample) return true;
  Part part("ways to sum reached");
  for (const std::string& way : ways_) part.check(seen_.count(way) > 0, "never reached:", way);
  return part.report();
}

}  // namespace trust
