#include "separable_shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nnconv {

namespace {

// Measured: dev/notes/0016-fast.md.
constexpr double pass_overhead = 40;  // products for each number that a pass makes
constexpr double worth = 0.8;         // products of passes for one of the direct sum
constexpr double largest_line = 16 << 20;

// The kernel of one pair of channels, as its map of outputs has it.
class Kernel {
 public:
  Kernel(const Contraction& c, MapSide side, int64_t group, int64_t pair)
      : c_(c),
        data_(c.b.array.data + group * c.b.group + pair * (c.terms > 1 ? c.b.term : c.b.lane)),
        reversed_(side == MapSide::inputs) {}

  double at(const int64_t (&tap)[max_spatial]) const {
    int64_t own[max_spatial];
    for (int i = 0; i < max_spatial; ++i)
      own[i] = reversed_ ? c_.axes[i].kernel - 1 - tap[i] : tap[i];
    return data_[c_.b.pixel_number(own[0], own[1], own[2]) * c_.b.pixel];
  }

  template <class Visit>
  void for_each(const Visit& visit) const {
    int64_t tap[max_spatial];
    for (tap[2] = 0; tap[2] < c_.axes[2].kernel; ++tap[2])
      for (tap[1] = 0; tap[1] < c_.axes[1].kernel; ++tap[1])
        for (tap[0] = 0; tap[0] < c_.axes[0].kernel; ++tap[0]) visit(tap, at(tap));
  }

 private:
  const Contraction& c_;
  const double* const data_;
  const bool reversed_;
};

// The lines of the kernel through its largest number: if it is an outer product, these are its
// factors. The first of them has the size.
bool separate_one(const Contraction& c, const Kernel& kernel, double tolerance, int64_t pair,
                  int64_t pairs, Factors (&factors)[max_spatial]) {
  int64_t peak[max_spatial] = {0, 0, 0};
  double largest = 0, sum = 0, rest = 0;
  kernel.for_each([&](const int64_t(&tap)[max_spatial], double value) {
    sum += std::abs(value);
    if (!(std::abs(value) > largest)) return;
    largest = std::abs(value);
    std::copy(tap, tap + max_spatial, peak);
  });
  double scale = 1;
  for (int i = 0; i < max_spatial; ++i) {
    if (c.axes[i].kernel == 1) continue;
    int64_t tap[max_spatial] = {peak[0], peak[1], peak[2]};
    for (tap[i] = 0; tap[i] < c.axes[i].kernel; ++tap[i])
      factors[i][tap[i] * pairs + pair] = kernel.at(tap) / scale;
    if (largest > 0) scale = kernel.at(peak);
  }
  kernel.for_each([&](const int64_t(&tap)[max_spatial], double value) {
    double product = 1;
    for (int i = 0; i < max_spatial; ++i)
      if (c.axes[i].kernel > 1) product *= factors[i][tap[i] * pairs + pair];
    rest += std::abs(value - product);
  });
  return rest <= tolerance * sum;
}

}  // namespace

int strip_axis(const Contraction& c) {
  int last = max_spatial - 1;
  while (last > 0 && c.out_extents[last] == 1) --last;
  return last;
}

double strip_line(const Contraction& c) {
  double line = static_cast<double>(c.groups * c.terms * c.cols);
  for (int i = 0; i < max_spatial; ++i)
    if (i != strip_axis(c)) line *= static_cast<double>(std::max(c.axes[i].in, c.axes[i].out));
  return line * static_cast<double>(sizeof(double));
}

bool may_separate(const Contraction& c, MapSide side) {
  if (!c.is_real() || (c.terms > 1 && c.cols > 1) || strip_line(c) > largest_line) return false;
  int axes = 0;
  for (int i = 0; i < max_spatial; ++i) {
    if (!is_output_map(c.axes[i], side)) return false;
    axes += c.axes[i].kernel > 1;
  }
  return axes > 1;
}

bool separation_pays(const Contraction& c, MapSide side) {
  double taps = 1, all = 1, positions = 1, passes = 0;
  for (int i = 0; i < max_spatial; ++i) {
    const Axis axis = output_map(c.axes[i], side);
    taps *= static_cast<double>(axis.kernel);
    all *= static_cast<double>(axis.out);
    positions *= static_cast<double>(axis.kernel > 1 ? axis.in : axis.out);
  }
  for (int i = max_spatial - 1; i >= 0; --i) {
    const Axis axis = output_map(c.axes[i], side);
    if (axis.kernel == 1) continue;
    positions *= static_cast<double>(axis.out) / static_cast<double>(axis.in);
    passes += positions * (static_cast<double>(axis.kernel) + pass_overhead);
  }
  return passes <= worth * taps * all;
}

bool separate(const Contraction& c, MapSide side, bool single, Factors (&factors)[max_spatial]) {
  const double unit =
      single ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const int64_t pairs = c.terms * c.cols;
  for (int i = 0; i < max_spatial; ++i) factors[i].resize(c.groups * pairs * c.axes[i].kernel);
  for (int64_t group = 0; group < c.groups; ++group)
    for (int64_t pair = 0; pair < pairs; ++pair)
      if (!separate_one(c, Kernel(c, side, group, pair), 8 * unit, group * pairs + pair,
                        c.groups * pairs, factors))
        return false;
  return true;
}

}  // namespace nnconv
