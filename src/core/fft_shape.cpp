#include "fft_shape.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nnconv {

namespace {

// Operations for each complex number. Measured: dev/notes/0016-fast.md.
constexpr double copying = 12;       // before and after a transform along an axis
constexpr double long_copying = 60;  // more of them where there is one axis, of long lines
constexpr double product = 12;       // of one of the input and a weight's
constexpr double storing = 60;       // of transformed weights, which leave the caches
constexpr double slower = 1.1;       // a transform's are, than a direct kernel's on equal vectors
constexpr double worth = 0.75;       // of the time of the direct sums
constexpr int64_t longest[] = {1 << 17, 1024, 192};  // transforms along one axis, two, three

// Numbers from `least` to `most` without factors beyond 5, that are multiples of `multiple`.
std::vector<int64_t> smooth_sizes(int64_t least, int64_t most, int64_t multiple) {
  std::vector<int64_t> sizes;
  for (int64_t fives = multiple; fives <= most; fives *= 5)
    for (int64_t threes = fives; threes <= most; threes *= 3)
      for (int64_t size = threes; size <= most; size *= 2)
        if (size >= least) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

// Of transforms that make the same number of tiles the shortest.
std::vector<FftAxis> candidates(const Axis& axis, int64_t multiple, int64_t most) {
  std::vector<FftAxis> found;
  FftAxis candidate{axis};
  const int64_t reach = candidate.reach();
  for (const int64_t size : smooth_sizes(reach + 1, most, multiple)) {
    const int64_t tiles = (axis.out + size - reach - 1) / (size - reach);
    if (!found.empty() && tiles == found.back().tiles) continue;
    candidate.size = size;
    candidate.tiles = tiles;
    candidate.tile = (axis.out + tiles - 1) / tiles;
    found.push_back(candidate);
    if (tiles == 1) break;
  }
  return found;
}

double transforming(double size) { return 5 * std::log2(size) + copying; }

// Of one sample, whose number must not have a say.
double operations(const Contraction& c, int dims, const FftShape& shape) {
  const double size = static_cast<double>(shape.size());
  double transform = dims == 1 ? long_copying : 0;
  for (const FftAxis& axis : shape.axes)
    if (axis.size > 1) transform += transforming(static_cast<double>(axis.size));
  const double pairs = static_cast<double>(shape.pairs());
  const double terms = static_cast<double>(c.terms), cols = static_cast<double>(c.cols);
  // The input is transformed for each slab of columns.
  const double slabs = std::ceil(cols / static_cast<double>(shape.slab_units));
  return static_cast<double>(c.groups) * size *
         (transform * (pairs * (slabs * terms + cols) + terms * cols) + storing * terms * cols +
          8 * pairs * terms * cols);
}

bool fit_scratch(const Contraction& c, int dims, FftShape& shape) {
  // As if of doubles: the choice would not be another for floats.
  const int64_t bytes = 2 * static_cast<int64_t>(sizeof(double)) * shape.size();
  if (bytes * c.terms > fft_weight_bytes) return false;
  shape.slab_units = fft_weight_bytes / (bytes * c.terms);
  // Lines fill vectors: with one axis, some tiles are transformed together.
  const int64_t together = dims == 1 ? fft_lanes<float> : 1;
  return bytes * together * (c.terms + std::min(c.cols, shape.slab_units)) <= fft_job_bytes;
}

}  // namespace

bool fft_shape(const Contraction& c, MapSide side, FftShape& shape, double& least) {
  if (!c.is_real()) return false;
  int dims = 0;
  for (int i = 0; i < max_spatial; ++i) {
    if (!is_output_map(c.axes[i], side) || c.axes[i].stride > 1) return false;
    if (c.axes[i].kernel > 1) shape.order[dims++] = i;
  }
  for (int i = 0, next = dims; i < max_spatial; ++i)
    if (c.axes[i].kernel == 1) shape.order[next++] = i;
  if (dims == 0) return false;
  std::vector<FftAxis> choices[max_spatial];
  for (int i = 0; i < max_spatial; ++i) {
    const Axis axis = output_map(c.axes[shape.order[i]], side);
    choices[i] = i < dims ? candidates(axis, i == 0 ? 4 : 1, longest[dims - 1])
                          : std::vector<FftAxis>{FftAxis{axis, 1, axis.out, 1}};
  }
  least = 0;
  FftShape tried = shape;
  for (const FftAxis& first : choices[0])
    for (const FftAxis& second : choices[1])
      for (const FftAxis& third : choices[2]) {
        tried.axes[0] = first, tried.axes[1] = second, tried.axes[2] = third;
        if (!fit_scratch(c, dims, tried)) continue;
        const double work = operations(c, dims, tried);
        if (least > 0 && work >= least) continue;
        least = work;
        shape = tried;
      }
  return least > 0;
}

bool fft_pays(const Contraction& c, MapSide side, bool single, const Isa& isa) {
  const double lanes = single ? isa.table<float>().vector / fft_lanes<float>
                              : isa.table<double>().vector / fft_lanes<double>;
  const double price = slower * lanes * (isa.fused ? 2 : 1);
  double taps = 1;
  for (int i = 0; i < max_spatial; ++i) taps *= static_cast<double>(c.axes[i].kernel);
  const double terms = static_cast<double>(c.terms), cols = static_cast<double>(c.cols);
  const double direct = worth * 2 * terms * cols * taps;
  // Of one position: if tiles did not overlap, and weights were not transformed.
  if (price * (transforming(taps) * (terms + cols) / 2 + product / 2 * terms * cols) > direct)
    return false;
  FftShape shape;
  double work;
  return fft_shape(c, side, shape, work) &&
         price * work < direct * static_cast<double>(c.groups * c.out_pixels());
}

}  // namespace nnconv
