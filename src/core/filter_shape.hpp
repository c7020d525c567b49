// How the "filter" loop nest cuts a problem: a tile's vectors run along lines of the first
// dimension, samples of a pixel side by side; its columns are channels or, where there are few of
// them, neighbouring lines that read the same vectors. What a box of the result reads is packed
// into a strip of padded lines.
#pragma once
#include <cstdint>

#include "axis_map.hpp"
#include "contraction.hpp"
#include "kernel/kernel_table.hpp"

namespace nnconv {

// Distances are between positions of the padded input.
struct FilterAxis {
  Axis axis;          // as a map of outputs (output_map())
  bool reversed;      // taps by falling distance
  int64_t apart = 1;  // between positions of the result that neighbouring lines of a tile hold
  int64_t lines = 1;  // lines of a tile
  int64_t box = 1;    // positions of a box of the result
  int64_t boxes = 1;

  int64_t distance(int64_t tap) const {
    return (reversed ? axis.kernel - 1 - tap : tap) * axis.dilation;
  }
  int64_t reach() const { return (axis.kernel - 1) * axis.dilation; }
  // How many positions of the padded input `count` positions of the result read.
  int64_t reads(int64_t count) const { return (count - 1) * axis.stride + reach() + 1; }
  // By how many taps the terms of neighbouring lines are shifted.
  int64_t shift() const { return axis.stride * apart / axis.dilation; }

  // The last box takes what would be too little for a box of its own.
  int64_t first(int64_t number) const { return number * box; }
  int64_t count(int64_t number) const {
    return (number + 1 == boxes ? axis.out : first(number + 1)) - first(number);
  }
  int64_t largest() const { return count(boxes - 1) > box ? count(boxes - 1) : box; }
};

FilterAxis filter_axis(const Axis& axis, MapSide side);

struct FilterShape {
  FilterAxis axes[max_spatial];
  int64_t rows;      // samples
  int64_t terms;     // channels that are read
  int channels = 1;  // of a tile
  int64_t panels = 1;
  int64_t lines = 1;         // of a tile; columns are lines x channels
  bool along_first = false;  // columns could be positions of the first dimension
  int64_t period = 1;        // positions from one to the next of a vector
  int64_t sum_terms = 0;     // all terms of a tile
  int64_t pitch = 0;         // of one phase of a line in the strip
  double strip = 0;          // elements of a strip
  double packed = 0;         // of all strips

  int64_t taps() const { return axes[0].axis.kernel * axes[1].axis.kernel * axes[2].axis.kernel; }
  // Positions of the input that the stride keeps apart do not stand side by side in a strip.
  int64_t phases() const { return axes[0].axis.stride * period; }
  int64_t channel_pitch() const { return pitch * phases(); }
  int64_t line_pitch() const { return channel_pitch() * terms; }
  int64_t line_rows(int64_t box) const { return (box + period - 1) / period * rows; }
  int64_t boxes() const { return axes[0].boxes * axes[1].boxes * axes[2].boxes; }
};

// Whether the loop nest can do it: real sums, of an order that it can keep, that fit its scratch.
bool filter_shape(const Contraction& c, MapSide side, int vector, int mv, int element_bytes,
                  FilterShape& shape);

}  // namespace nnconv
