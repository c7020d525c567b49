#include "plan.hpp"

#include "filter_shape.hpp"
#include "written_order.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  plan.tiling = tiling_for(table, rows, cols, terms);
  plan.kernel = table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
}

// Measured: dev/notes/0007-filters.md.
constexpr int64_t long_kernel = 12;   // for columns along the first dimension
constexpr double worth_packing = 12;  // operations for a number packed

// The other loop nest reads rows that fill vectors where they stand, and packs others term by term.
// Where it reads in place, columns that share what they read must be worth packing.
bool filter_pays(const Contraction& c, const FilterShape& shape, int64_t vector) {
  const int64_t rows = shape.line_rows(shape.axes[0].largest());
  const int64_t vectors = (rows + vector - 1) / vector;
  if (c.groups > 1 || shape.taps() == 1 || 2 * rows < vectors * vector) return false;
  if (shape.axes[0].lines > 1) return shape.axes[0].axis.kernel >= long_kernel;
  if (!rows_fill_vectors(c.rows, vector)) return true;
  const int64_t terms = shape.terms * shape.taps();
  const double work = 2.0 * terms * c.rows * c.cols * c.out_pixels();
  return (shape.lines > 1 || terms < block_terms) && work > worth_packing * shape.packed;
}

template <class T>
bool takes_filter(const Contraction& c, MapSide side, const KernelTable<T>& table,
                  const std::string& wanted) {
  FilterShape shape;
  if (wanted == "gather" || !filter_shape(c, side, table.vector, table.filter.mv, sizeof(T), shape))
    return false;
  return wanted == "filter" || filter_pays(c, shape, table.vector);
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
