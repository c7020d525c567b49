// A result of a layer as the core computes it, in any way.
#pragma once
#include "arrays.hpp"

namespace trust {

struct How {
  const nnconv::Isa* isa = nullptr;  // the one in use
  nnconv::Policy policy = nnconv::Policy::automatic;
  const char* algorithm = "";  // one that a test may ask for
  int threads = 1;
  bool streams = false;
  int64_t shift = 0;  // of the result in memory: see values::Memory
};

std::string describe(const How& how);
const char* name_of(nnconv::Policy policy);

constexpr nnconv::Policy exact_policies[] = {nnconv::Policy::direct, nnconv::Policy::automatic};
constexpr nnconv::Policy all_policies[] = {nnconv::Policy::direct, nnconv::Policy::automatic,
                                           nnconv::Policy::fast};

class Call {
 public:
  Call(const Layer& layer, const Arrays& arrays, Result result);

  // Throws where memory next to the result was written.
  Values compute(const How& how) const;

  // What the core would do; not for the gradient of the bias, which has no plan of its own.
  nnconv::Plan plan(const How& how) const;

 private:
  const Layer& layer_;
  const Arrays& arrays_;
  const Result result_;
  nnconv::Problem problem_;
  nnconv::Task task_;
};

// Runs a whole layer once: result by result.
inline Values compute(const Layer& layer, const Arrays& arrays, Result result, const How& how) {
  return Call(layer, arrays, result).compute(how);
}

}  // namespace trust
