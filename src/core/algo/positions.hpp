// Positions of a gathered result, class by class.
#pragma once
#include <array>
#include <cstdint>

#include "../axis_map.hpp"
#include "../problem.hpp"

namespace nnconv {

// Positions of the result whose lists are the same up to a shift: a product of axis classes.
struct PositionClass {
  std::array<const AxisClass*, max_spatial> axes;

  int64_t positions() const { return axes[0]->count * axes[1]->count * axes[2]->count; }
  double entries() const {
    return static_cast<double>(axes[0]->entries) * axes[1]->entries * axes[2]->entries;
  }
};

// Walks the positions of a class, first dimension fastest.
class PositionWalk {
 public:
  PositionWalk(const PositionClass& positions, int64_t at) : axes_(&positions.axes) {
    for (int i = 0; i < max_spatial && at > 0; ++i) {
      at_[i] = at % axis(i).count;
      at /= axis(i).count;
    }
  }
  void next() {
    for (int i = 0; i < max_spatial && ++at_[i] == axis(i).count && i + 1 < max_spatial; ++i)
      at_[i] = 0;
  }
  int64_t left_of_line() const { return axis(0).count - at_[0]; }
  void next_line() {
    at_[0] = axis(0).count - 1;
    next();
  }
  int64_t out(int i) const { return axis(i).first + at_[i] * axis(i).step; }
  int64_t base(int i) const { return axis(i).base + at_[i] * axis(i).base_step; }

 private:
  const AxisClass& axis(int i) const { return *(*axes_)[i]; }

  const std::array<const AxisClass*, max_spatial>* axes_;
  int64_t at_[max_spatial] = {};
};

}  // namespace nnconv
