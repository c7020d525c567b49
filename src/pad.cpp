// Entry point of nnf_pad().
#include <cmath>

#include "arguments.h"

namespace nnconv {

namespace {

// torch's order: the last dimension first, two numbers each.
std::vector<PadDim> pad_dims(SEXP pad, const Extents& dim) {
  const std::string must =
      "an even number of whole numbers, two for each dimension from the last "
      "on, at most " +
      std::to_string(2 * dim.size());
  if (!is_plain_number(pad)) refuse(FaultKind::type, "pad", must, pad);
  const R_xlen_t n = Rf_xlength(pad);
  if (n == 0 || n % 2 != 0 || n / 2 > static_cast<R_xlen_t>(dim.size()))
    refuse(FaultKind::value, "pad", must, pad);
  const Rcpp::NumericVector numbers(pad);
  std::vector<PadDim> dims(dim.size());
  for (std::size_t d = 0; d < dim.size(); ++d) dims[d].in = dim[d];
  for (R_xlen_t i = 0; i < n; ++i) {
    const double value = numbers[i];
    if (!R_FINITE(value) || value != std::floor(value) || std::abs(value) > max_extent)
      refuse(FaultKind::value, "pad", must, pad);
    PadDim& to = dims[dims.size() - 1 - i / 2];
    (i % 2 == 0 ? to.before : to.after) = static_cast<int64_t>(value);
  }
  return dims;
}

void check_dim(const PadDim& dim, PadMode mode, std::size_t number, SEXP pad) {
  const std::string where = " in dimension " + std::to_string(number + 1);
  const int64_t most = std::max(dim.before, dim.after);
  if (mode != PadMode::zeros && std::min(dim.before, dim.after) < 0)
    throw Fault(FaultKind::value, "pad", "0 or more where `mode` is not \"constant\"",
                describe(pad));
  const bool fits = mode == PadMode::reflect     ? most == 0 || most < dim.in
                    : mode == PadMode::circular  ? most <= dim.in
                    : mode == PadMode::replicate ? most == 0 || dim.in > 0
                                                 : true;
  if (!fits && mode == PadMode::replicate)
    throw Fault(FaultKind::shape, "pad", "0" + where + ", where `input` is empty",
                std::to_string(most));
  if (!fits)
    throw Fault(FaultKind::shape, "pad",
                std::string(mode == PadMode::circular ? "at most" : "smaller than") +
                    " the size of `input`" + where + " (" + std::to_string(dim.in) + ")",
                std::to_string(most));
  // Cropping both ends may not meet in the middle.
  const bool empties =
      dim.in > 0 &&
      (dim.in + std::min<int64_t>(dim.before, 0) + std::min<int64_t>(dim.after, 0) < 0 ||
       dim.out() <= 0);
  if (empties || dim.out() < 0 || dim.out() > max_extent)
    throw Fault(FaultKind::shape, "pad",
                "such that 1 to 2147483647 positions of `input` are left" + where, describe(pad));
}

// What constant padding is filled with; NULL is 0.
struct Constant {
  double value[2] = {0, 0};
  bool is_complex = false;
};

Constant constant_argument(SEXP x) {
  Constant constant;
  if (Rf_isNull(x)) return constant;
  if (!is_vector_kind(x)) refuse(FaultKind::type, "value", "one number", x);
  if (Rf_xlength(x) != 1) refuse(FaultKind::value, "value", "one number", x);
  const ArrayArgument number = view_of(x, {}, Context());
  constant.is_complex = number.array.is_complex;
  constant.value[0] = number.array.data[0];
  if (constant.is_complex) constant.value[1] = number.array.data[1];
  return constant;
}

}  // namespace

}  // namespace nnconv

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP pad_(SEXP input, SEXP pad, SEXP mode, SEXP value) {
  return entry([&]() -> SEXP {
    const char* const must = "a numeric array";
    if (!is_array_kind(input)) refuse(FaultKind::type, "input", must, input);
    if (dim_of(input).empty())
      throw Fault(FaultKind::shape, "input", must,
                  "a vector of length " + std::to_string(Rf_xlength(input)) + " without dim",
                  "Give it a dim: `array(input, " + std::to_string(Rf_xlength(input)) + ")`.");
    const PadMode pad_mode = static_cast<PadMode>(
        word_argument(mode, "mode", {"constant", "reflect", "replicate", "circular"}));
    const std::vector<PadDim> dims = pad_dims(pad, dim_of(input));
    for (std::size_t d = 0; d < dims.size(); ++d) check_dim(dims[d], pad_mode, d, pad);

    const Constant constant = constant_argument(value);
    const bool is_complex = TYPEOF(input) == CPLXSXP || constant.is_complex;
    const Context context = call_context();
    const ArrayArgument x = view_of(input, {}, context);
    Extents out;
    for (const PadDim& dim : dims) out.push_back(dim.out());
    const Rcpp::Shield<SEXP> result(new_array(is_complex, out));
    pad_array(x.array, dims, pad_mode, constant.value, data_of(result), is_complex, context);
    return result;
  });
}
