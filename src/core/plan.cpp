#include "plan.hpp"

#include "filter_shape.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  plan.tiling = tiling_for(table, rows, cols, terms);
  plan.kernel = table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
}

constexpr int64_t long_line_kernel = 12;

// What is wanted by name is done where it can be; else columns must share what they read, or the
// rows be such that the other loop nest packs them, term by term.
template <class T>
bool takes_filter(const Contraction& c, MapSide side, const KernelTable<T>& table,
                  const std::string& wanted) {
  FilterShape shape;
  if (!filter_shape(c, side, table.vector, table.filter.mv, sizeof(T), shape)) return false;
  if (wanted == "filter") return true;
  if (wanted == "gather") return false;
  if (c.groups > 1 || shape.taps() == 1) return false;
  if (shape.axes[0].lines > 1) return shape.axes[0].axis.kernel >= long_line_kernel;
  return shape.lines > 1 || shape.terms * shape.taps() < 64 ||
         !rows_fill_vectors(c.rows, table.vector);
}

// Rows of one pixel stand side by side, as numbers of the kind that the sums are made of.
bool rows_can_be_read_in_place(const Contraction& c) {
  return c.a.lane == 1 && !c.paired_terms() && c.a.array.is_complex == c.complex_result &&
         !c.a.array.conjugate;
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa,
            const std::string& wanted) {
  Plan plan{Algorithm::gather, &isa, {}, false, "", ""};
  if (wanted == "naive" || wanted == "eigen") {
    plan.algorithm = wanted == "naive" ? Algorithm::naive : Algorithm::eigen;
    plan.kernel = wanted;
    plan.reason = "asked for";
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
  const MapSide side = direction == Direction::forward ? MapSide::outputs : MapSide::inputs;
  if (single ? takes_filter(c, side, isa.f32, wanted) : takes_filter(c, side, isa.f64, wanted)) {
    plan.algorithm = Algorithm::filter;
    plan.kernel = single ? isa.f32.filter.name : isa.f64.filter.name;
    plan.reason = "lines are packed: channels are few, or samples do not fill vectors";
  }
  return plan;
}

}  // namespace nnconv
