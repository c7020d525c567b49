#include "plan.hpp"

#include "written_order.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  plan.tiling = tiling_for(table, rows, cols, terms);
  plan.kernel = table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
}

// How well so many rows fill vectors.
double filling(int64_t rows, int vector) {
  return static_cast<double>(rows) / ((rows + vector - 1) / vector * vector);
}

// Vectors of lanes read more for each product, and their sums have to be joined.
bool lanes_fill_vectors_better(const Contraction& c, int vector) {
  if (c.complex_result || c.a.array.is_complex || c.b.array.is_complex) return false;
  const GradientOrder order(c.terms, c.rows, c.groups, c.a.extents);
  return order.by_pixel || 0.8 * filling(order.lanes * c.groups, vector) > filling(c.rows, vector);
}

template <class T>
void fill_gradient(Plan& plan, const Contraction& c, const KernelTable<T>& table) {
  plan.algorithm = Algorithm::weight_gradient;
  plan.by_lanes = lanes_fill_vectors_better(c, table.vector);
  plan.kernel = table.widest(plan.by_lanes ? TileKind::lanes : TileKind::channels, 1)->name;
  plan.reason = plan.by_lanes ? "the gradient of a weight of few channels: vectors are samples, "
                                "groups or pixels"
                              : "the gradient of a weight sums over pixels and samples: both "
                                "operands are packed";
}

// Rows of one pixel stand side by side, as numbers of the kind that the sums are made of.
bool rows_can_be_read_in_place(const Contraction& c) {
  return c.a.lane == 1 && !c.paired_terms() && c.a.array.is_complex == c.complex_result &&
         !c.a.array.conjugate;
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa,
            const std::string& wanted) {
  Plan plan{Algorithm::gather, &isa, {}, false, false, "", ""};
  if (wanted == "naive" || wanted == "eigen") {
    plan.algorithm = wanted == "naive" ? Algorithm::naive : Algorithm::eigen;
    plan.kernel = wanted;
    plan.reason = "asked for";
    return plan;
  }
  if (direction == Direction::backward_weight) {
    single ? fill_gradient(plan, c, isa.f32) : fill_gradient(plan, c, isa.f64);
    return plan;
  }
  const int64_t rows = c.rows * c.out_pixels();
  const int64_t terms = c.terms * c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
  single ? fill(plan, isa.f32, rows, c.cols, terms) : fill(plan, isa.f64, rows, c.cols, terms);
  plan.reads_in_place = rows_can_be_read_in_place(c);
  plan.reason = plan.reads_in_place
                    ? "rows may be read in place: they are where they fill vectors, else packed"
                    : "rows are packed: complex numbers are taken apart";
  return plan;
}

}  // namespace nnconv
