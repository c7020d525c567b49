#include "plan.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  plan.tiling = tiling_for(table, rows, cols, terms);
  plan.kernel = table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
}

// The first axes that Winograd's F(2, 3) can tile: those of three taps and stride 1, of real
// numbers; in an inverse map, if no border repeats positions.
int winograd_axes(const Contraction& c, Direction direction) {
  if (direction == Direction::backward_weight || c.complex_result || c.paired_terms()) return 0;
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

template <class T>
void fill_winograd(Plan& plan, const KernelTable<T>& table, const Contraction& c) {
  const int64_t lanes = table.vector, vectors = (c.rows + lanes - 1) / lanes;
  const int64_t taps = c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  plan.kernel = table.winograd.name;
  if (c.rows >= lanes && 5 * c.rows >= 4 * vectors * lanes) {
    plan.tiling = tiling_for(table, 8 * lanes, c.cols, 2 * c.terms * taps);
    plan.kernel +=
        std::string(" ") + table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
    plan.reason = "three taps take fewer products by Winograd's F(2, 3); samples fill vectors";
    return;
  }
  plan.kind = TileKind::channels;
  plan.tiling.cols = c.cols;
  plan.tiling.vector = table.vector;
  const int64_t channel_vectors = (c.cols + lanes - 1) / lanes;
  const int64_t highest = table.widest(TileKind::channels, 4) != nullptr ? 4 : 3;
  plan.tiling.panels = (channel_vectors + highest - 1) / highest;
  plan.tiling.mv =
      static_cast<int>((channel_vectors + plan.tiling.panels - 1) / plan.tiling.panels);
  const TileKernel<T>* const kernel = table.widest(TileKind::channels, plan.tiling.mv);
  plan.tiling.nr = kernel->nr;
  plan.kernel += std::string(" ") + kernel->name;
  plan.reason = "three taps take fewer products by Winograd's F(2, 3); channels fill vectors";
}

// Rows of one pixel stand side by side, as numbers of the kind that the sums are made of.
bool rows_can_be_read_in_place(const Contraction& c) {
  return c.a.lane == 1 && !c.paired_terms() && c.a.array.is_complex == c.complex_result &&
         !c.a.array.conjugate;
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa, Policy policy,
            const std::string& wanted) {
  Plan plan;
  plan.isa = &isa;
  if (wanted == "naive" || wanted == "eigen") {
    plan.algorithm = wanted == "naive" ? Algorithm::naive : Algorithm::eigen;
    plan.kernel = wanted;
    plan.reason = "asked for";
    return plan;
  }
  const int axes = winograd_axes(c, direction);
  const bool asked = wanted == "winograd" || wanted == "naive_winograd";
  if (axes > 0 && (asked || (wanted.empty() && policy != Policy::direct &&
                             winograd_pays(c, direction, axes)))) {
    plan.winograd_axes = axes;
    plan.algorithm = wanted == "naive_winograd" ? Algorithm::naive_winograd : Algorithm::winograd;
    if (single)
      fill_winograd(plan, isa.f32, c);
    else
      fill_winograd(plan, isa.f64, c);
    return plan;
  }
  const bool weight = direction == Direction::backward_weight;
  const int64_t rows = weight ? c.rows : c.rows * c.out_pixels();
  const int64_t packed_terms =
      weight ? 1 : c.terms * c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  if (single)
    fill(plan, isa.f32, rows, c.cols, packed_terms);
  else
    fill(plan, isa.f64, rows, c.cols, packed_terms);
  if (weight) {
    plan.algorithm = Algorithm::weight_gradient;
    plan.reason = "the gradient of a weight sums over pixels and samples: both operands are packed";
    return plan;
  }
  plan.reads_in_place = rows_can_be_read_in_place(c);
  plan.reason = plan.reads_in_place
                    ? "rows may be read in place: they are where they fill vectors, else packed"
                    : "rows are packed: complex numbers are taken apart";
  return plan;
}

}  // namespace nnconv
