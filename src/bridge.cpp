#include "bridge.h"

#include <R_ext/Rallocators.h>
#ifndef _WIN32
#include <dlfcn.h>
#endif

#include <cstdint>
#include <cstdio>

#include "arguments.h"

namespace nnconv {

namespace {

std::string utf8(SEXP string) {
  // R will not translate bytes; nothing is known of them but that they are no text.
  if (Rf_getCharCE(string) == CE_BYTES) return "<bytes>";
  const char* text = "";
  unwind_protect([&] {
    text = Rf_translateCharUTF8(string);
    return R_NilValue;
  });
  return text;
}

// Cut where it is longer than anyone reads, between characters.
std::string shortened(const std::string& text) {
  std::size_t length = 200;
  if (text.size() <= length) return text;
  while (length > 0 && (text[length] & 0xC0) == 0x80) --length;
  return text.substr(0, length) + "...";
}

std::string quoted(SEXP string) {
  return string == NA_STRING ? "NA" : "\"" + shortened(utf8(string)) + "\"";
}

// The data of an argument, which is only read. R may have to compute them, or to load them from a
// file.
const double* read_only(SEXP x) {
  const void* data = DATAPTR_OR_NULL(x);
  if (data != nullptr) return static_cast<const double*>(data);
  unwind_protect([&] {
    data = DATAPTR_RO(x);
    return R_NilValue;
  });
  return static_cast<const double*>(data);
}

std::string number(double x) {
  if (R_IsNA(x)) return "NA";
  if (ISNAN(x)) return "NaN";
  if (!R_FINITE(x)) return x > 0 ? "Inf" : "-Inf";
  char text[32];
  std::snprintf(text, sizeof(text), "%.15g", x);
  return text;
}

std::string element(SEXP x, R_xlen_t i) {
  switch (TYPEOF(x)) {
    case STRSXP:
      return quoted(STRING_ELT(x, i));
    case CPLXSXP: {
      const Rcomplex z = COMPLEX_ELT(x, i);
      return number(z.r) + (z.i < 0 ? "-" : "+") + number(std::abs(z.i)) + "i";
    }
    case LGLSXP: {
      const int truth = LOGICAL_ELT(x, i);
      return truth == NA_LOGICAL ? "NA" : truth ? "TRUE" : "FALSE";
    }
    case INTSXP:
      return INTEGER_ELT(x, i) == NA_INTEGER ? "NA" : std::to_string(INTEGER_ELT(x, i));
    default:
      return number(REAL_ELT(x, i));
  }
}

bool is_atomic_shown(SEXP x) {
  const int type = TYPEOF(x);
  return type == STRSXP || type == CPLXSXP || type == LGLSXP || type == INTSXP || type == REALSXP;
}

// Throws if the user, or a time limit, wants the call to end.
void poll_r() {
  unwind_protect([] {
    R_CheckUserInterrupt();
    return R_NilValue;
  });
}

#ifndef _WIN32
// R's own allocation of a large vector, but from blocks that are used again. What R puts before the
// data, its header and a copy of the allocator, ends with a cache line.
constexpr std::size_t before_data = 80, block_offset = 128 - before_data;

void* take_for_r(R_allocator_t*, std::size_t bytes) {
  void* const block = take_block(bytes + block_offset);
  return block == nullptr ? nullptr : static_cast<char*>(block) + block_offset;
}

void give_back_from_r(R_allocator_t*, void* data) {
  give_back(static_cast<char*>(data) - block_offset);
}

// R gives blocks back as long as it runs, so this code has to stay, whoever unloads the package.
bool stay_loaded() {
  Dl_info here;
  return dladdr(reinterpret_cast<void*>(&give_back_from_r), &here) != 0 &&
         dlopen(here.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD) != nullptr;
}

// R does not count such vectors, and would never collect them. So it gets as many bytes to count
// that are never touched, nor kept.
SEXP vector_of_block(SEXPTYPE type, R_xlen_t length, double bytes) {
  static R_allocator_t allocator{take_for_r, give_back_from_r, nullptr, nullptr};
  Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(bytes));
  return Rf_allocVector3(type, length, &allocator);
}

bool is_block_for(double bytes) {
  static const bool stays = stay_loaded();
  return bytes >= least_block_bytes && bytes <= most_block_bytes && stays;
}
#else
SEXP vector_of_block(SEXPTYPE type, R_xlen_t length, double) {
  return Rf_allocVector(type, length);
}
bool is_block_for(double) { return false; }
#endif

// A plain vector; called where R may jump.
SEXP vector_of(bool is_complex, double length) {
  const SEXPTYPE type = is_complex ? CPLXSXP : REALSXP;
  const R_xlen_t count = static_cast<R_xlen_t>(length);
  const double bytes = length * (is_complex ? 16 : 8);
  if (is_block_for(bytes)) return vector_of_block(type, count, bytes);
  const SEXP vector = Rf_allocVector(type, count);
  use_huge_pages(data_of(vector), bytes);
  return vector;
}

}  // namespace

SEXP new_continuation() {
  const SEXP token = PROTECT(R_MakeUnwindCont());
  R_PreserveObject(token);
  UNPROTECT(1);
  return token;
}

SEXP continuation() {
  static const SEXP token = new_continuation();
  return token;
}

std::string describe(SEXP x) {
  if (Rf_isNull(x)) return "NULL";
  if (Rf_inherits(x, "data.frame")) return "a data frame";
  if (Rf_isFactor(x)) return "a factor";
  if (Rf_isFunction(x)) return "a function";
  if (Rf_isObject(x)) {
    const SEXP classes = Rf_getAttrib(x, R_ClassSymbol);
    const std::string name = Rf_isString(classes) && Rf_length(classes) > 0
                                 ? shortened(utf8(STRING_ELT(classes, 0)))
                                 : "unknown";
    return "an object of class \"" + name + "\"";
  }
  if (TYPEOF(x) == VECSXP) return "a list";
  if (!is_atomic_shown(x))
    return std::string("an object of type \"") + Rf_type2char(TYPEOF(x)) + "\"";

  if (!dim_of(x).empty()) return describe_shape(x);
  const R_xlen_t n = Rf_xlength(x);
  if (n == 0) return "an empty vector";
  if (n == 1)
    return (TYPEOF(x) == STRSXP && STRING_ELT(x, 0) != NA_STRING ? "the string " : "") +
           element(x, 0);
  if (n > 8) return "a vector of " + std::to_string(n) + " values";
  std::string text = "c(";
  for (R_xlen_t i = 0; i < n; ++i) text += (i == 0 ? "" : ", ") + element(x, i);
  return text + ")";
}

std::string describe_shape(SEXP x) {
  const Extents dim = dim_of(x);
  if (dim.empty()) return "a vector of length " + std::to_string(Rf_xlength(x)) + " without dim";
  const std::string kind = TYPEOF(x) == STRSXP ? "a character " : dim.size() == 2 ? "a " : "an ";
  return kind + (dim.size() == 2 ? "matrix" : "array") + " of dim " + show(dim);
}

Extents dim_of(SEXP x) {
  const SEXP dim = Rf_getAttrib(x, R_DimSymbol);
  if (TYPEOF(dim) != INTSXP) return {};
  Extents extents(Rf_length(dim));
  double size = 1;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    extents[i] = INTEGER_ELT(dim, i);
    if (extents[i] < 0) return {};
    size *= static_cast<double>(extents[i]);
  }
  // R sees to it, but in what it loads from a damaged file.
  if (size != static_cast<double>(Rf_xlength(x))) return {};
  return extents;
}

ArrayArgument view_of(SEXP x, Extents dim, const Context& context) {
  ArrayArgument view;
  view.dim = std::move(dim);
  if (TYPEOF(x) == REALSXP || TYPEOF(x) == CPLXSXP) {
    view.array.is_complex = TYPEOF(x) == CPLXSXP;
    view.array.data = read_only(x);
    return view;
  }
  const R_xlen_t n = Rf_xlength(x);
  view.keeps = new_vector(false, n);
  const int* from = nullptr;
  unwind_protect([&] {
    from = TYPEOF(x) == INTSXP ? INTEGER_RO(x) : LOGICAL_RO(x);
    return R_NilValue;
  });
  double* const to = data_of(view.keeps);
  const double missing = NA_REAL;
  parallel_ranges(context, n, [=](int64_t i, int64_t end) {
    for (; i < end; ++i) to[i] = from[i] == NA_INTEGER ? missing : from[i];
  });
  view.array.data = to;
  return view;
}

SEXP new_vector(bool is_complex, int64_t length) {
  return unwind_protect([=] { return vector_of(is_complex, static_cast<double>(length)); });
}

SEXP new_array(bool is_complex, const Extents& dim) {
  double size = 1;
  for (const int64_t extent : dim) size *= static_cast<double>(extent);
  if (size > R_XLEN_T_MAX) throw std::bad_alloc();
  return unwind_protect([&] {
    const SEXP array = PROTECT(vector_of(is_complex, size));
    const SEXP extents = PROTECT(Rf_allocVector(INTSXP, static_cast<R_xlen_t>(dim.size())));
    std::copy(dim.begin(), dim.end(), INTEGER(extents));
    Rf_setAttrib(array, R_DimSymbol, extents);
    UNPROTECT(2);
    return array;
  });
}

double* data_of(SEXP result) {
  return TYPEOF(result) == CPLXSXP ? reinterpret_cast<double*>(COMPLEX(result)) : REAL(result);
}

Context call_context() {
  static const SEXP threads_option = Rf_install("nnconv.threads");
  static const SEXP algorithm_option = Rf_install("nnconv.algorithm");
  const SEXP threads = Rf_GetOption1(threads_option);
  const SEXP algorithm = Rf_GetOption1(algorithm_option);
  Context context;
  try {
    if (!Rf_isNull(algorithm)) {
      static const Policy policies[] = {Policy::automatic, Policy::direct, Policy::fast};
      context.policy =
          policies[word_argument(algorithm, "nnconv.algorithm", {"auto", "direct", "fast"})];
    }
    if (!Rf_isNull(threads))
      context.threads = static_cast<int>(count_argument(threads, "nnconv.threads", 1));
  } catch (const Fault& fault) {
    throw Fault(fault.kind, fault.argument, fault.must, fault.found,
                "It is an option: `options(" + fault.argument + " = NULL)` unsets it.");
  }
  context.poll = poll_r;
  return context;
}

void raise(const Fault& fault) {
  static const char* const kinds[] = {"type", "value", "shape"};
  const Rcpp::Environment home = Rcpp::Environment::namespace_env("nnconv");
  const Rcpp::Function raise_fault = home["raise_fault"];
  const auto text = [](const std::string& words) {
    return Rcpp::CharacterVector::create(Rcpp::String(words, CE_UTF8));
  };
  raise_fault(text(kinds[static_cast<int>(fault.kind)]), text(fault.argument), text(fault.must),
              text(fault.found), text(fault.fix));
  Rcpp::stop("raise_fault() returned");
}

void raise_no_memory() {
  unwind_protect([]() -> SEXP {
    Rf_errorcall(R_NilValue, "not enough memory for the working space of this call");
  });
  throw std::bad_alloc();  // never: R has jumped
}

}  // namespace nnconv
