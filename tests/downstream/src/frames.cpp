// What becomes of C++ frames between R and nnconv, for the tests.
#include <thread>

#include <nnconv.h>

namespace {

// Counts how many of it there are.
struct Counted {
  static int alive;
  Counted() { ++alive; }
  ~Counted() { --alive; }
};
int Counted::alive = 0;

nnconv_array view_of(SEXP x) {
  const SEXP dim = Rf_getAttrib(x, R_DimSymbol);
  return nnconv_array_of(REAL(x), Rf_length(dim), INTEGER(dim));
}

}  // namespace

extern "C" {

SEXP alive() { return Rf_ScalarInteger(Counted::alive); }

// The output of a 2d convolution into `output`, from a frame with an object to let go of.
SEXP convolve_2d(SEXP input, SEXP weight, SEXP output, SEXP threads) {
  return nnconv::call([&]() -> SEXP {
    const Counted counted;
    nnconv_layer layer = nnconv_layer_default(2);
    layer.threads = Rf_asInteger(threads);
    nnconv::forward(layer, view_of(input), view_of(weight), nullptr, view_of(output));
    return output;
  });
}

// The gradients of the same, into a list of arrays.
SEXP gradients_2d(SEXP grad_output, SEXP input, SEXP weight, SEXP gradients) {
  return nnconv::call([&]() -> SEXP {
    const Counted counted;
    const nnconv_array x = view_of(VECTOR_ELT(gradients, 0)), w = view_of(VECTOR_ELT(gradients, 1)),
                       b = view_of(VECTOR_ELT(gradients, 2));
    nnconv::backward(nnconv_layer_default(2), view_of(grad_output), view_of(input),
                     view_of(weight), &x, &w, &b);
    return gradients;
  });
}

// The status of an error that C++ caught.
SEXP caught_status(SEXP input, SEXP weight) {
  try {
    nnconv::output_dim(nnconv_layer_default(2), view_of(input), view_of(weight));
  } catch (const nnconv::error& fault) {
    return Rf_ScalarInteger(fault.status());
  }
  return Rf_ScalarInteger(NNCONV_OK);
}

SEXP throw_other(SEXP is_exception) {
  const bool standard = Rf_asLogical(is_exception);
  return nnconv::call([&]() -> SEXP {
    const Counted counted;
    if (standard) throw std::runtime_error("of the caller's own");
    throw 1;
  });
}

// Statuses of calls: on another thread, on R's, on another again, and there past the header.
SEXP call_off_thread() {
  const nnconv_layer layer = nnconv_layer_default(1);
  const nnconv_array x = nnconv::array(nullptr, {1, 1, 1});
  nnconv_array y;
  const SEXP statuses = PROTECT(Rf_allocVector(INTSXP, 4));
  int *const status = INTEGER(statuses);
  const auto call = [&](int i) {
    status[i] = nnconv_output_dim(&layer, &x, &x, &y, nullptr, 0);
  };
  std::thread(call, 0).join();
  call(1);
  std::thread(call, 2).join();
  const auto functions = reinterpret_cast<const nnconv_functions *(*)()>(
      R_GetCCallable("nnconv", "nnconv_functions"))();
  std::thread([&] { status[3] = functions->output_dim(&layer, &x, &x, &y, nullptr, 0); }).join();
  UNPROTECT(1);
  return statuses;
}

}  // extern "C"
