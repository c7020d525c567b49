// The parts of a row, as dev/trust/row.R reads them: "part,tried,failed,figure".
#pragma once
#include <cstdio>
#include <string>

#include "harness.hpp"

namespace trust {

class Part {
 public:
  explicit Part(std::string name) : name_(std::move(name)) {}

  // Counts a case; `words` say which, where it failed.
  template <class... Words>
  bool check(bool ok, const Words&... words) {
    ++tried_;
    if (!ok && ++failed_ <= most_shown)
      std::printf("FAILED %s: %s\n", name_.c_str(), harness::words(words...).c_str());
    return ok;
  }

  // Likewise a case that is good up to 1; the worst is shown. Not a number is no good.
  template <class... Words>
  bool check_ratio(double ratio, const Words&... words) {
    if (!(ratio <= worst_)) worst_ = ratio;
    has_ratio_ = true;
    return check(ratio <= 1, ratio, words...);
  }

  long tried() const { return tried_; }

  // Prints the line, with the worst ratio where there is one; whether nothing failed.
  bool report(const std::string& figure = "") const {
    std::string shown = figure;
    if (has_ratio_)
      shown += (figure.empty() ? "" : " ") + harness::words("at most", worst_, "of the bound");
    std::printf("%s,%ld,%ld,%s\n", name_.c_str(), tried_, failed_, shown.c_str());
    std::fflush(stdout);
    return failed_ == 0;
  }

 private:
  static constexpr int most_shown = 20;

  const std::string name_;
  long tried_ = 0, failed_ = 0;
  double worst_ = 0;
  bool has_ratio_ = false;
};

}  // namespace trust
