#include "plan.hpp"

namespace nnconv {

namespace {

// All sums are of real numbers, read as they stand.
bool is_real(const Contraction& c) {
  return !c.a.array.is_complex && !c.b.array.is_complex && !c.complex_result;
}

// The first axes that Winograd's F(2, 3) can tile: those of three taps and stride 1, of real
// numbers; in an inverse map, if no border repeats positions.
int winograd_axes(const Contraction& c, Direction direction) {
  if (direction == Direction::backward_weight || !is_real(c)) return 0;
  if (direction == Direction::backward_input)
    for (int i = 0; i < max_spatial; ++i)
      if (c.axes[i].mode != PadMode::zeros) return 0;
  int axes = 0;
  while (axes < 2 && c.axes[axes].kernel == 3 && c.axes[axes].stride == 1) ++axes;
  return axes;
}

// By the channels and the pixels alone: the sums are others than the direct ones, so that samples
// must not have a say.
bool winograd_pays(const Contraction& c, Direction direction, int axes) {
  double products = 1;
  int64_t all_tiles = 1;
  for (int i = 0; i < axes; ++i) {
    const int64_t d = c.axes[i].dilation;
    const int64_t results = direction == Direction::forward ? c.axes[i].out : c.axes[i].in;
    const int64_t tiles = results / (2 * d) * d + std::min(results % (2 * d), d);
    all_tiles *= tiles;
    products *= 4.0 * static_cast<double>(tiles) / (3.0 * static_cast<double>(results));
  }
  return c.terms >= 16 && c.cols >= 16 && products < 0.75 && all_tiles >= 32;
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
    if (kind == TileKind::lanes && lanes < height) break;  // it would read past the pixel
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
    return plan(Algorithm::weight_gradient, TileKind::rows,
                tiling_for(table(), c_.rows, c_.cols, 1),
                "the gradient of a weight sums over pixels and samples: both operands are packed");
  }

  Plan winograd(int axes, bool by_plain_loops) const {
    const Tiling channels = tiling_of_lanes(table(), TileKind::channels, c_.cols, 2 * terms_);
    const bool by_row = fills_vectors(c_.rows, table().vector) || channels.panels == 0;
    Plan found =
        by_row ? plan(Algorithm::winograd, TileKind::rows,
                      tiling_for(table(), max_tile_vectors * table().vector, c_.cols, 2 * terms_),
                      "three taps take fewer products by Winograd's F(2, 3); samples fill vectors")
               : plan(Algorithm::winograd, TileKind::channels, channels,
                      "three taps take fewer products by Winograd's F(2, 3); channels are vectors");
    if (by_plain_loops) found.algorithm = Algorithm::naive_winograd;
    found.winograd_axes = axes;
    found.vectors = by_row ? TileKind::rows : TileKind::channels;
    found.transform = table().winograd.name;
    return found;
  }

  Plan gather(const std::string& wanted) const {
    const Tiling lanes = tiling_by_lane(), channels = tiling_by_channel();
    if (lanes.panels > 0 && (wanted == "lanes" || (wanted != "rows" && wanted != "channels")))
      return plan(Algorithm::lanes, TileKind::lanes, lanes,
                  "each channel reads itself alone: all rows of a pixel are lanes");
    if (const Isa* const narrow = isa_that_samples_fill(channels)) {
      if (wanted == "" || wanted == "direct")
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

  Tiling tiling_by_lane() const {
    if (!is_real(c_) || c_.groups == 1 || c_.cols > 1 || c_.terms > 1) return {};
    return tiling_of_lanes(table(), TileKind::lanes, c_.rows * c_.groups, terms_);
  }

  Tiling tiling_by_channel() const {
    if (!is_real(c_)) return {};
    return tiling_of_lanes(table(), TileKind::channels, c_.cols, terms_);
  }

  bool samples_fill(const Isa& isa) const {
    return fills_vectors(rows_of_a_line(c_, direction_), isa.table<T>().vector);
  }
  bool channels_are_better() const { return !samples_fill(isa_); }

  // Where channels fill half of their vectors at most: an instruction set of the same bits whose
  // vectors are filled.
  const Isa* isa_that_samples_fill(const Tiling& channels) const {
    if (channels.panels == 0 || samples_fill(isa_)) return nullptr;
    if (2 * channels.cols > channels.panels * channels.height()) return nullptr;
    for (const Isa* isa : available_isas())
      if (isa->fused == isa_.fused && isa->table<T>().vector < table().vector && samples_fill(*isa))
        return isa;
    return nullptr;
  }

  const Contraction& c_;
  const Direction direction_;
  const Isa& isa_;
  const int64_t terms_;
};

Plan by_name(Algorithm algorithm, const Isa& isa, const char* name) {
  Plan plan;
  plan.algorithm = algorithm;
  plan.isa = &isa;
  plan.kernel = name;
  plan.reason = "asked for";
  return plan;
}

template <class T>
Plan choose(const Contraction& c, Direction direction, const Isa& isa, Policy policy,
            const std::string& wanted) {
  const Chooser<T> chooser(c, direction, isa);
  const int axes = winograd_axes(c, direction);
  const bool may_be_winograd = wanted.empty() && policy != Policy::direct;
  if (axes > 0 && (wanted == "winograd" || wanted == "naive_winograd" ||
                   (may_be_winograd && winograd_pays(c, direction, axes))))
    return chooser.winograd(axes, wanted == "naive_winograd");
  return direction == Direction::backward_weight ? chooser.weight_gradient()
                                                 : chooser.gather(wanted);
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa, Policy policy,
            const std::string& wanted) {
  if (wanted == "naive") return by_name(Algorithm::naive, isa, "naive");
  if (wanted == "eigen") return by_name(Algorithm::eigen, isa, "eigen");
  return single ? choose<float>(c, direction, isa, policy, wanted)
                : choose<double>(c, direction, isa, policy, wanted);
}

}  // namespace nnconv
