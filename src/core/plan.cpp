#include "plan.hpp"

#include "blocks.hpp"
#include "cpu.hpp"
#include "fft_shape.hpp"
#include "filter_shape.hpp"
#include "separable_shape.hpp"
#include "winograd_shape.hpp"
#include "written_order.hpp"

namespace nnconv {

namespace {

// What R lets lie about before it collects, so that blocks come round again after as much.
constexpr int64_t uncollected_bytes = 64 << 20;

// Measured: dev/notes/0007-filters.md.
constexpr int64_t long_kernel = 12;   // along the first dimension
constexpr double worth_packing = 12;  // operations for a number packed

// Measured: dev/notes/0015-single-precision.md. Costs in products of vectors: of a filter, to pack
// a number, and a term of a panel; of channels, to place and store a column; of lanes, a product,
// which loads both its vectors, and to store a vector.
constexpr double number_cost = 4, term_cost = 160, column_cost = 32, lane_cost = 1.5,
                 vector_cost = 8;

double filter_cost(const Contraction& c, const FilterShape& shape, int64_t vector, int mv) {
  const FilterAxis& first = shape.axes[0];
  const int64_t line_vectors = (shape.line_rows(first.box) + vector - 1) / vector * first.boxes;
  const int64_t lines = c.out_pixels() / c.out_extents[0];
  const int64_t vectors = line_vectors * ((lines - 1) / shape.axes[1].lines + 1);
  const double products = static_cast<double>((vectors + mv - 1) / mv * mv) * filter_columns *
                          static_cast<double>(shape.terms * shape.taps());
  return static_cast<double>(shape.panels * c.groups) * (products + term_cost * shape.sum_terms) +
         number_cost * shape.packed;
}

double channels_cost(const Contraction& c, const Tiling& tiling) {
  const int64_t terms = c.terms * c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  return static_cast<double>(c.rows * c.out_pixels() * c.groups) *
         (static_cast<double>(tiling.panels * tiling.mv * terms) + column_cost);
}

double lanes_cost(const Contraction& c, const Tiling& tiling) {
  const int64_t taps = c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  return static_cast<double>(c.out_pixels() * tiling.panels * tiling.mv) *
         (lane_cost * static_cast<double>(taps) + vector_cost);
}

// How well so many rows fill vectors.
double filling(int64_t rows, int vector) {
  return static_cast<double>(rows) / ((rows + vector - 1) / vector * vector);
}

// Vectors of lanes read more for each product, and their sums have to be joined.
bool lanes_fill_vectors_better(const Contraction& c, int vector) {
  if (!c.is_real()) return false;
  const GradientOrder order(c.terms, c.rows, c.groups, c.a.extents);
  return order.by_pixel || 0.8 * filling(order.lanes * c.groups, vector) > filling(c.rows, vector);
}

// Rows of one pixel stand side by side, as numbers of the kind that the sums are made of.
bool rows_can_be_read_in_place(const Contraction& c) {
  return c.a.lane == 1 && !c.paired_terms() && c.a.array.is_complex == c.complex_result &&
         !c.a.array.conjugate;
}

// Rows of the result that stand side by side in A: the samples of a pixel, or, where that has a
// single channel, those of a line.
int64_t rows_of_a_line(const Contraction& c, Direction direction) {
  const bool adjoin = c.a.pixel * c.a.width() == c.rows &&
                      (direction != Direction::forward || c.axes[0].stride == 1);
  return adjoin ? c.rows * c.out_extents[0] : c.rows;
}

// A tiling of `lanes` channels, or lanes of a pixel, by the tile with which the fewest vectors are
// computed; without panels where none can be had.
template <class T>
Tiling tiling_of_lanes(const KernelTable<T>& table, TileKind kind, int64_t lanes, int64_t terms) {
  Tiling best;
  double least = 0;
  for (int mv = 1; mv <= max_tile_vectors; ++mv) {
    const TileKernel<T>* const kernel = table.widest(kind, mv);
    const int64_t height = static_cast<int64_t>(mv) * table.vector;
    if (height * terms * static_cast<int64_t>(sizeof(T)) > packed_columns_bytes) break;
    if (kind == TileKind::lines && lanes < height) break;  // it would read past the pixel
    if (kernel == nullptr) continue;
    const int64_t panels = (lanes + height - 1) / height;
    const double vectors = panels * (mv + 0.25);  // the columns that a tile reads count too
    if (best.panels > 0 && vectors > least) continue;
    best = {lanes, panels, kernel->nr, mv, table.vector};
    least = vectors;
    if (panels == 1) break;
  }
  return best;
}

template <class T>
class Chooser {
 public:
  Chooser(const Contraction& c, Direction direction, const Isa& isa)
      : c_(c),
        direction_(direction),
        isa_(isa),
        terms_(c.terms * c.b.extents[0] * c.b.extents[1] * c.b.extents[2]) {}

  Plan weight_gradient() const {
    Plan found;
    found.algorithm = Algorithm::weight_gradient;
    found.isa = &isa_;
    found.by_lanes = lanes_fill_vectors_better(c_, table().vector);
    found.kernel = table().widest(found.by_lanes ? TileKind::lanes : TileKind::channels, 1)->name;
    found.reason = found.by_lanes
                       ? "the gradient of a weight of few channels: vectors are samples, groups or "
                         "pixels"
                       : "the gradient of a weight sums over pixels and samples: both operands are "
                         "packed";
    return found;
  }

  Plan winograd(int axes, int results) const {
    const Tiling channels = tiling_of_lanes(table(), TileKind::channels, c_.cols, 4 * terms_);
    const bool by_row = fills_vectors(c_.rows, table().vector);
    Plan found =
        by_row ? plan(Algorithm::winograd, TileKind::rows,
                      tiling_for(table(), max_tile_vectors * table().vector, c_.cols, 4 * terms_),
                      "three taps take fewer products by Winograd's algorithm; samples are vectors")
               : plan(Algorithm::winograd, TileKind::channels, channels,
                      "three taps take fewer products by Winograd's algorithm; channels are "
                      "vectors");
    found.winograd_axes = axes;
    found.winograd_results = results;
    found.vectors = by_row ? TileKind::rows : TileKind::channels;
    found.transform = table().winograd[results == 4 ? 1 : 0].name;
    return found;
  }

  Plan gather(const std::string& wanted) const {
    const bool free = wanted.empty() || wanted == "direct";
    FilterShape shape;
    if (wanted == "filter" && can_filter(shape)) return filter();
    if (const Isa* const isa = free || wanted == "lanes" ? isa_that_lanes_fill() : nullptr) {
      const Chooser chooser(c_, direction_, *isa);
      if (free && filter_beats_lanes(chooser.tiling_by_lane())) return filter();
      return chooser.lanes();
    }
    const Tiling channels = tiling_by_channel();
    if (free && filter_pays(channels)) return filter();
    if (const Isa* const narrow = isa_that_samples_fill(channels)) {
      if (free)
        return Chooser(c_, direction_, *narrow)
            .rows("samples fill the vectors of a narrower instruction set");
    }
    if (channels.panels > 0 &&
        (wanted == "channels" || (wanted != "rows" && channels_are_better())))
      return plan(Algorithm::channels, TileKind::channels, channels,
                  "samples do not fill vectors: channels of the result do");
    return rows(rows_can_be_read_in_place(c_)
                    ? "rows may be read in place: they are where they fill vectors, else packed"
                    : "rows are packed: complex numbers are taken apart");
  }

 private:
  const KernelTable<T>& table() const { return isa_.table<T>(); }

  Plan plan(Algorithm algorithm, TileKind kind, const Tiling& tiling, const char* reason) const {
    Plan found;
    found.algorithm = algorithm;
    found.isa = &isa_;
    found.tiling = tiling;
    found.kernel = table().find(kind, tiling.mv, tiling.nr)->name;
    found.reason = reason;
    return found;
  }

  Plan rows(const char* reason) const {
    Plan found = plan(Algorithm::rows, TileKind::rows,
                      tiling_for(table(), c_.rows * c_.out_pixels(), c_.cols, terms_), reason);
    found.reads_in_place = rows_can_be_read_in_place(c_);
    return found;
  }

  Plan lanes() const {
    return plan(Algorithm::lanes, TileKind::lines, tiling_by_lane(),
                "each channel reads itself alone: all rows of a pixel are lanes");
  }

  Plan filter() const {
    Plan found = rows("lines are packed: channels are few, or samples do not fill vectors");
    found.algorithm = Algorithm::filter;
    found.kernel = table().filter.name;
    return found;
  }

  bool can_filter(FilterShape& shape) const {
    const MapSide side = direction_ == Direction::forward ? MapSide::outputs : MapSide::inputs;
    return filter_shape(c_, side, table().vector, table().filter.mv, sizeof(T), shape);
  }

  // The weights of a filter alone may be more work than another loop nest of this cost.
  bool filter_may_pay(double other) const {
    return other > term_cost * static_cast<double>(terms_ * c_.groups);
  }
  double cost_of(const FilterShape& shape) const {
    return filter_cost(c_, shape, table().vector, table().filter.mv);
  }

  bool filter_beats_lanes(const Tiling& lanes) const {
    const double other = lanes_cost(c_, lanes);
    FilterShape shape;
    return filter_may_pay(other) && can_filter(shape) && cost_of(shape) < other;
  }

  // Rows that fill vectors are read in place for nothing, so columns that share what they read must
  // be worth packing; else the other choice is `channels`.
  bool filter_pays(const Tiling& channels) const {
    if (terms_ == c_.terms) return false;
    if (c_.groups > 1 && (samples_fill(isa_) || isa_that_samples_fill(channels))) return false;
    const double other = channels_cost(c_, channels);
    if (!samples_fill(isa_) && !filter_may_pay(other)) return false;
    FilterShape shape;
    if (!can_filter(shape)) return false;
    if (shape.along_first) return shape.axes[0].axis.kernel >= long_kernel;
    if (!fills_vectors(c_.rows, table().vector)) return cost_of(shape) < other;
    const int64_t terms = shape.terms * shape.taps();
    const double work = 2.0 * terms * c_.rows * c_.cols * c_.out_pixels();
    return (shape.lines > 1 || terms < block_terms) && work > worth_packing * shape.packed;
  }

  Tiling tiling_by_lane() const {
    return tiling_of_lanes(table(), TileKind::lines, c_.rows * c_.groups, terms_);
  }

  Tiling tiling_by_channel() const {
    if (!c_.is_real()) return {};
    return tiling_of_lanes(table(), TileKind::channels, c_.cols, terms_);
  }

  bool samples_fill(const Isa& isa) const {
    return fills_vectors(rows_of_a_line(c_, direction_), isa.table<T>().vector);
  }
  bool channels_are_better() const { return !samples_fill(isa_); }

  // Where channels fill half of their vectors at most: an instruction set whose vectors are filled.
  const Isa* isa_that_samples_fill(const Tiling& channels) const {
    if (channels.panels == 0 || samples_fill(isa_)) return nullptr;
    if (2 * channels.cols > channels.panels * channels.height()) return nullptr;
    return widest_isa([&](const Isa& isa) { return samples_fill(isa); });
  }

  const Isa* isa_that_lanes_fill() const {
    if (!c_.is_real() || c_.groups == 1 || c_.cols > 1 || c_.terms > 1) return nullptr;
    return widest_isa(
        [&](const Isa& isa) { return Chooser(c_, direction_, isa).tiling_by_lane().panels > 0; });
  }

  // The first such instruction set of the same bits and of vectors that are no wider, or null.
  template <class Fills>
  const Isa* widest_isa(const Fills& fills) const {
    for (const Isa* isa : available_isas())
      if (isa->fused == isa_.fused && isa->table<T>().vector <= table().vector && fills(*isa))
        return isa;
    return nullptr;
  }

  const Contraction& c_;
  const Direction direction_;
  const Isa& isa_;
  const int64_t terms_;
};

// A result goes past the caches where none would have kept its memory until it is written, and
// where what stands together in it makes whole lines of a cache (dev/notes/0013-streams.md): the
// samples of a channel, all channels of a sample, or the pixels of a single channel.
bool streams(const Contraction& c) {
  constexpr int64_t least = 64 << 10, line = 64 / sizeof(double);
  const int64_t bytes = c.out_pixel * c.out_pixels() * static_cast<int64_t>(sizeof(double));
  if (bytes < least || bytes > static_cast<int64_t>(most_block_bytes)) return false;
  const int64_t pixel = c.out_pixel == c.rows ? c.rows * c.out_extents[0] : c.out_pixel;
  const int64_t together = pixel == c.out_pixel && c.out_col > 1 ? c.out_col : pixel;
  return pixel % line == 0 && together % line == 0 && last_cache_bytes() > 0 &&
         last_cache_bytes() < uncollected_bytes;
}

Plan by_name(Algorithm algorithm, const Isa& isa, const char* name, const char* reason) {
  Plan plan;
  plan.algorithm = algorithm;
  plan.isa = &isa;
  plan.kernel = name;
  plan.reason = reason;
  return plan;
}

// Whether the policy, or a test, allows what is less accurate.
bool may_take(const char* algorithm, Direction direction, Policy policy,
              const std::string& wanted) {
  if (direction == Direction::backward_weight) return false;
  return wanted == algorithm || (wanted.empty() && policy == Policy::fast);
}

template <class T>
bool separates(const Contraction& c, MapSide side, bool asked) {
  Factors factors[max_spatial];
  return may_separate(c, side) && (asked || separation_pays(c, side)) &&
         separate(c, side, sizeof(T) == sizeof(float), factors);
}

template <class T>
bool transforms(const Contraction& c, MapSide side, const Isa& isa, bool asked) {
  FftShape shape;
  double operations;
  return asked ? fft_shape(c, side, shape, operations)
               : fft_pays(c, side, sizeof(T) == sizeof(float), isa);
}

template <class T>
Plan choose(const Contraction& c, Direction direction, const Isa& isa, Policy policy,
            const std::string& wanted) {
  const Chooser<T> chooser(c, direction, isa);
  const MapSide side = direction == Direction::forward ? MapSide::outputs : MapSide::inputs;
  const bool single = sizeof(T) == sizeof(float);
  if (may_take("separable", direction, policy, wanted) &&
      separates<T>(c, side, wanted == "separable"))
    return by_name(Algorithm::separable, isa, single ? "f32_separable" : "f64_separable",
                   "kernels are outer products: passes along one axis each take fewer products");
  if (may_take("fft", direction, policy, wanted) && transforms<T>(c, side, isa, wanted == "fft"))
    return by_name(Algorithm::fft, isa, single ? "f32_fft" : "f64_fft",
                   "kernels are long: Fourier transforms take fewer operations");
  const int axes = winograd_axes(c, direction);
  if (const int results = winograd_results(c, direction, axes, policy, wanted)) {
    Plan found = chooser.winograd(axes, results);
    if (wanted.compare(0, 5, "naive") == 0) found.algorithm = Algorithm::naive_winograd;
    return found;
  }
  return direction == Direction::backward_weight ? chooser.weight_gradient()
                                                 : chooser.gather(wanted);
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa, Policy policy,
            const std::string& wanted) {
  if (wanted == "naive") return by_name(Algorithm::naive, isa, "naive", "asked for");
  if (wanted == "eigen") return by_name(Algorithm::eigen, isa, "eigen", "asked for");
  Plan found = single ? choose<float>(c, direction, isa, policy, wanted)
                      : choose<double>(c, direction, isa, policy, wanted);
  found.streams = streams(c);
  return found;
}

}  // namespace nnconv
