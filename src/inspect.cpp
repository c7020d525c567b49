// Entry points that tell what the package does and what it was given.
#include "arguments.h"

#include <limits>

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP check_count_(SEXP x, std::string argument, int least) {
  return entry([&]() -> SEXP {
    return Rcpp::wrap(static_cast<int>(count_argument(x, argument.c_str(), least)));
  });
}

// One whole number for each of `ndim` spatial dimensions, where one stands for all.
// [[Rcpp::export(rng = false)]]
SEXP check_spatial_(SEXP x, std::string argument, int ndim, int least) {
  return entry([&]() -> SEXP {
    const Spatial values = spatial_argument(x, argument.c_str(), ndim, least, 1);
    return Rcpp::IntegerVector(values.begin(), values.begin() + ndim);
  });
}

// [[Rcpp::export(rng = false)]]
SEXP check_numeric_(SEXP x, std::string argument, std::string must) {
  return entry([&] {
    if (!is_array_kind(x)) refuse(FaultKind::type, argument.c_str(), must, x);
    return R_NilValue;
  });
}

// [[Rcpp::export(rng = false)]]
std::string describe_(SEXP x) { return describe(x); }

// [[Rcpp::export(rng = false)]]
SEXP num_threads_() {
  return entry([]() -> SEXP { return Rcpp::wrap(usable_threads(call_context().threads)); });
}

// [[Rcpp::export(rng = false)]]
std::string isa_() { return current_isa().name; }

// [[Rcpp::export(rng = false)]]
Rcpp::CharacterVector isas_() {
  Rcpp::CharacterVector names;
  for (const Isa* isa : available_isas()) names.push_back(isa->name);
  return names;
}

// What the core sees of the machine and of this process.
// [[Rcpp::export(rng = false)]]
Rcpp::List machine_() {
  using Rcpp::_;
  return Rcpp::List::create(_["openmp"] = has_openmp(), _["forked"] = is_forked_child(),
                            _["processors"] = available_processors(),
                            _["most_threads"] = usable_threads(std::numeric_limits<int>::max()),
                            _["cache"] = static_cast<double>(last_cache_bytes()),
                            _["float_mode"] = FloatControl::is_default() ? "default" : "other");
}
