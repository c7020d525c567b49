// What the oracles share.
#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "../axis.hpp"
#include "../contraction.hpp"

namespace nnconv {

// What one position of a result meets along one axis: where its terms stand, and the positions
// of A and B.
struct Meeting {
  int64_t slot, a, b;
};

struct Meetings {
  std::vector<Meeting> list;
  int64_t slots = 0;
};

Meetings meetings_of(const Axis& axis, Direction direction, int64_t u);

template <class T, bool fused>
T add_product(T x, T y, T sum) {
  if (fused) return std::fma(x, y, sum);
  const volatile T product = x * y;
  return product + sum;
}

// The sum of the blocks [first, first + 2^level) that have terms; false: none has.
template <class T>
bool sum_of_blocks(const std::map<int64_t, T>& blocks, int64_t first, int level, T& sum) {
  const auto found = blocks.lower_bound(first);
  if (found == blocks.end() || found->first >= first + (int64_t(1) << level)) return false;
  if (level == 0) {
    sum = found->second;
    return true;
  }
  T left, right;
  const bool has_left = sum_of_blocks(blocks, first, level - 1, left);
  const bool has_right =
      sum_of_blocks(blocks, first + (int64_t(1) << (level - 1)), level - 1, right);
  if (has_left && has_right) {
    sum = left + right;
  } else {
    sum = has_left ? left : right;
  }
  return true;
}

}  // namespace nnconv
