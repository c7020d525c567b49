#include "layer.h"

namespace nnconv {

namespace {

Array conjugated(Array array) {
  array.conjugate = array.is_complex;
  return array;
}

void check_grad_output(const ArrayArgument& grad_output, const Extents& wanted) {
  if (grad_output.dim != wanted)
    throw Fault(FaultKind::shape, "grad_output",
                "an array of dim " + show(wanted) + ", that of the layer's output",
                "one of dim " + show(grad_output.dim));
}

// list(input = NULL, weight = NULL, bias = NULL)
SEXP new_gradients() {
  return unwind_protect([] {
    static const char* names[] = {"input", "weight", "bias", ""};
    return Rf_mkNamed(VECSXP, names);
  });
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
  const bool any_complex =
      input.array.is_complex || weight.array.is_complex || grad_output.array.is_complex;
  const auto is_complex = [&](bool complex_operand) {
    return layer.dtype.is_complex || (any_complex && complex_operand);
  };

  const Rcpp::Shield<SEXP> gradients(new_gradients());
  // Puts an array for a gradient in its place and has it computed.
  const auto add_gradient = [&](int where, SEXP array, const auto& compute) {
    SET_VECTOR_ELT(gradients, where, array);
    compute(data_of(array));
  };
  const auto add_operand_gradient = [&](int where, const ArrayArgument& operand,
                                        Direction direction, const Array& a, const Array& b) {
    const bool complex_result = is_complex(operand.array.is_complex);
    add_gradient(where, new_array(complex_result, operand.dim), [&](double* out) {
      run(problem, {direction, a, b, {}, out, complex_result, layer.dtype.single}, context, wish);
    });
  };

  const Array& g_out = grad_output.array;
  if (needs.input)
    add_operand_gradient(0, input, g.transposed ? Direction::forward : Direction::backward_input,
                         g_out, conjugated(weight.array));
  if (needs.weight && g.transposed)
    add_operand_gradient(1, weight, Direction::backward_weight, conjugated(input.array), g_out);
  if (needs.weight && !g.transposed)
    add_operand_gradient(1, weight, Direction::backward_weight, g_out, conjugated(input.array));
  if (needs.bias) {
    const int64_t channels = g.transposed ? problem.c_in : problem.c_out;
    const int64_t pixels = g.transposed ? problem.in_pixels() : problem.out_pixels();
    const bool complex_result = is_complex(!real_bias);
    add_gradient(2, new_vector(complex_result, channels), [&](double* out) {
      run(ChannelSums{problem.batch, channels, pixels, g_out, out, complex_result,
                      layer.dtype.single},
          context, wish);
    });
  }
  return gradients;
}

}  // namespace nnconv
