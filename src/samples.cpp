// Entry points of predict(): some of an array's samples, and some of them set. A sample is an index
// of the first dimension, which varies fastest, so the samples of a batch are a run of neighbours
// in each line of the array.
#include "arguments.h"

namespace nnconv {

namespace {

std::size_t bytes_of_number(SEXP x) {
  const int type = TYPEOF(x);
  return type == CPLXSXP ? sizeof(Rcomplex) : type == REALSXP ? sizeof(double) : sizeof(int);
}

SEXP new_array_like(SEXP x, const Extents& dim) {
  if (TYPEOF(x) == REALSXP || TYPEOF(x) == CPLXSXP) return new_array(TYPEOF(x) == CPLXSXP, dim);
  return unwind_protect([&] {
    const SEXP extents = PROTECT(Rf_allocVector(INTSXP, static_cast<R_xlen_t>(dim.size())));
    std::copy(dim.begin(), dim.end(), INTEGER(extents));
    const SEXP array = Rf_allocArray(TYPEOF(x), extents);
    UNPROTECT(1);
    return array;
  });
}

char* data_to_write(SEXP x) {
  if (TYPEOF(x) == INTSXP) return reinterpret_cast<char*>(INTEGER(x));
  if (TYPEOF(x) == LGLSXP) return reinterpret_cast<char*>(LOGICAL(x));
  return reinterpret_cast<char*>(data_of(x));
}

const char* data_to_read(SEXP x) {
  const void* data = nullptr;
  unwind_protect([&] {
    data = DATAPTR_RO(x);
    return R_NilValue;
  });
  return static_cast<const char*>(data);
}

// Calls body(offset in the whole, offset in the part, bytes) for every line of a part of the
// samples of an array, from number `first` (counted from 1) on.
template <class Body>
void for_each_line(const Extents& whole, const Extents& part, double first, std::size_t width,
                   const Body& body) {
  int64_t lines = 1;
  for (std::size_t d = 1; d < whole.size(); ++d) lines *= whole[d];
  const std::size_t bytes = static_cast<std::size_t>(part[0]) * width;
  const std::size_t offset = static_cast<std::size_t>(first - 1) * width;
  for (std::size_t line = 0; line < static_cast<std::size_t>(lines); ++line)
    body(line * static_cast<std::size_t>(whole[0]) * width + offset, line * bytes, bytes);
}

}  // namespace

}  // namespace nnconv

using namespace nnconv;

// [[Rcpp::export(rng = false)]]
SEXP take_samples_(SEXP x, double first, double count) {
  return entry([&]() -> SEXP {
    const Extents whole = dim_of(x);
    Extents part = whole;
    part[0] = static_cast<int64_t>(count);
    const Rcpp::Shield<SEXP> samples(new_array_like(x, part));
    const char* const from = data_to_read(x);
    char* const to = data_to_write(samples);
    for_each_line(whole, part, first, bytes_of_number(x),
                  [=](std::size_t in_whole, std::size_t in_part, std::size_t bytes) {
                    std::memcpy(to + in_part, from + in_whole, bytes);
                  });
    return samples;
  });
}

// Writes into `x`, which must be the caller's alone, and of the type and dim of the samples.
// [[Rcpp::export(rng = false)]]
SEXP put_samples_(SEXP x, double first, SEXP samples) {
  return entry([&]() -> SEXP {
    char* const to = data_to_write(x);
    const char* const from = data_to_read(samples);
    for_each_line(dim_of(x), dim_of(samples), first, bytes_of_number(x),
                  [=](std::size_t in_whole, std::size_t in_part, std::size_t bytes) {
                    std::memcpy(to + in_whole, from + in_part, bytes);
                  });
    return R_NilValue;
  });
}
