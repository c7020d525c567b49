#include <nnconv.h>

SEXP smooth_by_gaussian(SEXP, SEXP);
SEXP call_forward(SEXP, SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP call_backward(SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP call_output_dim(SEXP, SEXP, SEXP);
SEXP call_misused(SEXP, SEXP);
SEXP call_resume(void);
SEXP api_version(void);
SEXP alive(void);
SEXP convolve_2d(SEXP, SEXP, SEXP, SEXP);
SEXP gradients_2d(SEXP, SEXP, SEXP, SEXP);
SEXP caught_status(SEXP, SEXP);
SEXP throw_other(SEXP);
SEXP call_off_thread(void);

static const R_CallMethodDef entries[] = {
  {"smooth_by_gaussian", (DL_FUNC)&smooth_by_gaussian, 2},
  {"call_forward", (DL_FUNC)&call_forward, 6},
  {"call_backward", (DL_FUNC)&call_backward, 5},
  {"call_output_dim", (DL_FUNC)&call_output_dim, 3},
  {"call_misused", (DL_FUNC)&call_misused, 2},
  {"call_resume", (DL_FUNC)&call_resume, 0},
  {"api_version", (DL_FUNC)&api_version, 0},
  {"alive", (DL_FUNC)&alive, 0},
  {"convolve_2d", (DL_FUNC)&convolve_2d, 4},
  {"gradients_2d", (DL_FUNC)&gradients_2d, 4},
  {"caught_status", (DL_FUNC)&caught_status, 2},
  {"throw_other", (DL_FUNC)&throw_other, 1},
  {"call_off_thread", (DL_FUNC)&call_off_thread, 0},
  {NULL, NULL, 0}
};

void R_init_downstream(DllInfo *dll) {
  R_registerRoutines(dll, NULL, entries, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
}
