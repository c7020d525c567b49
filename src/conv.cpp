// Entry points of the functional forms: arguments as the user gave them.
#include "layer.h"

namespace nnconv {

namespace {

// What the functional forms take beside their arrays.
struct Arguments {
  bool transposed;
  int ndim;
  SEXP stride, padding, output_padding, dilation, groups, dtype, padding_mode;
};

Spatial kernel_of(const Extents& weight) {
  Spatial kernel{1, 1, 1};
  std::copy(weight.begin() + 2, weight.end(), kernel.begin());
  return kernel;
}

Layer layer_of(const Arguments& arguments, const Extents& weight) {
  Layer layer;
  Geometry& g = layer.geometry;
  g.ndim = arguments.ndim;
  g.transposed = arguments.transposed;
  g.kernel = kernel_of(weight);
  g.groups = count_argument(arguments.groups, "groups", 1);
  g.stride = spatial_argument(arguments.stride, "stride", g.ndim, 1, 1);
  g.dilation = spatial_argument(arguments.dilation, "dilation", g.ndim, 1, 1);
  padding_argument(arguments.padding, g);
  if (g.transposed) output_padding_argument(arguments.output_padding, g);
  if (!g.transposed) g.mode = padding_mode_argument(arguments.padding_mode);
  layer.dtype = dtype_argument(arguments.dtype);
  return layer;
}

// Groups divide the channels of both sides, one of which the weight has as its first.
void check_groups(const Layer& layer, const Extents& input, const Extents& weight) {
  const int64_t groups = layer.geometry.groups;
  const int64_t channels = input[input.size() - layer.geometry.ndim - 1];
  for (const int64_t count : {weight[0], channels})
    if (count % groups != 0)
      throw Fault(FaultKind::value, "groups",
                  "a divisor of the channels of `input` (" + std::to_string(channels) +
                      ") and of the first dimension of `weight` (" + std::to_string(weight[0]) +
                      ")",
                  std::to_string(groups));
}

SEXP forward(const Arguments& arguments, SEXP input, SEXP weight, SEXP bias, const Wish& wish) {
  const Context context = call_context();
  const ArrayArgument w = weight_argument(weight, arguments.ndim, context);
  const Layer layer = layer_of(arguments, w.dim);
  const Channels channels = channels_of(layer.geometry, w.dim);
  const ArrayArgument x = array_argument(input, "input", arguments.ndim, channels.input, context);
  check_groups(layer, x.dim, w.dim);
  check_weight(layer.geometry, w.dim);
  return layer_forward(layer, x, w, bias_argument(bias, channels.output, context), context, wish);
}

SEXP backward(const Arguments& arguments, SEXP grad_output, SEXP input, SEXP weight, SEXP needs,
              const Wish& wish) {
  const Context context = call_context();
  const ArrayArgument g = array_argument(grad_output, "grad_output", arguments.ndim, 0, context);
  const ArrayArgument x = array_argument(input, "input", arguments.ndim, 0, context);
  const ArrayArgument w = weight_argument(weight, arguments.ndim, context);
  const Layer layer = layer_of(arguments, w.dim);
  check_groups(layer, x.dim, w.dim);
  return layer_backward(layer, g, x, w, false, needs_argument(needs), context, wish);
}

Wish wish_of(const std::string& algorithm, const std::string& isa) {
  Wish wish{find_isa(isa), algorithm};
  if (wish.isa == nullptr) Rcpp::stop("this machine has no instruction set '%s'", isa);
  return wish;
}

}  // namespace

}  // namespace nnconv

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP conv_forward_(int ndim, SEXP input, SEXP weight, SEXP bias, SEXP stride, SEXP padding,
                   SEXP dilation, SEXP groups, SEXP dtype, SEXP padding_mode) {
  return entry([&] {
    return forward(
        {false, ndim, stride, padding, R_NilValue, dilation, groups, dtype, padding_mode}, input,
        weight, bias, {});
  });
}

// [[Rcpp::export(rng = false)]]
SEXP conv_backward_(int ndim, SEXP grad_output, SEXP input, SEXP weight, SEXP stride, SEXP padding,
                    SEXP dilation, SEXP groups, SEXP dtype, SEXP needs, SEXP padding_mode) {
  return entry([&] {
    return backward(
        {false, ndim, stride, padding, R_NilValue, dilation, groups, dtype, padding_mode},
        grad_output, input, weight, needs, {});
  });
}

// [[Rcpp::export(rng = false)]]
SEXP conv_transpose_forward_(int ndim, SEXP input, SEXP weight, SEXP bias, SEXP stride,
                             SEXP padding, SEXP output_padding, SEXP groups, SEXP dilation,
                             SEXP dtype) {
  return entry([&] {
    return forward(
        {true, ndim, stride, padding, output_padding, dilation, groups, dtype, R_NilValue}, input,
        weight, bias, {});
  });
}

// [[Rcpp::export(rng = false)]]
SEXP conv_transpose_backward_(int ndim, SEXP grad_output, SEXP input, SEXP weight, SEXP stride,
                              SEXP padding, SEXP output_padding, SEXP groups, SEXP dilation,
                              SEXP dtype, SEXP needs) {
  return entry([&] {
    return backward(
        {true, ndim, stride, padding, output_padding, dilation, groups, dtype, R_NilValue},
        grad_output, input, weight, needs, {});
  });
}

// For tests: the same with a named algorithm and instruction set.
// [[Rcpp::export(rng = false)]]
SEXP inspect_forward_(bool transposed, int ndim, SEXP input, SEXP weight, SEXP bias, SEXP stride,
                      SEXP padding, SEXP output_padding, SEXP dilation, SEXP groups, SEXP dtype,
                      SEXP padding_mode, std::string algorithm, std::string isa) {
  return entry([&] {
    return forward(
        {transposed, ndim, stride, padding, output_padding, dilation, groups, dtype, padding_mode},
        input, weight, bias, wish_of(algorithm, isa));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP inspect_backward_(bool transposed, int ndim, SEXP grad_output, SEXP input, SEXP weight,
                       SEXP stride, SEXP padding, SEXP output_padding, SEXP dilation, SEXP groups,
                       SEXP dtype, SEXP needs, SEXP padding_mode, std::string algorithm,
                       std::string isa) {
  return entry([&] {
    return backward(
        {transposed, ndim, stride, padding, output_padding, dilation, groups, dtype, padding_mode},
        grad_output, input, weight, needs, wish_of(algorithm, isa));
  });
}
