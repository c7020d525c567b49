// Axis maps against a search through all (output position, tap).
#include <algorithm>

#include "axis_map.hpp"
#include "harness.hpp"
#include "problem.hpp"

using namespace nnconv;

namespace {

Axis random_axis(harness::Random& random) {
  for (;;) {
    Axis axis;
    axis.mode = static_cast<PadMode>(random.below(4));
    axis.in = random.between(1, 30);
    axis.kernel = random.between(1, 6);
    axis.stride = random.between(1, 4);
    axis.dilation = random.between(1, 4);
    axis.pad_lo = random.between(0, 7);
    axis.pad_hi = random.between(0, 7);
    const int64_t limit = axis.mode == PadMode::reflect    ? axis.in - 1
                          : axis.mode == PadMode::circular ? axis.in
                                                           : 100;
    axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, axis.dilation, axis.pad_lo,
                                axis.pad_hi);
    if (axis.out < 1 || std::max(axis.pad_lo, axis.pad_hi) > limit) continue;
    // As a transposed layer with output padding has it: inputs that nothing reads.
    if (axis.mode == PadMode::zeros) axis.in += random.between(0, axis.stride);
    return axis;
  }
}

std::vector<std::pair<int64_t, int64_t>> search(const Axis& axis, MapSide side, int64_t u) {
  std::vector<std::pair<int64_t, int64_t>> found;
  for (int64_t t = 0; t < axis.kernel; ++t) {
    if (side == MapSide::outputs && axis.source(u, t) >= 0) found.push_back({t, axis.source(u, t)});
    if (side == MapSide::inputs)
      for (int64_t q = 0; q < axis.out; ++q)
        if (axis.source(q, t) == u) found.push_back({t, q});
  }
  return found;
}

void check_axis(const Axis& axis, MapSide side, const std::string& label) {
  const int64_t positions = side == MapSide::outputs ? axis.out : axis.in;
  std::vector<int> times(positions, 0);
  const AxisMap map = axis_map(axis, side, Context());
  for (const AxisClass& c : map.classes) {
    AxisEntries entries;
    list_entries_of(axis, side, c, entries);
    CHECK(!entries.empty() && static_cast<int64_t>(entries.size()) == c.entries, label);
    int64_t last_slot = -1;
    bool slots_rise = true;
    for (const AxisEntry& entry : entries) {
      slots_rise = slots_rise && entry.slot > last_slot && entry.slot < c.slots;
      last_slot = entry.slot;
    }
    CHECK(slots_rise, label);
    for (int64_t i = 0; i < c.count; ++i) {
      const int64_t u = c.first + i * c.step;
      ++times.at(u);
      std::vector<std::pair<int64_t, int64_t>> listed;
      for (const AxisEntry& entry : entries)
        listed.push_back({entry.tap, entry.position + c.base + i * c.base_step});
      CHECK(listed == search(axis, side, u), label, "position", u);
    }
  }
  bool complete = true, right = true;
  for (int64_t u = 0; u < positions; ++u) {
    const bool reads = !search(axis, side, u).empty();
    complete = complete && reads;
    right = right && times[u] == (reads ? 1 : 0);
  }
  CHECK(right, label);
  CHECK(map.gaps.empty() == complete, label);
}

}  // namespace

TEST(axis_maps_list_what_a_search_finds) {
  harness::Random random(1);
  for (int i = 0; i < 1500; ++i) {
    const Axis axis = random_axis(random);
    const std::string label = harness::words(
        "in", axis.in, "kernel", axis.kernel, "stride", axis.stride, "dilation", axis.dilation,
        "pad", axis.pad_lo, axis.pad_hi, "mode", static_cast<int>(axis.mode));
    check_axis(axis, MapSide::outputs, "outputs " + label);
    check_axis(axis, MapSide::inputs, "inputs " + label);
  }
}

TEST(a_long_axis_is_a_handful_of_classes) {
  Axis axis;
  axis.in = 100000000;
  axis.kernel = 3;
  axis.pad_lo = axis.pad_hi = 1;
  axis.out = axis.in;
  for (const MapSide side : {MapSide::outputs, MapSide::inputs})
    CHECK(axis_map(axis, side, Context()).classes.size() == 3, static_cast<int>(side));
}
