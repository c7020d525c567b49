#include "plan.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  plan.tiling = tiling_for(table, rows, cols, terms);
  plan.kernel = table.find(TileKind::rows, plan.tiling.mv, plan.tiling.nr)->name;
}

// Rows of one pixel stand side by side, as numbers of the kind that the sums are made of.
bool rows_can_be_read_in_place(const Contraction& c) {
  return c.a.lane == 1 && !c.paired_terms() && c.a.array.is_complex == c.complex_result &&
         !c.a.array.conjugate;
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa,
            const std::string& wanted) {
  Plan plan{Algorithm::rows, &isa, {}, false, "", ""};
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
  return plan;
}

}  // namespace nnconv
