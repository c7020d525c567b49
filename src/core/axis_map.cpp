#include "axis_map.hpp"

#include <algorithm>
#include <numeric>

namespace nnconv {

namespace {

void entries_of_output(const Axis& axis, int64_t q, AxisEntries& entries) {
  for (int64_t t = 0; t < axis.kernel; ++t) {
    const int64_t p = axis.source(q, t);
    if (p >= 0) entries.push_back({t, t, p});
  }
}

struct Interval {
  int64_t first, last;
};

using Images = ShortVector<Interval, 3>;

// Where input position p stands in the padded input: itself and its images, in rising order.
Images images(const Axis& axis, int64_t p) {
  const int64_t last = axis.in - 1;
  Images found;
  const auto add = [&](int64_t v) {
    if (v >= -axis.pad_lo && v <= last + axis.pad_hi) found.push_back({v, v});
  };
  switch (axis.mode) {
    case PadMode::zeros:
      add(p);
      break;
    case PadMode::reflect:
      if (p > 0) add(-p);
      add(p);
      if (p < last) add(2 * last - p);
      break;
    case PadMode::replicate:
      found.push_back({p == 0 ? -axis.pad_lo : p, p == last ? last + axis.pad_hi : p});
      break;
    case PadMode::circular:
      add(p - axis.in);
      add(p);
      add(p + axis.in);
      break;
  }
  return found;
}

// Taps that reach one input position through the stride are so far apart.
int64_t tap_period(const Axis& axis) {
  return axis.stride == 1 ? 1 : axis.stride / std::gcd(axis.stride, axis.dilation);
}

int64_t slots_of_list(const Axis& axis, MapSide side, const AxisEntries& entries) {
  if (side == MapSide::inputs && axis.mode != PadMode::zeros)
    return static_cast<int64_t>(entries.size());
  return slots_of(axis, side);
}

// x / y rounded down and up, for x >= 0 and y > 0. Strides are mostly 1, and a division takes
// longer than the rest of an entry.
int64_t quotient(int64_t x, int64_t y) { return y == 1 ? x : x / y; }
int64_t ceiling(int64_t x, int64_t y) { return quotient(x + y - 1, y); }

void entries_of_input(const Axis& axis, int64_t p, AxisEntries& entries) {
  const Images images_of_p = images(axis, p);
  const bool ranked = axis.mode != PadMode::zeros;
  const int64_t period = tap_period(axis);
  for (int64_t t = 0; t < axis.kernel; ++t) {
    const int64_t shift = axis.pad_lo - t * axis.dilation;  // q * stride = v + shift
    if (images_of_p.back().last + shift < 0) break;
    for (const Interval& v : images_of_p) {
      if (v.last + shift < 0) continue;
      const int64_t first = ceiling(std::max<int64_t>(0, v.first + shift), axis.stride);
      const int64_t last = std::min(axis.out - 1, quotient(v.last + shift, axis.stride));
      for (int64_t q = first; q <= last; ++q)
        entries.push_back(
            {ranked ? static_cast<int64_t>(entries.size()) : quotient(t, period), t, q});
    }
  }
}

void list_entries(const Axis& axis, MapSide side, int64_t u, AxisEntries& entries) {
  entries.clear();
  if (side == MapSide::outputs)
    entries_of_output(axis, u, entries);
  else
    entries_of_input(axis, u, entries);
}

// The list of position u, its positions relative to the first, which is returned.
int64_t shifted_entries(const Axis& axis, MapSide side, int64_t u, AxisEntries& entries) {
  list_entries(axis, side, u, entries);
  const int64_t base = entries.empty() ? 0 : entries.front().position;
  for (AxisEntry& entry : entries) entry.position -= base;
  return base;
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

AxisMap axis_map(const Axis& axis, MapSide side, const Context& context) {
  const int64_t positions = side == MapSide::outputs ? axis.out : axis.in;
  const Interior interior = interior_of(axis, side);
  AxisMap map;
  Poll poll(context, static_cast<double>(axis.kernel) * static_cast<double>(axis.in + axis.out));
  AxisEntries lists[2];
  AxisEntries *entries = &lists[0], *last_entries = &lists[1];
  for (int64_t phase = 0; phase < std::min(interior.period, positions); ++phase) {
    last_entries->clear();  // no class of another phase can be extended
    for (int64_t u = phase; u < positions; u += interior.period) {
      poll.now_and_then();
      const int64_t base = shifted_entries(axis, side, u, *entries);
      int64_t count = 1;
      if (u >= interior.begin && u < interior.end)
        count = (interior.end - 1 - u) / interior.period + 1;
      if (entries->empty()) {
        map.gaps.resize(positions, 0);
        for (int64_t i = 0; i < count; ++i) map.gaps[u + i * interior.period] = 1;
      } else if (*entries == *last_entries &&
                 base == map.classes.back().base + map.classes.back().count * interior.shift) {
        map.classes.back().count += count;
      } else {
        map.classes.push_back({u, interior.period, count, base, interior.shift,
                               static_cast<int64_t>(entries->size()),
                               slots_of_list(axis, side, *entries)});
      }
      std::swap(entries, last_entries);
      u += (count - 1) * interior.period;
    }
  }
  return map;
}

AxisEntries entries_at(const Axis& axis, MapSide side, int64_t u) {
  AxisEntries entries;
  list_entries(axis, side, u, entries);
  return entries;
}

int64_t slots_of(const Axis& axis, MapSide side) {
  return side == MapSide::outputs ? axis.kernel : (axis.kernel - 1) / tap_period(axis) + 1;
}

Axis output_map(const Axis& axis, MapSide side) {
  Axis map = axis;
  if (side == MapSide::outputs) return map;
  std::swap(map.in, map.out);
  map.pad_lo = (axis.kernel - 1) * axis.dilation - axis.pad_lo;
  map.pad_hi = map.out - map.in + axis.pad_lo;
  return map;
}

void list_entries_of(const Axis& axis, MapSide side, const AxisClass& positions,
                     AxisEntries& entries) {
  shifted_entries(axis, side, positions.first, entries);
}

}  // namespace nnconv
