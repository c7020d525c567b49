#include "plan.hpp"

namespace nnconv {

namespace {

template <class T>
void fill(Plan& plan, const KernelTable<T>& table, const Contraction& c) {
  plan.tiling = tiling_for(table, c.cols);
  plan.kernel = table.find(plan.tiling.mv, plan.tiling.nr)->name;
}

// Whole vectors of rows can be read in place: they stand side by side, need no conversion, and
// no vector has rows of two pixels.
bool rows_in_place(const Contraction& c, bool single, int vector) {
  return !single && c.a.lane == 1 && c.rows % vector == 0 && !c.paired_terms() &&
         c.a.array.is_complex == c.complex_result && !c.a.array.conjugate;
}

}  // namespace

Plan choose(const Contraction& c, Direction direction, bool single, const Isa& isa,
            const std::string& wanted) {
  Plan plan{Algorithm::gather, &isa, {}, true, "", ""};
  if (wanted == "naive" || wanted == "eigen") {
    plan.algorithm = wanted == "naive" ? Algorithm::naive : Algorithm::eigen;
    plan.kernel = wanted;
    plan.reason = "asked for";
    return plan;
  }
  if (single)
    fill(plan, isa.f32, c);
  else
    fill(plan, isa.f64, c);
  if (direction == Direction::backward_weight) {
    plan.algorithm = Algorithm::weight_gradient;
    plan.reason = "the gradient of a weight: sums over pixels and samples, both operands packed";
    return plan;
  }
  plan.packs_rows = !rows_in_place(c, single, plan.tiling.vector);
  plan.reason = plan.packs_rows ? "samples do not fill whole vectors, or need conversion: rows packed"
                                : "samples fill whole vectors: rows read in place";
  return plan;
}

}  // namespace nnconv
