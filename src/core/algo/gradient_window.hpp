// What the taps of a weight's gradient read of the input, packed so that every tap reads it evenly:
// the next output position, along any dimension, is the next number, whatever stride and dilation.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "../axis.hpp"
#include "tiles.hpp"

namespace nnconv {

// One dimension: what `count` output positions read at a range of taps, as phases of equal length.
// Positions of the padded input that are a stride apart are neighbours in a phase; taps share
// phases where that is less than a phase for each.
class AxisWindow {
 public:
  AxisWindow() = default;

  AxisWindow(const Axis& axis, const Range& taps, int64_t count, int64_t multiple)
      : axis_(&axis), taps_(taps), apart_(std::gcd(axis.stride, axis.dilation)) {
    const int64_t shared_phases = axis.stride / apart_;
    const int64_t reach = (taps.count - 1) * (axis.dilation / apart_) / shared_phases;
    shared_ = shared_phases * (count + reach) <= taps.count * count;
    phases_ = shared_ ? shared_phases : taps.count;
    reach_ = shared_ ? reach : 0;
    length_ = (count + reach_ + multiple - 1) / multiple * multiple;
  }

  int64_t phases() const { return phases_; }
  int64_t length() const { return length_; }
  int64_t size() const { return phases_ * length_; }

  // Where the first output position finds tap t; the next ones follow.
  int64_t at(int64_t t) const {
    const int64_t tap = t - taps_.first;
    if (!shared_) return tap * length_;
    const int64_t away = tap * (axis_->dilation / apart_);
    return away % phases_ * length_ + away / phases_;
  }

  // Calls body(at, position) for what `count` outputs from q on read in a phase: the input position
  // that stands there, or -1.
  template <class Body>
  void for_positions(int64_t q, int64_t count, const Body& body) const {
    for (int64_t phase = 0; phase < phases_; ++phase) {
      int64_t v = first(q, phase);
      for (int64_t n = 0; n < needed(count); ++n, v += axis_->stride)
        body(phase * length_ + n, source(v));
    }
  }

  // Calls run(at, position, n) for n positions a stride apart, and gap(at, n) where there are none.
  template <class Run, class Gap>
  void for_runs(int64_t q, int64_t count, const Run& run, const Gap& gap) const {
    for (int64_t phase = 0; phase < phases_; ++phase) {
      const int64_t v = first(q, phase), end = needed(count), stride = axis_->stride;
      const auto reaching = [&](int64_t bound) {
        return v >= bound ? 0 : std::min(end, (bound - v + stride - 1) / stride);
      };
      const int64_t inside = reaching(0), after = reaching(axis_->in);
      for (int64_t n = 0; n < end; ++n) {
        const int64_t at = phase * length_ + n;
        if (n == inside && after > inside) {
          run(at, v + n * stride, after - inside);
          n = after - 1;
          continue;
        }
        const int64_t position = source(v + n * stride);
        position < 0 ? gap(at, int64_t(1)) : run(at, position, int64_t(1));
      }
    }
  }

 private:
  int64_t needed(int64_t count) const { return count + reach_; }

  // The position of the padded input with which a phase starts where output q is the first.
  int64_t first(int64_t q, int64_t phase) const {
    const int64_t tap = shared_ ? taps_.first : taps_.first + phase;
    return q * axis_->stride + tap * axis_->dilation + (shared_ ? phase * apart_ : 0) -
           axis_->pad_lo;
  }
  int64_t source(int64_t v) const {
    return v < -axis_->pad_lo || v >= axis_->in + axis_->pad_hi ? -1 : axis_->inside(v);
  }

  const Axis* axis_ = nullptr;
  Range taps_{};
  int64_t apart_ = 1, phases_ = 1, length_ = 1, reach_ = 0;
  bool shared_ = false;
};

// All dimensions of a box of output positions.
struct Window {
  AxisWindow axes[max_spatial];

  int64_t line() const { return axes[0].size(); }
  int64_t size() const { return line() * axes[1].size() * axes[2].size(); }
  int64_t at(int64_t i, int64_t j, int64_t k) const {
    return axes[0].at(i) + line() * (axes[1].at(j) + axes[1].size() * axes[2].at(k));
  }
};

}  // namespace nnconv
