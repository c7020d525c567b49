// Numbers that are not finite, as R has them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "arrays.hpp"

namespace trust {

// R's NA: a NaN whose lower word is 1954.
inline double missing_value() {
  const std::uint64_t bits = (std::uint64_t{0x7FF00000} << 32) | 1954;
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

struct NonFinite {
  const char* name;
  double value;
};

constexpr double infinity = std::numeric_limits<double>::infinity();
const NonFinite non_finite[] = {
    {"NA", missing_value()}, {"NaN", std::nan("")}, {"Inf", infinity}, {"-Inf", -infinity}};

// Some numbers of every array become others.
inline void spoil(Arrays& arrays, Random& random) {
  for (Values* values : {&arrays.input, &arrays.weight, &arrays.grad})
    for (std::size_t i = random.below(40); i < values->size(); i += 1 + random.below(400))
      (*values)[i] = non_finite[random.below(4)].value;
}

}  // namespace trust
