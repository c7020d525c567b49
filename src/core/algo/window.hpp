// Boxes of positions, and windows: what a box reads of an operand, copied side by side.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "../axis_map.hpp"
#include "positions.hpp"

namespace nnconv {

// A part of a class of positions: a class itself.
struct Box {
  std::array<AxisClass, max_spatial> axes;

  PositionClass positions() const { return {{&axes[0], &axes[1], &axes[2]}}; }
};

// How a class is cut into boxes, nearly equal ones along each axis; along the first in whole
// grains, so many positions each, as far as the axis goes.
struct Boxes {
  std::array<int64_t, max_spatial> parts{1, 1, 1};
  int64_t grain = 1;

  int64_t count() const { return parts[0] * parts[1] * parts[2]; }
  int64_t grain_of(int axis) const { return axis == 0 ? grain : 1; }
  int64_t grains(const PositionClass& positions, int axis) const {
    return (positions.axes[axis]->count - 1) / grain_of(axis) + 1;
  }
  // The most positions of a box along an axis.
  int64_t largest(const PositionClass& positions, int axis) const {
    return std::min(positions.axes[axis]->count,
                    ((grains(positions, axis) - 1) / parts[axis] + 1) * grain_of(axis));
  }
  int64_t largest(const PositionClass& positions) const {
    return largest(positions, 0) * largest(positions, 1) * largest(positions, 2);
  }

  Box box(const PositionClass& positions, int64_t number) const {
    Box found;
    for (int i = 0; i < max_spatial; ++i) {
      AxisClass& axis = found.axes[i] = *positions.axes[i];
      const int64_t all = grains(positions, i), rest = all % parts[i];
      const auto start = [&](int64_t part) {
        return std::min(axis.count, (part * (all / parts[i]) + std::min(part, rest)) * grain_of(i));
      };
      const int64_t before = start(number % parts[i]), end = start(number % parts[i] + 1);
      axis.count = end - before;
      axis.first += before * axis.step;
      axis.base += before * axis.base_step;
      number /= parts[i];
    }
    return found;
  }
};

// What boxes of a class read along one axis, as runs of positions a step apart: position q of a
// box and an entry read place `entry + q` of the window, whatever stride and dilation are.
class WindowAxis {
 public:
  struct Run {
    int64_t first, count, at;  // first position, from the box's base; first place
  };

  // Puts places into the entries instead of positions.
  void set(const AxisClass& positions, int64_t box, AxisEntries& entries) {
    step_ = positions.base_step;
    runs_.clear();
    extent_ = 0;
    order_.clear();
    for (const AxisEntry& entry : entries) order_.push_back(entry.position);
    if (order_.front() > order_.back()) std::reverse(order_.begin(), order_.end());
    if (!std::is_sorted(order_.begin(), order_.end())) std::sort(order_.begin(), order_.end());
    for (const int64_t at : order_) {
      Run* const run = run_of(at);
      if (run == nullptr || at > run->first + run->count * step_)
        runs_.push_back({at, box, 0});
      else
        run->count = (at - run->first) / step_ + box;
    }
    for (Run& run : runs_) {
      run.at = extent_;
      extent_ += run.count;
    }
    for (AxisEntry& entry : entries) {
      const Run& run = *run_of(entry.position);
      entry.position = run.at + (entry.position - run.first) / step_;
    }
  }

  // Calls visit(part of a run) for short parts, those of several runs that are near each other in
  // turn.
  template <class Visit>
  void for_each_part(const Visit& visit) const {
    const int64_t part = runs_.size() == 1 ? extent_ : 8;
    for (int64_t i = 0; i < extent_; i += part)
      for (const Run& run : runs_)
        if (i < run.count)
          visit(Run{run.first + i * step_, std::min(part, run.count - i), run.at + i});
  }

  const std::vector<Run>& runs() const { return runs_; }
  int64_t step() const { return step_; }
  int64_t extent() const { return extent_; }

 private:
  // The last run that starts at a position or whole steps before it.
  Run* run_of(int64_t at) {
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run)
      if (run->first <= at && (step_ == 1 || (at - run->first) % step_ == 0)) return &*run;
    return nullptr;
  }

  std::vector<Run> runs_;
  std::vector<int64_t> order_;
  int64_t step_ = 1, extent_ = 0;
};

}  // namespace nnconv
