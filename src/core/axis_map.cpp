#include "axis_map.hpp"

#include <algorithm>
#include <numeric>

namespace nnconv {

namespace {

void entries_of_output(const Axis& axis, int64_t q, std::vector<AxisEntry>& entries) {
  for (int64_t t = 0; t < axis.kernel; ++t) {
    const int64_t p = axis.source(q, t);
    if (p >= 0) entries.push_back({t, t, p});
  }
}

// The positions of the padded input where input position p stands: itself and its images.
std::vector<int64_t> images(const Axis& axis, int64_t p) {
  std::vector<int64_t> found{p};
  const int64_t last = axis.in - 1;
  const auto add = [&](int64_t v) {
    if (v >= -axis.pad_lo && v <= last + axis.pad_hi) found.push_back(v);
  };
  switch (axis.mode) {
    case PadMode::zeros:
      break;
    case PadMode::reflect:
      if (p > 0) add(-p);
      if (p < last) add(2 * last - p);
      break;
    case PadMode::replicate:
      if (p == 0)
        for (int64_t v = -axis.pad_lo; v < 0; ++v) found.push_back(v);
      if (p == last)
        for (int64_t v = last + 1; v <= last + axis.pad_hi; ++v) found.push_back(v);
      break;
    case PadMode::circular:
      add(p - axis.in);
      add(p + axis.in);
      break;
  }
  return found;
}

// Taps that reach one input position through the stride are so far apart.
int64_t tap_period(const Axis& axis) { return axis.stride / std::gcd(axis.stride, axis.dilation); }

int64_t slots_of(const Axis& axis, MapSide side, const std::vector<AxisEntry>& entries) {
  if (side == MapSide::outputs) return axis.kernel;
  if (axis.mode != PadMode::zeros) return static_cast<int64_t>(entries.size());
  return (axis.kernel - 1) / tap_period(axis) + 1;
}

void entries_of_input(const Axis& axis, int64_t p, std::vector<AxisEntry>& entries) {
  for (const int64_t v : images(axis, p)) {
    for (int64_t t = 0; t < axis.kernel; ++t) {
      const int64_t reach = v + axis.pad_lo - t * axis.dilation;
      if (reach < 0) break;
      const int64_t q = reach / axis.stride;
      if (reach % axis.stride == 0 && q < axis.out) entries.push_back({t / tap_period(axis), t, q});
    }
  }
  if (axis.mode == PadMode::zeros) return;
  std::sort(entries.begin(), entries.end(), [](const AxisEntry& a, const AxisEntry& b) {
    return a.tap != b.tap ? a.tap < b.tap : a.position < b.position;
  });
  for (std::size_t rank = 0; rank < entries.size(); ++rank) entries[rank].slot = rank;
}

// Positions [begin, end) whose lists need no look: all taps that the stride allows are
// there, and no border has a say. Within them a list repeats, shifted, every `period`.
struct Interior {
  int64_t begin, end, period, shift;
};

Interior interior_of(const Axis& axis, MapSide side) {
  const int64_t reach = (axis.kernel - 1) * axis.dilation;
  if (side == MapSide::outputs) {
    const int64_t begin = (axis.pad_lo + axis.stride - 1) / axis.stride;
    const int64_t room = axis.in - 1 - reach + axis.pad_lo;
    const int64_t end = room < 0 ? 0 : std::min(axis.out, room / axis.stride + 1);
    return {begin, end, 1, axis.stride};
  }
  const int64_t border = axis.mode == PadMode::zeros ? 0 : std::max(axis.pad_lo, axis.pad_hi) + 1;
  const int64_t begin = std::max(border, reach - axis.pad_lo);
  const int64_t end = std::min(axis.in - border, (axis.out - 1) * axis.stride - axis.pad_lo + 1);
  return {begin, end, axis.stride, 1};
}

}  // namespace

std::vector<AxisClass> axis_classes(const Axis& axis, MapSide side) {
  const int64_t positions = side == MapSide::outputs ? axis.out : axis.in;
  const Interior interior = interior_of(axis, side);
  std::vector<AxisClass> classes;
  std::vector<AxisEntry> entries;
  for (int64_t phase = 0; phase < std::min(interior.period, positions); ++phase) {
    std::size_t open = classes.size();  // no class of this phase can be extended yet
    for (int64_t u = phase; u < positions; u += interior.period) {
      entries.clear();
      if (side == MapSide::outputs)
        entries_of_output(axis, u, entries);
      else
        entries_of_input(axis, u, entries);
      const int64_t base = entries.empty() ? 0 : entries.front().position;
      for (auto& entry : entries) entry.position -= base;

      int64_t count = 1;
      if (u >= interior.begin && u < interior.end)
        count = (interior.end - 1 - u) / interior.period + 1;

      const bool extends =
          open < classes.size() && classes.back().entries == entries &&
          (entries.empty() || base == classes.back().base + classes.back().count * interior.shift);
      if (extends)
        classes.back().count += count;
      else
        classes.push_back({u, interior.period, count, base, interior.shift,
                           slots_of(axis, side, entries), entries});
      u += (count - 1) * interior.period;
    }
  }
  return classes;
}

}  // namespace nnconv
