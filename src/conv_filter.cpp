// Entry points of conv_filter(): arrays as users have them, whose dimensions are spatial, but for
// one of channels where there is one.
#include <algorithm>
#include <cmath>

#include "layer.h"

namespace nnconv {

namespace {

enum class ChannelAxis { none, first, last };

// What the user asked of an array and a kernel, read and checked.
struct Filter {
  Extents dim;  // of the array
  ChannelAxis channels = ChannelAxis::none;
  Geometry geometry;        // of its spatial dimensions
  Spatial middle{0, 0, 0};  // the element of a window that its output belongs to, counted from 0

  int first_spatial() const { return channels == ChannelAxis::first ? 1 : 0; }
};

Extents extents_of(SEXP x) {
  const Extents dim = dim_of(x);
  return dim.empty() ? Extents{Rf_xlength(x)} : dim;
}

bool is_causal(SEXP padding) {
  return TYPEOF(padding) == STRSXP && std::strcmp(CHAR(STRING_ELT(padding, 0)), "causal") == 0;
}

void x_argument(SEXP x, Filter& filter) {
  const bool has_channels = filter.channels != ChannelAxis::none;
  const std::string must = has_channels
                               ? "a numeric matrix or array of 3 dimensions, one of them channels"
                               : "a numeric vector, matrix or array of 3 dimensions";
  if (Rf_inherits(x, "data.frame"))
    throw Fault(FaultKind::type, "x", must, describe(x), "Its numbers: `as.matrix(x)`.");
  if (Rf_inherits(x, "zoo"))
    throw Fault(FaultKind::type, "x", must, describe(x),
                "Its numbers: `zoo::coredata(x)`. A regular series keeps its times as a `ts`.");
  if (!is_array_kind(x)) refuse(FaultKind::type, "x", must, x);
  filter.dim = extents_of(x);
  filter.geometry.ndim = static_cast<int>(filter.dim.size()) - has_channels;
  if (filter.geometry.ndim < 1 || filter.dim.size() > max_spatial)
    throw Fault(FaultKind::shape, "x", must, describe_shape(x));
  for (const int64_t extent : filter.dim)
    if (extent < 1 || extent > max_extent)
      throw Fault(FaultKind::shape, "x", "an array with 1 to 2147483647 values in each dimension",
                  describe_shape(x));
}

// What the user may have meant by a kernel of another rank.
std::string kernel_fix(std::size_t rank, const Filter& filter) {
  std::string fix;
  if (filter.geometry.ndim == 2 && rank == 1)
    fix =
        "Down the columns: `matrix(kernel, ncol = 1)`. Along the rows: `matrix(kernel, nrow = 1)`.";
  if (filter.channels == ChannelAxis::none && filter.dim.size() == rank + 1)
    fix += std::string(fix.empty() ? "" : " ") +
           "If the last dimension of `x` is one of channels or series: `channels = \"last\"`.";
  return fix;
}

void kernel_argument(SEXP kernel, Filter& filter) {
  static const char* const of_rank[] = {"vector", "matrix", "array of 3 dimensions"};
  Geometry& g = filter.geometry;
  const std::string must = std::string("a numeric ") + of_rank[g.ndim - 1] + ", as `x` is" +
                           (filter.channels == ChannelAxis::none ? "" : " but for its channels");
  if (!is_array_kind(kernel)) refuse(FaultKind::type, "kernel", must, kernel);
  const Extents dim = extents_of(kernel);
  if (dim.size() != static_cast<std::size_t>(g.ndim))
    throw Fault(FaultKind::shape, "kernel", must, describe(kernel), kernel_fix(dim.size(), filter));
  if (std::count(dim.begin(), dim.end(), 0) > 0)
    throw Fault(FaultKind::shape, "kernel", "an array with at least one value", describe(kernel));
  const ArrayArgument values = view_of(kernel, dim, Context());
  const int64_t count = Rf_xlength(kernel) * (values.array.is_complex ? 2 : 1);
  if (!std::all_of(values.array.data, values.array.data + count,
                   [](double value) { return std::isfinite(value); }))
    throw Fault(FaultKind::value, "kernel", "without missing and infinite values", "",
                "0 leaves a place out.");
  std::copy(dim.begin(), dim.end(), g.kernel.begin());
}

Filter filter_of(SEXP x, SEXP kernel, SEXP padding, SEXP mode, SEXP stride, SEXP dilation,
                 SEXP channels) {
  Filter filter;
  filter.channels =
      static_cast<ChannelAxis>(word_argument(channels, "channels", {"none", "first", "last"}));
  x_argument(x, filter);
  kernel_argument(kernel, filter);
  Geometry& g = filter.geometry;
  g.dilation = spatial_argument(dilation, "dilation", g.ndim, 1, 1);
  padding_argument(padding, g);  // before the stride, which leaves out of "same" what it skips
  g.stride = spatial_argument(stride, "stride", g.ndim, 1, 1);
  g.mode = padding_mode_argument(mode, "mode");
  for (int i = 0; i < g.ndim; ++i) {
    const int64_t reach = g.dilation[i] * (g.kernel[i] - 1);
    filter.middle[i] = is_causal(padding) ? reach : reach / 2;
  }
  Spatial size{1, 1, 1};
  std::copy_n(filter.dim.begin() + filter.first_spatial(), g.ndim, size.begin());
  output_size(g, size, "x");
  check_borders(g, size, "x", "mode");
  return filter;
}

// The channels are a dimension that the kernel does not reach along: one more, of kernel size 1.
Geometry with_channels(const Filter& filter) {
  Geometry g = filter.geometry;
  if (filter.channels == ChannelAxis::none) return g;
  ++g.ndim;
  if (filter.channels == ChannelAxis::first)
    for (Spatial* each : {&g.kernel, &g.stride, &g.dilation, &g.pad_lo, &g.pad_hi})
      std::rotate(each->begin(), each->end() - 1, each->end());
  return g;
}

SEXP filtered(const Filter& filter, SEXP x, SEXP kernel) {
  const Context context = call_context();
  Layer layer;
  layer.geometry = with_channels(filter);
  const int ndim = layer.geometry.ndim;
  Extents input{1}, weight{1, 1};
  input.insert(input.end(), filter.dim.begin(), filter.dim.end());
  weight.insert(weight.end(), layer.geometry.kernel.begin(), layer.geometry.kernel.begin() + ndim);
  const Rcpp::Shield<SEXP> output(layer_forward(layer, view_of(x, input, context),
                                                view_of(kernel, weight, context), {}, context));
  // The dim of x: none for a vector, and no channel of the core's.
  unwind_protect([&] {
    if (Rf_isNull(Rf_getAttrib(x, R_DimSymbol)))
      return Rf_setAttrib(output, R_DimSymbol, R_NilValue);
    const SEXP full = Rf_getAttrib(output, R_DimSymbol);
    const SEXP dim = PROTECT(Rf_allocVector(INTSXP, ndim));
    std::copy_n(INTEGER(full) + 1, ndim, INTEGER(dim));
    Rf_setAttrib(output, R_DimSymbol, dim);
    UNPROTECT(1);
    return R_NilValue;
  });
  return output;
}

}  // namespace

}  // namespace nnconv

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP filter_(SEXP x, SEXP kernel, SEXP padding, SEXP mode, SEXP stride, SEXP dilation,
             SEXP channels) {
  return entry([&] {
    return filtered(filter_of(x, kernel, padding, mode, stride, dilation, channels), x, kernel);
  });
}

// For each dimension of x the position that the first output belongs to, counted from 0 and maybe
// outside, and how far on the next one is.
// [[Rcpp::export(rng = false)]]
SEXP filter_positions_(SEXP x, SEXP kernel, SEXP padding, SEXP mode, SEXP stride, SEXP dilation,
                       SEXP channels) {
  return entry([&]() -> SEXP {
    const Filter filter = filter_of(x, kernel, padding, mode, stride, dilation, channels);
    const Geometry& g = filter.geometry;
    Rcpp::NumericVector first(filter.dim.size(), 0.0), step(filter.dim.size(), 1.0);
    for (int i = 0; i < g.ndim; ++i) {
      const int d = i + filter.first_spatial();
      first[d] = static_cast<double>(filter.middle[i] - g.pad_lo[i]);
      step[d] = static_cast<double>(g.stride[i]);
    }
    return Rcpp::List::create(Rcpp::Named("first") = first, Rcpp::Named("step") = step);
  });
}
