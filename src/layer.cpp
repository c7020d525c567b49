#include "layer.h"

namespace nnconv {

namespace {

Array conjugated(Array array) {
  array.conjugate = array.is_complex;
  return array;
}

// The real parts of a complex array, as an array of the same dim.
SEXP real_part(SEXP array) {
  const Extents dim = dim_of(array);
  const Rcpp::Shield<SEXP> result(new_array(false, dim));
  const double* const from = data_of(array);
  double* const to = data_of(result);
  for (R_xlen_t i = 0; i < Rf_xlength(array); ++i) to[i] = from[2 * i];
  return result;
}

bool is_empty(SEXP array) { return Rf_xlength(array) == 0; }

void check_grad_output(const ArrayArgument& grad_output, const Extents& wanted) {
  if (grad_output.dim != wanted)
    throw Fault(FaultKind::shape, "grad_output",
                "an array of dim " + show(wanted) + ", that of the layer's output",
                "one of dim " + show(grad_output.dim));
}

}  // namespace

SEXP layer_forward(const Layer& layer, const ArrayArgument& input, const ArrayArgument& weight,
                   const ArrayArgument& bias, const Context& context, const Wish& wish) {
  const Geometry& g = layer.geometry;
  const Problem problem = fit(g, input.dim, weight.dim);
  const bool is_complex = layer.dtype.is_complex || input.array.is_complex ||
                          weight.array.is_complex || bias.array.is_complex;
  const Rcpp::Shield<SEXP> output(
      new_array(is_complex, output_extents(g, problem, input.dim.size())));
  if (is_empty(output)) return output;
  const Task task{g.transposed ? Direction::backward_input : Direction::forward,
                  input.array,
                  weight.array,
                  bias.array,
                  data_of(output),
                  is_complex,
                  layer.dtype.single};
  run(problem, task, context, wish);
  return output;
}

Needs needs_argument(SEXP x) {
  const char* const must = "some of \"input\", \"weight\", \"bias\"";
  if (TYPEOF(x) != STRSXP || OBJECT(x)) refuse(FaultKind::type, "needs", must, x);
  Needs needs;
  for (R_xlen_t i = 0; i < Rf_xlength(x); ++i) {
    const std::string word = STRING_ELT(x, i) == NA_STRING ? "" : CHAR(STRING_ELT(x, i));
    if (word == "input")
      needs.input = true;
    else if (word == "weight")
      needs.weight = true;
    else if (word == "bias")
      needs.bias = true;
    else
      refuse(FaultKind::value, "needs", must, x);
  }
  return needs;
}

SEXP layer_backward(const Layer& layer, const ArrayArgument& grad_output,
                    const ArrayArgument& input, const ArrayArgument& weight, bool real_bias,
                    const Needs& needs, const Context& context, const Wish& wish) {
  const Geometry& g = layer.geometry;
  const Problem problem = fit(g, input.dim, weight.dim);
  check_grad_output(grad_output, output_extents(g, problem, input.dim.size()));
  const bool is_complex = layer.dtype.is_complex || input.array.is_complex ||
                          weight.array.is_complex || grad_output.array.is_complex;

  Rcpp::List gradients =
      Rcpp::List::create(Rcpp::Named("input") = R_NilValue, Rcpp::Named("weight") = R_NilValue,
                         Rcpp::Named("bias") = R_NilValue);
  const auto put = [&](int where, SEXP gradient, bool real_operand) {
    const Rcpp::Shield<SEXP> keep(gradient);
    const bool take_real = is_complex && real_operand && !layer.dtype.is_complex;
    gradients[where] = take_real ? real_part(keep) : gradient;
  };
  const auto zeros = [&](SEXP array) {
    std::fill_n(data_of(array), Rf_xlength(array) * (is_complex ? 2 : 1), 0.0);
  };
  const auto gradient = [&](const Extents& dim, Direction direction, Array a, Array b) {
    const Rcpp::Shield<SEXP> result(new_array(is_complex, dim));
    const Task task{direction, a, b, {}, data_of(result), is_complex, layer.dtype.single};
    if (problem.batch == 0)
      zeros(result);
    else
      run(problem, task, context, wish);
    return static_cast<SEXP>(result);
  };

  if (needs.input)
    put(0,
        gradient(input.dim, g.transposed ? Direction::forward : Direction::backward_input,
                 grad_output.array, conjugated(weight.array)),
        !input.array.is_complex);
  if (needs.weight)
    put(1,
        g.transposed ? gradient(weight.dim, Direction::backward_weight, conjugated(input.array),
                                grad_output.array)
                     : gradient(weight.dim, Direction::backward_weight, grad_output.array,
                                conjugated(input.array)),
        !weight.array.is_complex);
  if (needs.bias) {
    const int64_t channels = g.transposed ? problem.c_in : problem.c_out;
    const int64_t pixels = g.transposed ? problem.in_pixels() : problem.out_pixels();
    const Rcpp::Shield<SEXP> result(new_array(is_complex, {channels}));
    Rf_setAttrib(result, R_DimSymbol, R_NilValue);
    if (problem.batch == 0)
      zeros(result);
    else
      run(ChannelSums{problem.batch, channels, pixels, grad_output.array, data_of(result),
                      is_complex, layer.dtype.single},
          context, wish);
    put(2, result, real_bias);
  }
  return gradients;
}

}  // namespace nnconv
