#include "layer.h"

namespace nnconv {

namespace {

Array conjugated(Array array) {
  array.conjugate = array.is_complex;
  return array;
}

// list(input = NULL, weight = NULL, bias = NULL)
SEXP new_gradients() {
  return unwind_protect([] {
    static const char* names[] = {"input", "weight", "bias", ""};
    return Rf_mkNamed(VECSXP, names);
  });
}

}  // namespace

// ---- the work ----

void LayerWork::run(Direction direction, const Array& a, const Array& b, const Array& bias,
                    Result result) const {
  const Task task{direction, a, b, bias, result.data, result.is_complex, layer_.dtype.single};
  nnconv::run(problem_, task, context_, wish_);
}

void LayerWork::forward(const Array& input, const Array& weight, const Array& bias,
                        Result output) const {
  run(layer_.geometry.transposed ? Direction::backward_input : Direction::forward, input, weight,
      bias, output);
}

void LayerWork::gradient_of_input(const Array& grad_output, const Array& weight,
                                  Result gradient) const {
  run(layer_.geometry.transposed ? Direction::forward : Direction::backward_input, grad_output,
      conjugated(weight), {}, gradient);
}

void LayerWork::gradient_of_weight(const Array& grad_output, const Array& input,
                                   Result gradient) const {
  const bool transposed = layer_.geometry.transposed;
  const Array conjugate = conjugated(input);
  run(Direction::backward_weight, transposed ? conjugate : grad_output,
      transposed ? grad_output : conjugate, {}, gradient);
}

void LayerWork::gradient_of_bias(const Array& grad_output, Result gradient) const {
  const bool transposed = layer_.geometry.transposed;
  nnconv::run(ChannelSums{problem_.batch, transposed ? problem_.c_in : problem_.c_out,
                          transposed ? problem_.in_pixels() : problem_.out_pixels(), grad_output,
                          gradient.data, gradient.is_complex, layer_.dtype.single},
              context_, wish_);
}

void check_grad_output(const ArrayArgument& grad_output, const Extents& wanted) {
  if (grad_output.dim != wanted)
    throw Fault(FaultKind::shape, "grad_output",
                "an array of dim " + show(wanted) + ", that of the layer's output",
                "one of dim " + show(grad_output.dim));
}

// ---- on R's arrays ----

SEXP layer_forward(const Layer& layer, const ArrayArgument& input, const ArrayArgument& weight,
                   const ArrayArgument& bias, const Context& context, const Wish& wish) {
  const Geometry& g = layer.geometry;
  const Problem problem = fit(g, input.dim, weight.dim);
  const bool is_complex = layer.dtype.is_complex || input.array.is_complex ||
                          weight.array.is_complex || bias.array.is_complex;
  const Rcpp::Shield<SEXP> output(
      new_array(is_complex, output_extents(g, problem, input.dim.size())));
  LayerWork(layer, problem, context, wish)
      .forward(input.array, weight.array, bias.array, {data_of(output), is_complex});
  return output;
}

Needs needs_argument(SEXP x) {
  const char* const must = "some of \"input\", \"weight\", \"bias\"";
  if (TYPEOF(x) != STRSXP || Rf_isObject(x)) refuse(FaultKind::type, "needs", must, x);
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
  const Problem problem = fit(layer.geometry, input.dim, weight.dim);
  check_grad_output(grad_output, output_extents(layer.geometry, problem, input.dim.size()));
  const bool any_complex =
      input.array.is_complex || weight.array.is_complex || grad_output.array.is_complex;
  const auto is_complex = [&](bool complex_operand) {
    return layer.dtype.is_complex || (any_complex && complex_operand);
  };

  const Rcpp::Shield<SEXP> gradients(new_gradients());
  const auto put = [&](int where, SEXP array) {
    SET_VECTOR_ELT(gradients, where, array);
    return Result{data_of(array), TYPEOF(array) == CPLXSXP};
  };
  const LayerWork work(layer, problem, context, wish);
  const Array& g_out = grad_output.array;
  if (needs.input)
    work.gradient_of_input(g_out, weight.array,
                           put(0, new_array(is_complex(input.array.is_complex), input.dim)));
  if (needs.weight)
    work.gradient_of_weight(g_out, input.array,
                            put(1, new_array(is_complex(weight.array.is_complex), weight.dim)));
  if (needs.bias) {
    const int64_t channels = channels_of(layer.geometry, weight.dim).output;
    work.gradient_of_bias(g_out, put(2, new_vector(is_complex(!real_bias), channels)));
  }
  return gradients;
}

}  // namespace nnconv
