// Entry points of modules: arguments are read once, when a module is made, into a vector of
// numbers that R keeps and hands back at each call.
#include <cmath>

#include "layer.h"

namespace nnconv {

namespace {

// A Layer as doubles, in this order: ndim, transposed, groups, mode, single, complex, then
// kernel, stride, dilation, pad_lo, pad_hi, output_padding, each for three dimensions.
constexpr int packed_length = 6 + 6 * max_spatial;

void spatial_fields(Geometry& g, Spatial* (&fields)[6]) {
  fields[0] = &g.kernel, fields[1] = &g.stride, fields[2] = &g.dilation;
  fields[3] = &g.pad_lo, fields[4] = &g.pad_hi, fields[5] = &g.output_padding;
}

Rcpp::NumericVector pack(Layer layer) {
  Geometry& g = layer.geometry;
  Rcpp::NumericVector packed(packed_length);
  const double heads[] = {double(g.ndim),
                          double(g.transposed),
                          double(g.groups),
                          double(static_cast<int>(g.mode)),
                          double(layer.dtype.single),
                          double(layer.dtype.is_complex)};
  std::copy(std::begin(heads), std::end(heads), packed.begin());
  Spatial* fields[6];
  spatial_fields(g, fields);
  for (int f = 0; f < 6; ++f)
    for (int i = 0; i < max_spatial; ++i) packed[6 + f * max_spatial + i] = double((*fields[f])[i]);
  return packed;
}

[[noreturn]] void damaged() {
  Rcpp::stop("this module is damaged: its geometry is not what the package made");
}

// Checked as far as the core relies on it, for the numbers may come from a damaged file.
Layer unpack(SEXP packed) {
  if (TYPEOF(packed) != REALSXP || Rf_xlength(packed) != packed_length) damaged();
  const double* const values = REAL_RO(packed);
  for (int i = 0; i < packed_length; ++i)
    if (!(values[i] >= 0 && values[i] <= max_padding && values[i] == std::floor(values[i])))
      damaged();
  Layer layer;
  Geometry& g = layer.geometry;
  g.ndim = static_cast<int>(std::min<double>(values[0], max_spatial + 1));
  g.transposed = values[1] != 0;
  g.groups = static_cast<int64_t>(values[2]);
  g.mode = static_cast<PadMode>(static_cast<int>(std::min(values[3], 3.0)));
  layer.dtype = {values[4] != 0, values[5] != 0};
  Spatial* fields[6];
  spatial_fields(g, fields);
  for (int f = 0; f < 6; ++f)
    for (int i = 0; i < max_spatial; ++i)
      (*fields[f])[i] = static_cast<int64_t>(values[6 + f * max_spatial + i]);
  if (g.ndim < 1 || g.ndim > max_spatial || g.groups < 1 || g.groups > max_extent ||
      (g.transposed && g.mode != PadMode::zeros))
    damaged();
  for (int i = 0; i < max_spatial; ++i) {
    const bool used = i < g.ndim;
    for (const int64_t value : {g.kernel[i], g.stride[i], g.dilation[i]})
      if (value < 1 || value > (used ? max_extent : 1)) damaged();
    if (!used && (g.pad_lo[i] != 0 || g.pad_hi[i] != 0)) damaged();
    if (g.output_padding[i] > (used ? max_extent : 0)) damaged();
  }
  return layer;
}

Rcpp::IntegerVector integers(const Spatial& values, int ndim) {
  return Rcpp::IntegerVector(values.begin(), values.begin() + ndim);
}

// `padding` as a module's field shows it: words as given, numbers and pairs as integers.
SEXP padding_field(SEXP padding, const Geometry& g) {
  if (TYPEOF(padding) == STRSXP) return padding;
  if (TYPEOF(padding) != VECSXP) return integers(g.pad_lo, g.ndim);
  Rcpp::List pairs(g.ndim);
  for (int i = 0; i < g.ndim; ++i)
    pairs[i] =
        Rcpp::IntegerVector::create(static_cast<int>(g.pad_lo[i]), static_cast<int>(g.pad_hi[i]));
  return pairs;
}

void check_divides(int64_t groups, int64_t channels, const char* name) {
  if (channels % groups != 0)
    throw Fault(FaultKind::value, "groups",
                std::string("a divisor of `") + name + "` (" + std::to_string(channels) + ")",
                std::to_string(groups));
}

// The weight and its gradient are R arrays.
void check_weight_size(int64_t in_channels, int64_t out_channels, const Geometry& g) {
  double size = static_cast<double>(in_channels) * out_channels / g.groups;
  for (const int64_t kernel : g.kernel) size *= static_cast<double>(kernel);
  if (size > R_XLEN_T_MAX)
    throw Fault(FaultKind::value, "kernel_size", "small enough for a weight that R can hold",
                "a weight of more than 2^52 values");
}

// What a module and its input bring to a call.
struct ModuleCall {
  Layer layer;
  const Context context;
  const ArrayArgument weight;
  const Channels channels;
  const ArrayArgument input;

  ModuleCall(SEXP geometry, SEXP x, SEXP w)
      : layer(unpack(geometry)),
        context(call_context()),
        weight(weight_argument(w, layer.geometry.ndim, context)),
        channels(channels_of(layer.geometry, weight.dim)),
        input(array_argument(x, "input", layer.geometry.ndim, channels.input, context)) {
    check_weight(layer.geometry, weight.dim);
  }

  void set_output_size(const Spatial& size, const char* argument, FaultKind kind) {
    Geometry& g = layer.geometry;
    g.output_padding = output_padding_for(g, spatial_of(input.dim, g.ndim), size, argument, kind);
  }
};

}  // namespace

}  // namespace nnconv

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP conv_spec_(int ndim, bool transposed, SEXP in_channels, SEXP out_channels, SEXP kernel_size,
                SEXP stride, SEXP padding, SEXP output_padding, SEXP dilation, SEXP groups,
                SEXP padding_mode, SEXP device, SEXP dtype) {
  return entry([&]() -> SEXP {
    Layer layer;
    Geometry& g = layer.geometry;
    g.ndim = ndim;
    g.transposed = transposed;
    const int64_t c_in = count_argument(in_channels, "in_channels", 1);
    const int64_t c_out = count_argument(out_channels, "out_channels", 1);
    g.groups = count_argument(groups, "groups", 1);
    check_divides(g.groups, c_in, "in_channels");
    check_divides(g.groups, c_out, "out_channels");
    g.kernel = spatial_argument(kernel_size, "kernel_size", ndim, 1, 1);
    g.stride = spatial_argument(stride, "stride", ndim, 1, 1);
    g.dilation = spatial_argument(dilation, "dilation", ndim, 1, 1);
    padding_argument(padding, g);
    if (transposed) {
      output_padding_argument(output_padding, g);
      word_argument(padding_mode, "padding_mode", {"zeros"});
    } else {
      g.mode = padding_mode_argument(padding_mode);
    }
    word_argument(device, "device", {"cpu"});
    layer.dtype = dtype_argument(dtype);
    check_weight_size(c_in, c_out, g);
    return Rcpp::List::create(Rcpp::Named("in_channels") = static_cast<int>(c_in),
                              Rcpp::Named("out_channels") = static_cast<int>(c_out),
                              Rcpp::Named("kernel_size") = integers(g.kernel, ndim),
                              Rcpp::Named("stride") = integers(g.stride, ndim),
                              Rcpp::Named("padding") = padding_field(padding, g),
                              Rcpp::Named("output_padding") = integers(g.output_padding, ndim),
                              Rcpp::Named("dilation") = integers(g.dilation, ndim),
                              Rcpp::Named("groups") = static_cast<int>(g.groups),
                              Rcpp::Named("padding_mode") = padding_mode,
                              Rcpp::Named("dtype") = dtype, Rcpp::Named("geometry") = pack(layer));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP module_forward_(SEXP geometry, SEXP input, SEXP weight, SEXP bias, SEXP output_size) {
  return entry([&] {
    ModuleCall call(geometry, input, weight);
    const Geometry& g = call.layer.geometry;
    if (!Rf_isNull(output_size) && !g.transposed)
      refuse(FaultKind::value, "output_size", "NULL for a layer that is not transposed",
             output_size);
    if (!Rf_isNull(output_size))
      call.set_output_size(output_size_argument(output_size, g.ndim, call.input.dim.size()),
                           "output_size", FaultKind::value);
    return layer_forward(call.layer, call.input, call.weight,
                         bias_argument(bias, call.channels.output, call.context), call.context);
  });
}

// How many samples an array has that the module may be applied to.
// [[Rcpp::export(rng = false)]]
SEXP count_samples_(SEXP geometry, SEXP x, int channels) {
  return entry([&]() -> SEXP {
    const int ndim = unpack(geometry).geometry.ndim;
    const Extents dim = samples_dim(x, "newdata", ndim, channels);
    if (dim.size() != static_cast<std::size_t>(ndim) + 2)
      throw Fault(FaultKind::shape, "newdata",
                  "an array of samples where `batch_size` is given, its first dimension the batch",
                  "one sample of dim " + show(dim));
    return Rcpp::wrap(static_cast<double>(dim[0]));
  });
}

// Puts the input into the environment that a weak reference leads to; whether it leads to one.
// [[Rcpp::export(rng = false)]]
bool remember_(SEXP reference, SEXP input) {
  if (TYPEOF(reference) != WEAKREFSXP) return false;
  const SEXP holder = R_WeakRefValue(reference);
  if (TYPEOF(holder) != ENVSXP) return false;
  static const SEXP slot = Rf_install("input");
  unwind_protect([=] {
    Rf_defineVar(slot, input, holder);
    return R_NilValue;
  });
  return true;
}

// The output padding of a transposed layer is the one with which grad_output was made.
// [[Rcpp::export(rng = false)]]
SEXP module_backward_(SEXP geometry, SEXP grad_output, SEXP input, SEXP weight, SEXP bias,
                      SEXP needs) {
  return entry([&] {
    ModuleCall call(geometry, input, weight);
    const Geometry& g = call.layer.geometry;
    const ArrayArgument dy = array_argument(grad_output, "grad_output", g.ndim, 0, call.context);
    if (g.transposed)
      call.set_output_size(spatial_of(dy.dim, g.ndim), "grad_output", FaultKind::shape);
    Needs wanted = needs_argument(needs);
    wanted.bias = wanted.bias && !Rf_isNull(bias);
    return layer_backward(call.layer, dy, call.input, call.weight, TYPEOF(bias) != CPLXSXP, wanted,
                          call.context);
  });
}

// A numeric array of exactly this dim, as a plain double or complex array; a vector where `dim`
// is one number.
// [[Rcpp::export(rng = false)]]
SEXP check_parameter_(SEXP x, std::string argument, Rcpp::IntegerVector dim) {
  return entry([&]() -> SEXP {
    const Extents wanted(dim.begin(), dim.end());
    const bool is_vector = wanted.size() == 1;
    const std::string must = is_vector ? "a numeric vector of length " + std::to_string(wanted[0])
                                       : "a numeric array of dim " + show(wanted);
    if (is_vector ? !is_vector_kind(x) : !is_array_kind(x))
      refuse(FaultKind::type, argument.c_str(), must, x);
    const Extents found = dim_of(x);
    const bool fits = is_vector ? found.size() <= 1 && Rf_xlength(x) == wanted[0] : found == wanted;
    if (!fits)
      throw Fault(
          FaultKind::shape, argument, must,
          found.empty() ? "a vector of length " + std::to_string(Rf_xlength(x)) : describe(x));
    const bool is_complex = TYPEOF(x) == CPLXSXP;
    const Context context = call_context();
    const ArrayArgument view = view_of(x, {}, context);
    const Rcpp::Shield<SEXP> plain(is_vector ? new_vector(is_complex, wanted[0])
                                             : new_array(is_complex, wanted));
    const double* const from = view.array.data;
    double* const to = data_of(plain);
    parallel_ranges(context, Rf_xlength(x) * (is_complex ? 2 : 1),
                    [=](int64_t i, int64_t end) { std::copy(from + i, from + end, to + i); });
    return plain;
  });
}

// The dim of the output for an input of this dim, by the checks of a call.
// [[Rcpp::export(rng = false)]]
SEXP module_output_dim_(SEXP geometry, SEXP input_dim, SEXP weight) {
  return entry([&]() -> SEXP {
    const Geometry g = unpack(geometry).geometry;
    const Extents input = dim_argument(input_dim, "input_dim", g.ndim);
    const Extents w = weight_dim(weight, g.ndim);
    const int64_t found = input[input.size() - g.ndim - 1];
    const int64_t channels = channels_of(g, w).input;
    if (found != channels)
      throw Fault(FaultKind::shape, "input_dim",
                  "the dim of an array with " + std::to_string(channels) +
                      (channels == 1 ? " channel" : " channels"),
                  "one with " + std::to_string(found));
    const Extents output = output_extents(g, fit(g, input, w), input.size());
    return Rcpp::IntegerVector(output.begin(), output.end());
  });
}

// What run() would do for a module's output and the gradients of its input and weight.
// [[Rcpp::export(rng = false)]]
SEXP module_plan_(SEXP geometry, SEXP input, SEXP weight) {
  return entry([&]() -> SEXP {
    const ModuleCall call(geometry, input, weight);
    const Geometry& g = call.layer.geometry;
    const Array& x = call.input.array;
    const Array& w = call.weight.array;
    const Problem problem = fit(g, call.input.dim, call.weight.dim);
    const bool is_complex = call.layer.dtype.is_complex || x.is_complex || w.is_complex;
    const Array y{nullptr, is_complex, false};
    Rcpp::CharacterVector kernels, reasons;
    const auto add = [&](Direction direction, const Array& a, const Array& b) {
      const Plan plan =
          plan_of(problem, {direction, a, b, {}, nullptr, is_complex, call.layer.dtype.single},
                  call.context);
      kernels.push_back(plan.names());
      reasons.push_back(plan.reason);
    };
    const Direction forward = Direction::forward, backward = Direction::backward_input;
    add(g.transposed ? backward : forward, x, w);
    add(g.transposed ? forward : backward, y, w);
    add(Direction::backward_weight, g.transposed ? x : y, g.transposed ? y : x);
    return Rcpp::List::create(Rcpp::Named("kernel") = kernels, Rcpp::Named("reason") = reasons);
  });
}
