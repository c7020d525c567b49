#include "winograd_shape.hpp"

#include <algorithm>

#include "scratch.hpp"

namespace nnconv {

namespace {

// How many of the products of the direct sums Winograd's F(m, 3) needs along these axes; 1, which
// is all of them, where there are too few channels or tiles. By the shape of a sample alone: the
// sums are others than the direct ones, so that the number of samples must not have a say.
double winograd_products(const Contraction& c, Direction direction, int axes, int64_t m) {
  double products = 1;
  int64_t all_tiles = 1;
  for (int i = 0; i < axes; ++i) {
    const int64_t d = c.axes[i].dilation;
    const int64_t results = direction == Direction::forward ? c.axes[i].out : c.axes[i].in;
    const int64_t tiles = results / (m * d) * d + std::min(results % (m * d), d);
    all_tiles *= tiles;
    products *= static_cast<double>((m + 2) * tiles) / (3.0 * static_cast<double>(results));
  }
  const bool pays = axes > 0 && c.terms >= 16 && c.cols >= 16 && all_tiles * m >= 64;
  return pays ? products : 1;
}

}  // namespace

int winograd_axes(const Contraction& c, Direction direction) {
  if (direction == Direction::backward_weight || !c.is_real()) return 0;
  // One of the widest vectors of channels, with all its terms, must fit a slab; on every machine
  // and for every number of samples alike.
  constexpr int64_t widest_vector = 64, places_of_a_tap = 4;
  const int64_t terms = c.terms * c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  if (terms * places_of_a_tap * widest_vector > packed_columns_bytes) return 0;
  if (direction == Direction::backward_input)
    for (int i = 0; i < max_spatial; ++i)
      if (c.axes[i].mode != PadMode::zeros) return 0;
  int axes = 0;
  while (axes < 2 && c.axes[axes].kernel == 3 && c.axes[axes].stride == 1) ++axes;
  return axes;
}

int winograd_results(const Contraction& c, Direction direction, int axes, Policy policy,
                     const std::string& wanted) {
  if (axes == 0) return 0;
  if (wanted == "winograd_f2" || wanted == "naive_winograd_f2") return 2;
  if (wanted == "winograd_f4" || wanted == "naive_winograd_f4") return 4;
  if (!wanted.empty() || policy == Policy::direct) return 0;
  const double f2 = winograd_products(c, direction, axes, 2);
  const double f4 = policy == Policy::fast ? winograd_products(c, direction, axes, 4) : 1;
  if (std::min(f2, f4) > 0.75) return 0;
  return f4 < f2 ? 4 : 2;
}

}  // namespace nnconv
