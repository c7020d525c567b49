// Does it: problem and task in, the result written.
#pragma once
#include <string>

#include "contraction.hpp"
#include "parallel.hpp"
#include "plan.hpp"

namespace nnconv {

// What a test may ask for; by default the plan chooses.
struct Wish {
  const Isa* isa = nullptr;
  std::string algorithm;
  bool streams = false;  // results past the caches, whatever the plan says
};

void run(const Problem& problem, const Task& task, const Context& context, const Wish& wish = {});

// The plan that run() would follow.
Plan plan_of(const Problem& problem, const Task& task, const Context& context,
             const Wish& wish = {});

// The gradient of the bias: for each of `channels`, the sum of an array [batch, channels, pixels]
// over (pixel, sample). It is the gradient of a weight that one constant input channel meets, so
// its order is written there.
struct ChannelSums {
  int64_t batch, channels, pixels;
  Array array;
  double* out;
  bool complex_result, single;
};

void run(const ChannelSums& sums, const Context& context, const Wish& wish = {});

}  // namespace nnconv
