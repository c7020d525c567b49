// Axis maps: for each position of a result along one dimension, the list of (tap, position
// read), in the written order. Positions whose lists are the same up to a shift form a
// class, so a map of any length is a handful of classes.
#pragma once
#include <cstdint>

#include "axis.hpp"
#include "parallel.hpp"
#include "short_vector.hpp"

namespace nnconv {

// Which way the map is read: from outputs to the inputs they read, or from inputs to the
// outputs that read them (transposed convolution, gradient of the input).
enum class MapSide { outputs, inputs };

// The slot is where the entry's terms stand in the written order: blocks are cut by slot, so
// that an entry that a border leaves out moves no other. It is the tap, counted among the taps
// that the stride lets through; where a tap can come more than once (images of a border), the
// entry's rank in its list.
struct AxisEntry {
  int64_t slot, tap;
  int64_t position;  // in an AxisClass: relative to the position's base

  bool operator==(const AxisEntry& other) const {
    return slot == other.slot && tap == other.tap && position == other.position;
  }
};

using AxisEntries = ShortVector<AxisEntry, 8>;

// Positions first, first + step, ... (count of them), which read at base, base + base_step, ...
// plus each entry's position. The lists themselves are made when they are used: a long kernel has
// many classes at its borders.
struct AxisClass {
  int64_t first, step, count;
  int64_t base, base_step;
  int64_t entries;
  int64_t slots;  // all slots are below
};

struct AxisMap {
  ShortVector<AxisClass, 8> classes;  // of all positions that read anything
  std::vector<char> gaps;             // where there are others: whether a position is one of them
};

AxisMap axis_map(const Axis& axis, MapSide side, const Context& context);

// The list of position u of the result, by (tap, position), slots rising.
AxisEntries entries_at(const Axis& axis, MapSide side, int64_t u);

// All slots of such lists are below, but for inverse maps whose border repeats positions.
int64_t slots_of(const Axis& axis, MapSide side);

// Whether a map reads as a map of outputs: one, or an inverse of stride 1 without images of a
// border, whose taps then come in the other order; and the axis of which it is the map of outputs.
inline bool is_output_map(const Axis& axis, MapSide side) {
  return side == MapSide::outputs || (axis.stride == 1 && axis.mode == PadMode::zeros);
}
Axis output_map(const Axis& axis, MapSide side);

// Makes the list of a class, by (tap, position), slots rising.
void list_entries_of(const Axis& axis, MapSide side, const AxisClass& positions,
                     AxisEntries& entries);

}  // namespace nnconv
