// Which of the core's ways to sum a row has reached; it must not leave out any.
#pragma once
#include <initializer_list>
#include <map>
#include <set>
#include <string>

#include "call.hpp"

namespace trust {

class Coverage {
 public:
  // Of the ways under these policies, those of the gradients of weights too or not. So few cases
  // that they are but a sample need not come by all of them.
  Coverage(long cases, std::initializer_list<nnconv::Policy> policies, bool of_weights = true);

  void note(const Layer& layer, const Call& call, Result result, const How& how);

  // Whether to try on: for so many cases, and until all ways were reached, but not forever.
  bool wants_more(long tried) const;

  // Reports as many cases as there are ways; one that never came failed.
  bool report() const;

 private:
  static constexpr long sample = 2000;

  bool reached_all() const;

  const long cases_;
  std::set<std::string> ways_;
  std::map<std::string, long> seen_;
};

}  // namespace trust
