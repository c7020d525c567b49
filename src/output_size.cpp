// Entry point of conv_output_size() and conv_transpose_output_size().
#include "arguments.h"

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP output_size_(bool transposed, SEXP input_size, SEXP kernel_size, SEXP stride, SEXP padding,
                  SEXP output_padding, SEXP dilation) {
  return entry([&]() -> SEXP {
    const char* const must = "1, 2 or 3 whole numbers from 1 to 2147483647";
    if (is_plain_number(input_size) && (Rf_xlength(input_size) < 1 || Rf_xlength(input_size) > 3))
      refuse(FaultKind::value, "input_size", must, input_size);
    Geometry g;
    g.ndim = is_plain_number(input_size) ? static_cast<int>(Rf_xlength(input_size)) : 1;
    g.transposed = transposed;
    const Spatial input = spatial_argument(input_size, "input_size", g.ndim, 1, 1);
    g.kernel = spatial_argument(kernel_size, "kernel_size", g.ndim, 1, 1);
    g.stride = spatial_argument(stride, "stride", g.ndim, 1, 1);
    g.dilation = spatial_argument(dilation, "dilation", g.ndim, 1, 1);
    padding_argument(padding, g);
    if (transposed) output_padding_argument(output_padding, g);
    const Spatial size = output_size(g, input, "input_size");
    return Rcpp::IntegerVector(size.begin(), size.begin() + g.ndim);
  });
}
