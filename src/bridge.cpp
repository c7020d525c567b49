#include "bridge.h"

#include <cstdint>
#include <cstdio>

#include "arguments.h"

namespace nnconv {

namespace {

std::string utf8(SEXP string) {
  // R will not translate bytes; nothing is known of them but that they are no text.
  if (Rf_getCharCE(string) == CE_BYTES) return "<bytes>";
  const char* text = "";
  Rcpp::unwindProtect([&] {
    text = Rf_translateCharUTF8(string);
    return R_NilValue;
  });
  return text;
}

std::string quoted(SEXP string) { return string == NA_STRING ? "NA" : "\"" + utf8(string) + "\""; }

// The data of an argument, which is only read.
const double* read_only(SEXP x) {
  const void* data = nullptr;
  Rcpp::unwindProtect([&] {
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
  Rcpp::unwindProtect([] {
    R_CheckUserInterrupt();
    return R_NilValue;
  });
}

}  // namespace

std::string describe(SEXP x) {
  if (Rf_isNull(x)) return "NULL";
  if (Rf_inherits(x, "data.frame")) return "a data frame";
  if (Rf_isFactor(x)) return "a factor";
  if (Rf_isFunction(x)) return "a function";
  if (OBJECT(x)) {
    const SEXP classes = Rf_getAttrib(x, R_ClassSymbol);
    const std::string name =
        Rf_isString(classes) && Rf_length(classes) > 0 ? utf8(STRING_ELT(classes, 0)) : "unknown";
    return "an object of class \"" + name + "\"";
  }
  if (TYPEOF(x) == VECSXP) return "a list";
  if (!is_atomic_shown(x))
    return std::string("an object of type \"") + Rf_type2char(TYPEOF(x)) + "\"";

  const Extents dim = dim_of(x);
  const std::string kind = TYPEOF(x) == STRSXP ? "a character " : dim.size() == 2 ? "a " : "an ";
  if (!dim.empty()) return kind + (dim.size() == 2 ? "matrix" : "array") + " of dim " + show(dim);
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

Extents dim_of(SEXP x) {
  const SEXP dim = Rf_getAttrib(x, R_DimSymbol);
  Extents extents;
  for (int i = 0; i < Rf_length(dim); ++i) extents.push_back(INTEGER_ELT(dim, i));
  return extents;
}

ArrayArgument view_of(SEXP x, const Context& context) {
  ArrayArgument view;
  view.dim = dim_of(x);
  if (TYPEOF(x) == REALSXP || TYPEOF(x) == CPLXSXP) {
    view.keeps = x;
    view.array.is_complex = TYPEOF(x) == CPLXSXP;
    view.array.data = read_only(x);
    return view;
  }
  const R_xlen_t n = Rf_xlength(x);
  view.keeps = Rcpp::unwindProtect([n] { return Rf_allocVector(REALSXP, n); });
  const int* from = nullptr;
  Rcpp::unwindProtect([&] {
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

SEXP new_array(bool is_complex, const Extents& dim) {
  double size = 1;
  for (const int64_t extent : dim) size *= static_cast<double>(extent);
  if (size > R_XLEN_T_MAX) throw std::bad_alloc();
  return Rcpp::unwindProtect([&] {
    const SEXP array =
        PROTECT(Rf_allocVector(is_complex ? CPLXSXP : REALSXP, static_cast<R_xlen_t>(size)));
    const SEXP extents = PROTECT(Rf_allocVector(INTSXP, static_cast<R_xlen_t>(dim.size())));
    for (std::size_t i = 0; i < dim.size(); ++i) INTEGER(extents)[i] = static_cast<int>(dim[i]);
    Rf_setAttrib(array, R_DimSymbol, extents);
    use_huge_pages(DATAPTR(array), size * (is_complex ? 16 : 8));
    UNPROTECT(2);
    return array;
  });
}

double* data_of(SEXP result) {
  double* data = nullptr;
  Rcpp::unwindProtect([&] {
    data = TYPEOF(result) == CPLXSXP ? reinterpret_cast<double*>(COMPLEX(result)) : REAL(result);
    return R_NilValue;
  });
  return data;
}

Context call_context() {
  static const SEXP threads_option = Rf_install("nnconv.threads");
  static const SEXP algorithm_option = Rf_install("nnconv.algorithm");
  const SEXP threads = Rf_GetOption1(threads_option);
  const SEXP algorithm = Rf_GetOption1(algorithm_option);
  Context context;
  if (!Rf_isNull(algorithm)) {
    static const Policy policies[] = {Policy::automatic, Policy::direct, Policy::fast};
    context.policy =
        policies[word_argument(algorithm, "nnconv.algorithm", {"auto", "direct", "fast"})];
  }
  context.threads = usable_threads(
      Rf_isNull(threads) ? 0 : static_cast<int>(count_argument(threads, "nnconv.threads", 1)));
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

}  // namespace nnconv
