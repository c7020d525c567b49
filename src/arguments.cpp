#include "arguments.h"

#include <algorithm>
#include <cmath>

namespace nnconv {

namespace {

// A bare NA is logical by accident: it is a wrong value of any kind.
bool is_bare_na(SEXP x) {
  return TYPEOF(x) == LGLSXP && !Rf_isObject(x) && Rf_xlength(x) == 1 &&
         LOGICAL_ELT(x, 0) == NA_LOGICAL;
}

bool is_whole(double x, int64_t least) {
  return std::isfinite(x) && x == std::floor(x) && x >= static_cast<double>(least) &&
         x <= static_cast<double>(max_extent);
}

double number_at(SEXP x, R_xlen_t i) {
  if (TYPEOF(x) == REALSXP) return REAL_ELT(x, i);
  const int value = INTEGER_ELT(x, i);
  return value == NA_INTEGER ? NA_REAL : value;
}

std::string whole_number(int64_t least) {
  return "a whole number from " + std::to_string(least) + " to 2147483647";
}

std::string one_or_each(const std::string& what, int ndim) {
  if (ndim == 1) return what;
  return what + ", or " + std::to_string(ndim) + " of them, one for each spatial dimension";
}

// Requirements are worded only where they are broken: `must` is called for the words.
template <class Words>
int64_t whole_at(SEXP x, R_xlen_t i, const char* name, int64_t least, const Words& must) {
  const double value = number_at(x, i);
  if (!is_whole(value, least)) refuse(FaultKind::value, name, must(), x);
  return static_cast<int64_t>(value);
}

// What a layer's input of this rank is called: "(batch, channels, height, width)".
std::string dim_names(int ndim, bool batched) {
  static const char* const spatial[] = {"length", "height, width", "depth, height, width"};
  return std::string(batched ? "(batch, channels, " : "(channels, ") + spatial[ndim - 1] + ")";
}

// How the user gets there from an array of samples or channels too few, where a layer takes one
// channel.
std::string dim_fix(const char* name, const Extents& dim, R_xlen_t length, int ndim,
                    int64_t channels) {
  const bool of_one_channel = static_cast<int>(dim.empty() ? 1 : dim.size()) == ndim;
  if (channels != 1)
    return of_one_channel ? "These are the numbers of one channel; " + std::to_string(channels) +
                                " channels are taken."
                          : "";
  Extents wanted{1, 1};
  if (dim.empty())
    wanted.push_back(length);
  else
    wanted.insert(wanted.end(), dim.begin(), dim.end());
  if (wanted.size() != static_cast<std::size_t>(ndim) + 2) return "";
  static const char* const layouts[] = {"L", "HW", "DHW"};
  return std::string("One sample of one channel: `to_nchw(") + name + ", \"" + layouts[ndim - 1] +
         "\")` or `array(" + name + ", c" + show(wanted) + ")`.";
}

void symmetric(const Spatial& pad, Geometry& geometry) { geometry.pad_lo = geometry.pad_hi = pad; }

void padding_words(SEXP x, Geometry& geometry) {
  const int word = geometry.ndim == 1 ? word_argument(x, "padding", {"valid", "same", "causal"})
                                      : word_argument(x, "padding", {"valid", "same"});
  symmetric({0, 0, 0}, geometry);
  for (int i = 0; i < geometry.ndim; ++i) {
    const int64_t reach = geometry.dilation[i] * (geometry.kernel[i] - 1);
    if (word == 1 && geometry.stride[i] != 1)
      refuse(FaultKind::value, "padding", "numbers or pairs where `stride` is above 1", x);
    if (word != 0 && reach > max_padding)
      refuse(FaultKind::value, "padding",
             "numbers or pairs where the dilated kernel reaches beyond 2^53 positions", x);
    if (word == 1) geometry.pad_lo[i] = reach / 2;
    if (word == 1) geometry.pad_hi[i] = reach - reach / 2;
    if (word == 2) geometry.pad_lo[i] = reach;
  }
}

void padding_pairs(SEXP x, Geometry& geometry) {
  const auto must = [&] {
    return "a list of " + std::to_string(geometry.ndim) +
           (geometry.ndim == 1 ? " pair" : " pairs") +
           " c(before, after) of whole numbers from 0 up";
  };
  if (Rf_xlength(x) != geometry.ndim)
    throw Fault(FaultKind::value, "padding", must(),
                "a list of length " + std::to_string(Rf_xlength(x)));
  for (int i = 0; i < geometry.ndim; ++i) {
    const SEXP pair = VECTOR_ELT(x, i);
    if (!is_plain_number(pair) || Rf_xlength(pair) != 2)
      throw Fault(is_plain_number(pair) || is_bare_na(pair) ? FaultKind::value : FaultKind::type,
                  "padding", must(),
                  "one whose element " + std::to_string(i + 1) + " is " + describe(pair));
    geometry.pad_lo[i] = whole_at(pair, 0, "padding", 0, must);
    geometry.pad_hi[i] = whole_at(pair, 1, "padding", 0, must);
  }
}

}  // namespace

void refuse(FaultKind kind, const char* name, const std::string& must, SEXP found) {
  throw Fault(is_bare_na(found) ? FaultKind::value : kind, name, must, describe(found));
}

bool is_plain_number(SEXP x) {
  return (TYPEOF(x) == REALSXP || TYPEOF(x) == INTSXP) && !Rf_isObject(x);
}

int64_t count_argument(SEXP x, const char* name, int64_t least) {
  return spatial_argument(x, name, 1, least, 1)[0];
}

Spatial spatial_argument(SEXP x, const char* name, int ndim, int64_t least, int64_t beyond) {
  const auto must = [&] { return one_or_each(whole_number(least), ndim); };
  if (!is_plain_number(x)) refuse(FaultKind::type, name, must(), x);
  const R_xlen_t n = Rf_xlength(x);
  if (n != 1 && n != ndim) refuse(FaultKind::value, name, must(), x);
  Spatial values{beyond, beyond, beyond};
  for (int i = 0; i < ndim; ++i) values[i] = whole_at(x, n == 1 ? 0 : i, name, least, must);
  return values;
}

int word_argument(SEXP x, const char* name, std::initializer_list<const char*> words) {
  const bool is_text = TYPEOF(x) == STRSXP && !Rf_isObject(x);
  if (is_text && Rf_xlength(x) == 1 && STRING_ELT(x, 0) != NA_STRING) {
    int number = 0;
    for (const char* word : words) {
      if (std::strcmp(word, CHAR(STRING_ELT(x, 0))) == 0) return number;
      ++number;
    }
  }
  std::string must = words.size() == 1 ? "" : "one of ";
  for (const char* word : words)
    must += (word == *words.begin() ? "\"" : ", \"") + std::string(word) + "\"";
  refuse(is_text ? FaultKind::value : FaultKind::type, name, must, x);
}

PadMode padding_mode_argument(SEXP x, const char* name) {
  return static_cast<PadMode>(
      word_argument(x, name, {"zeros", "reflect", "replicate", "circular"}));
}

DType dtype_argument(SEXP x) {
  const int word = word_argument(x, "dtype", {"float64", "float32", "complex128", "complex64"});
  return {word % 2 == 1, word >= 2};
}

void padding_argument(SEXP x, Geometry& geometry) {
  if (TYPEOF(x) == STRSXP && !Rf_isObject(x) && !geometry.transposed)
    return padding_words(x, geometry);
  if (TYPEOF(x) == VECSXP && !Rf_isObject(x)) return padding_pairs(x, geometry);
  const R_xlen_t n = Rf_xlength(x);
  if (!is_plain_number(x) || (n != 1 && n != geometry.ndim)) {
    const std::string forms =
        one_or_each(whole_number(0), geometry.ndim) + ", or a list of pairs c(before, after)";
    const char* const words = geometry.ndim == 1 ? ", or \"valid\", \"same\" or \"causal\""
                                                 : ", or \"valid\" or \"same\"";
    refuse(is_plain_number(x) ? FaultKind::value : FaultKind::type, "padding",
           forms + (geometry.transposed ? "" : words), x);
  }
  symmetric(spatial_argument(x, "padding", geometry.ndim, 0, 0), geometry);
}

void output_padding_argument(SEXP x, Geometry& geometry) {
  geometry.output_padding = spatial_argument(x, "output_padding", geometry.ndim, 0, 0);
  for (int i = 0; i < geometry.ndim; ++i)
    if (geometry.output_padding[i] >= std::max(geometry.stride[i], geometry.dilation[i]))
      refuse(FaultKind::value, "output_padding", "smaller than `stride` or `dilation`", x);
}

bool is_array_kind(SEXP x) {
  const int type = TYPEOF(x);
  if (type != REALSXP && type != INTSXP && type != LGLSXP && type != CPLXSXP) return false;
  if (!Rf_isObject(x)) return true;
  for (const char* other : {"factor", "Date", "POSIXct", "difftime", "integer64"})
    if (Rf_inherits(x, other)) return false;
  return !Rf_isS4(x);
}

bool is_vector_kind(SEXP x) {
  // Without a dim TRUE is more likely a flag than data.
  return is_array_kind(x) && (TYPEOF(x) != LGLSXP || is_bare_na(x));
}

Extents samples_dim(SEXP x, const char* name, int ndim, int64_t channels) {
  const auto must = [&] {
    return "a numeric array of dim " + dim_names(ndim, true) + " or " + dim_names(ndim, false);
  };
  if (!is_array_kind(x)) refuse(FaultKind::type, name, must(), x);
  Extents dim = dim_of(x);
  const std::size_t full = static_cast<std::size_t>(ndim) + 2;
  if (dim.size() != full && dim.size() != full - 1)
    throw Fault(FaultKind::shape, name, must(), describe_shape(x),
                dim_fix(name, dim, Rf_xlength(x), ndim, channels));
  const bool batched = dim.size() == full;
  if (std::count(dim.begin() + (batched ? 1 : 0), dim.end(), 0) > 0)
    throw Fault(FaultKind::shape, name, "an array with at least one channel and one pixel",
                "one of dim " + show(dim));
  return dim;
}

ArrayArgument array_argument(SEXP x, const char* name, int ndim, int64_t channels,
                             const Context& context) {
  return view_of(x, samples_dim(x, name, ndim, channels), context);
}

Extents weight_dim(SEXP x, int ndim) {
  const auto must = [&] {
    return "a numeric array of " + std::to_string(ndim + 2) +
           " dimensions, two of channels and those of the kernel";
  };
  if (!is_array_kind(x)) refuse(FaultKind::type, "weight", must(), x);
  Extents dim = dim_of(x);
  if (dim.size() != static_cast<std::size_t>(ndim) + 2)
    throw Fault(FaultKind::shape, "weight", must(), describe_shape(x));
  if (std::count(dim.begin(), dim.end(), 0) > 0)
    throw Fault(FaultKind::shape, "weight", "an array without an empty dimension",
                "one of dim " + show(dim));
  return dim;
}

ArrayArgument weight_argument(SEXP x, int ndim, const Context& context) {
  return view_of(x, weight_dim(x, ndim), context);
}

ArrayArgument bias_argument(SEXP x, int64_t length, const Context& context) {
  if (Rf_isNull(x)) return {};
  const auto must = [&] {
    return "NULL or a numeric vector of length " + std::to_string(length) +
           ", one value per output channel";
  };
  if (!is_vector_kind(x)) refuse(FaultKind::type, "bias", must(), x);
  Extents dim = dim_of(x);
  if (dim.size() > 1 || Rf_xlength(x) != length)
    throw Fault(FaultKind::shape, "bias", must(),
                dim.size() > 1 ? describe(x) : "one of length " + std::to_string(Rf_xlength(x)));
  return view_of(x, std::move(dim), context);
}

Spatial output_size_argument(SEXP x, int ndim, std::size_t rank) {
  const auto must = [&] {
    return std::to_string(ndim) + (ndim == 1 ? " spatial size" : " spatial sizes") +
           ", or a whole dim of " + std::to_string(rank) + " numbers";
  };
  if (!is_plain_number(x)) refuse(FaultKind::type, "output_size", must(), x);
  const R_xlen_t n = Rf_xlength(x);
  if (n != ndim && n != static_cast<R_xlen_t>(rank))
    refuse(FaultKind::value, "output_size", must(), x);
  Spatial size{1, 1, 1};
  for (int i = 0; i < ndim; ++i) size[i] = whole_at(x, n - ndim + i, "output_size", 1, must);
  return size;
}

Extents dim_argument(SEXP x, const char* name, int ndim) {
  const auto must = [&] {
    return "the dim of an input, " + dim_names(ndim, true) + " or " + dim_names(ndim, false);
  };
  if (!is_plain_number(x)) refuse(FaultKind::type, name, must(), x);
  const R_xlen_t n = Rf_xlength(x);
  if (n != ndim + 1 && n != ndim + 2) refuse(FaultKind::value, name, must(), x);
  Extents dim;
  for (R_xlen_t i = 0; i < n; ++i)
    dim.push_back(whole_at(x, i, name, n == ndim + 2 && i == 0 ? 0 : 1, must));
  return dim;
}

}  // namespace nnconv
