/* nnconv for the C and C++ code of other packages: convolutions and transposed convolutions in one,
 * two and three dimensions, and their gradients, on memory of your own. Needs R's headers and
 * nothing else; C99 or C++11.
 *
 * In DESCRIPTION:   LinkingTo: nnconv
 *                   Imports: nnconv
 *
 *   #include <nnconv.h>                                    // after Rcpp.h or cpp11.hpp
 *
 *   nnconv_layer layer = nnconv_layer_default(2);          // two spatial dimensions
 *   layer.padding_mode = NNCONV_REFLECT;
 *   layer.pad_before[0] = layer.pad_after[0] = 1;          // rows
 *   layer.pad_before[1] = layer.pad_after[1] = 1;          // columns
 *
 * In C every function returns a status and writes a message; in C++ (below, at the end) it throws.
 *
 * Arrays. All are doubles, or pairs of doubles (re, im), in R's order: the first extent varies
 * fastest. No two of a call may overlap.
 *   input     (batch, channels, spatial...), or one sample: (channels, spatial...)
 *   weight    (out_channels, in_channels / groups, kernel...),
 *             of a transposed layer (in_channels, out_channels / groups, kernel...)
 *   bias      (out_channels)
 *   output    as nnconv_output_dim() says
 *   gradients of the extents of what they are gradients of
 *
 * Rules.
 *   - Call from R's main thread only, the one that loaded your package: on another each function
 *     returns NNCONV_WRONG_THREAD, the first of the process too, and touches nothing of R. A call
 *     uses threads of its own.
 *   - A call may run R's garbage collector, and R code, when it asks R about interrupts. R objects
 *     whose data it is given must be protected, those that it writes to as well.
 *   - No function here leaves by R's longjmp or a C++ exception of nnconv's, but nnconv_resume().
 *   - A call that fails leaves its results unspecified and changes nothing else.
 *   - NNCONV_INTERRUPTED: the user, or a time limit, wants the call to end, and R's own jump out of
 *     it waits. Let go of what you hold, return to a frame without destructors, and there call
 *     nnconv_resume(), which ends the .Call as R would have ended it: as an interrupt or as the
 *     error of the time limit. Do not run R code before. To go on in spite of it, do not call it:
 *     R then knows nothing of the interrupt any more.
 *   - Results have the bits of nnf_conv2d() and its like, for any number of threads.
 *
 * Versions. NNCONV_API_VERSION grows by one with each addition to this header; nothing is taken
 * away. A package built with version n runs with each nnconv of version n or later; with an earlier
 * one its calls return NNCONV_NOT_FOUND. */
#ifndef NNCONV_H
#define NNCONV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__cplusplus) && !defined(R_NO_REMAP)
#define R_NO_REMAP
#endif
#include <R_ext/Rdynload.h>
#include <Rinternals.h>

#define NNCONV_API_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a call is given ---- */

enum { NNCONV_MESSAGE_SIZE = 512 }; /* enough for most messages; longer ones are cut */

enum nnconv_status {
  NNCONV_OK = 0,
  NNCONV_TYPE_ERROR = 1,   /* real where complex is needed */
  NNCONV_VALUE_ERROR = 2,  /* a number or pointer out of range */
  NNCONV_SHAPE_ERROR = 3,  /* arrays that do not fit each other or the layer */
  NNCONV_NO_MEMORY = 4,    /* for the working space of the call */
  NNCONV_INTERRUPTED = 5,  /* see the rules above */
  NNCONV_WRONG_THREAD = 6, /* not R's main thread */
  NNCONV_NOT_FOUND = 7,    /* the package nnconv is missing, or too old */
  NNCONV_FAILED = 8        /* a fault of nnconv's own */
};

enum nnconv_type { NNCONV_DOUBLE = 0, NNCONV_COMPLEX = 1 };

enum nnconv_padding_mode {
  NNCONV_ZEROS = 0,
  NNCONV_REFLECT = 1,
  NNCONV_REPLICATE = 2,
  NNCONV_CIRCULAR = 3
};

/* See ?conv_set_algorithm. */
enum nnconv_algorithm {
  NNCONV_OF_OPTION = 0, /* what the option nnconv.algorithm says; "auto" by default */
  NNCONV_DIRECT = 1,
  NNCONV_AUTO = 2,
  NNCONV_FAST = 3
};

enum { NNCONV_MAX_SPATIAL = 3 };

/* An array: its data, read or written as the place in a call says, and its extents. */
typedef struct nnconv_array {
  double *data;
  int32_t type; /* of nnconv_type */
  int32_t rank;
  int64_t dim[NNCONV_MAX_SPATIAL + 2];
} nnconv_array;

/* A layer. Begin with nnconv_layer_default(): later versions have more fields, whose zeros mean what
 * this version does. Of each array the first `ndim` elements count, first spatial dimension first. */
typedef struct nnconv_layer {
  size_t size;        /* sizeof(nnconv_layer), for later versions to know this one */
  int32_t ndim;       /* spatial dimensions: 1, 2 or 3 */
  int32_t transposed; /* 1: a transposed convolution */
  int64_t groups;
  int64_t stride[NNCONV_MAX_SPATIAL], dilation[NNCONV_MAX_SPATIAL];
  /* "same" at stride 1: dilation * (kernel - 1) in all, half of it (rounded down) before.
   * "causal": all of it before. */
  int64_t pad_before[NNCONV_MAX_SPATIAL], pad_after[NNCONV_MAX_SPATIAL];
  int64_t output_padding[NNCONV_MAX_SPATIAL]; /* transposed layers only */
  int32_t padding_mode;                       /* of nnconv_padding_mode; transposed: NNCONV_ZEROS */
  int32_t single;                             /* 1: arithmetic in single precision */
  int32_t threads;                            /* 0: as the option nnconv.threads says */
  int32_t algorithm;                          /* of nnconv_algorithm */
} nnconv_layer;

/* Stride 1, no padding, dilation 1, one group; double precision, threads and algorithm by R's
 * options. */
static inline nnconv_layer nnconv_layer_default(int ndim) {
  nnconv_layer layer = {sizeof(nnconv_layer), 0, 0, 1, {1, 1, 1}, {1, 1, 1}, {0, 0, 0},
                        {0, 0, 0},            {0, 0, 0}, 0, 0, 0, 0};
  layer.ndim = ndim;
  return layer;
}

/* An array of doubles with the extents of an R object: nnconv_array_of(REAL(x), length(dim),
 * INTEGER(dim)). Data of a complex one are pairs: (double *)COMPLEX(x), and set `type`. What a call
 * only reads it does not write to, though the pointer is not const. */
static inline nnconv_array nnconv_array_of(const double *data, int rank, const int *dim) {
  nnconv_array array = {NULL, NNCONV_DOUBLE, 0, {0, 0, 0, 0, 0}};
  int i;
  array.data = (double *)data;
  array.rank = rank;
  for (i = 0; i < rank && i < NNCONV_MAX_SPATIAL + 2; ++i) array.dim[i] = dim[i];
  return array;
}

/* How many elements it has. */
static inline int64_t nnconv_length(const nnconv_array *array) {
  int64_t length = 1;
  int i;
  for (i = 0; i < array->rank && i < NNCONV_MAX_SPATIAL + 2; ++i) length *= array->dim[i];
  return length;
}

/* ---- where the functions are: for this header alone ---- */

/* 1 on the thread that loaded the package, which is R's, and 0 on all others, where R must not even
 * be asked for the functions. */
static __thread int nnconv_on_r_thread_;
__attribute__((constructor)) static void nnconv_mark_thread_(void) { nnconv_on_r_thread_ = 1; }

typedef struct nnconv_functions {
  int32_t version, oldest; /* of this header, that are served */
  int (*output_dim)(const nnconv_layer *layer, const nnconv_array *input,
                    const nnconv_array *weight, nnconv_array *output, char *message,
                    size_t message_size);
  int (*forward)(const nnconv_layer *layer, const nnconv_array *input, const nnconv_array *weight,
                 const nnconv_array *bias, const nnconv_array *output, char *message,
                 size_t message_size);
  int (*backward)(const nnconv_layer *layer, const nnconv_array *grad_output,
                  const nnconv_array *input, const nnconv_array *weight,
                  const nnconv_array *grad_input, const nnconv_array *grad_weight,
                  const nnconv_array *grad_bias, char *message, size_t message_size);
  void (*resume)(void);
} nnconv_functions;

static inline SEXP nnconv_find_(void *found) {
  const nnconv_functions *(*functions)(void);
  SEXP name = PROTECT(Rf_mkString("nnconv"));
  R_FindNamespace(name); /* loads it where it is not loaded yet */
  functions = (const nnconv_functions *(*)(void))R_GetCCallable("nnconv", "nnconv_functions");
  *(const nnconv_functions **)found = functions();
  UNPROTECT(1);
  return R_NilValue;
}

static inline SEXP nnconv_not_found_(SEXP condition, void *found) {
  (void)condition;
  (void)found;
  return R_NilValue;
}

/* NULL where the nnconv that is installed does not have them. Nothing jumps out of here, an interrupt
 * neither. */
static inline const nnconv_functions *nnconv_lookup_(void) {
  static const nnconv_functions *functions = NULL;
  const nnconv_functions *found = NULL;
  SEXP conditions;
  if (functions != NULL) return functions;
  conditions = PROTECT(Rf_allocVector(STRSXP, 2));
  SET_STRING_ELT(conditions, 0, Rf_mkChar("error"));
  SET_STRING_ELT(conditions, 1, Rf_mkChar("interrupt"));
  R_tryCatch(nnconv_find_, &found, conditions, nnconv_not_found_, NULL, NULL, NULL);
  UNPROTECT(1);
  if (found != NULL && found->version >= NNCONV_API_VERSION && found->oldest <= NNCONV_API_VERSION)
    functions = found;
  return functions;
}

/* The functions, or NULL, a message and the status that says why. */
static inline const nnconv_functions *nnconv_functions_(int *status, char *message,
                                                        size_t message_size) {
  const nnconv_functions *functions = nnconv_on_r_thread_ ? nnconv_lookup_() : NULL;
  const char *const why = nnconv_on_r_thread_
                              ? "the package nnconv is not installed, or older than is needed here"
                              : "nnconv was called on another than R's thread";
  *status = nnconv_on_r_thread_ ? NNCONV_NOT_FOUND : NNCONV_WRONG_THREAD;
  if (functions == NULL && message_size > 0) snprintf(message, message_size, "%s", why);
  return functions;
}

/* ---- C ----
 * Each returns an nnconv_status and writes a message, "" where all is well, of at most
 * `message_size` bytes with the 0 at its end; `message` may be NULL where that is 0. */

/* Extents and type of the output, into `output`; no data are read or written. */
static inline int nnconv_output_dim(const nnconv_layer *layer, const nnconv_array *input,
                                    const nnconv_array *weight, nnconv_array *output,
                                    char *message, size_t message_size) {
  int status;
  const nnconv_functions *functions = nnconv_functions_(&status, message, message_size);
  if (functions == NULL) return status;
  return functions->output_dim(layer, input, weight, output, message, message_size);
}

/* `bias` may be NULL. `output` is complex where an operand is, and may be where none is. */
static inline int nnconv_forward(const nnconv_layer *layer, const nnconv_array *input,
                                 const nnconv_array *weight, const nnconv_array *bias,
                                 const nnconv_array *output, char *message,
                                 size_t message_size) {
  int status;
  const nnconv_functions *functions = nnconv_functions_(&status, message, message_size);
  if (functions == NULL) return status;
  return functions->forward(layer, input, weight, bias, output, message, message_size);
}

/* The gradients whose arrays are not NULL. The data of `input` are read for that of the weight
 * alone, those of `weight` for that of the input alone, and may be NULL otherwise. The gradient of a
 * complex array is complex; a real one gets the real part. */
static inline int nnconv_backward(const nnconv_layer *layer, const nnconv_array *grad_output,
                                  const nnconv_array *input, const nnconv_array *weight,
                                  const nnconv_array *grad_input, const nnconv_array *grad_weight,
                                  const nnconv_array *grad_bias, char *message,
                                  size_t message_size) {
  int status;
  const nnconv_functions *functions = nnconv_functions_(&status, message, message_size);
  if (functions == NULL) return status;
  return functions->backward(layer, grad_output, input, weight, grad_input, grad_weight, grad_bias,
                             message, message_size);
}

/* Goes on with what ended a call as NNCONV_INTERRUPTED; does not return, but on another than R's
 * thread. An R error where no call ended so. With Rcpp:
 * Rcpp::unwindProtect([] { nnconv_resume(); return R_NilValue; }), which may be called anywhere;
 * with cpp11: cpp11::safe[nnconv_resume](). */
static inline void nnconv_resume(void) {
  int status;
  const nnconv_functions *functions = nnconv_functions_(&status, NULL, 0);
  if (functions != NULL) functions->resume();
}

#ifdef __cplusplus
} /* extern "C" */

#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string>

/* ---- C++ ----
 * The same, with exceptions in place of statuses. An entry point of .Call is then
 *
 *   extern "C" SEXP blur(SEXP x) {
 *     return nnconv::call([&]() -> SEXP {
 *       ...
 *       nnconv::forward(layer, input, weight, nullptr, output);
 *       ...
 *     });
 *   }
 */
namespace nnconv {

class error : public std::runtime_error {
 public:
  error(int status, const char *message) : std::runtime_error(message), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

/* NNCONV_INTERRUPTED. No std::exception, so that nobody takes it for an error. */
struct interrupted {};

inline nnconv_array array(const double *data, std::initializer_list<int64_t> dim) {
  nnconv_array made = nnconv_array_of(data, 0, nullptr);
  for (const int64_t extent : dim) {
    if (made.rank < NNCONV_MAX_SPATIAL + 2) made.dim[made.rank] = extent;
    ++made.rank;
  }
  return made;
}

inline void check(int status, const char *message) {
  if (status == NNCONV_INTERRUPTED) throw interrupted();
  if (status != NNCONV_OK) throw error(status, message);
}

/* With data to be set to where the output goes. */
inline nnconv_array output_dim(const nnconv_layer &layer, const nnconv_array &input,
                               const nnconv_array &weight) {
  char message[NNCONV_MESSAGE_SIZE];
  nnconv_array output = nnconv_array_of(nullptr, 0, nullptr);
  check(nnconv_output_dim(&layer, &input, &weight, &output, message, sizeof(message)), message);
  return output;
}

inline void forward(const nnconv_layer &layer, const nnconv_array &input,
                    const nnconv_array &weight, const nnconv_array *bias,
                    const nnconv_array &output) {
  char message[NNCONV_MESSAGE_SIZE];
  check(nnconv_forward(&layer, &input, &weight, bias, &output, message, sizeof(message)), message);
}

inline void backward(const nnconv_layer &layer, const nnconv_array &grad_output,
                     const nnconv_array &input, const nnconv_array &weight,
                     const nnconv_array *grad_input, const nnconv_array *grad_weight = nullptr,
                     const nnconv_array *grad_bias = nullptr) {
  char message[NNCONV_MESSAGE_SIZE];
  check(nnconv_backward(&layer, &grad_output, &input, &weight, grad_input, grad_weight, grad_bias,
                        message, sizeof(message)),
        message);
}

/* Runs the body of an entry point of .Call, lets go of its C++ objects, and only then ends it as R
 * does: exceptions as errors, interrupts as interrupts. The body may use Rcpp where Rcpp.h was
 * included before this header: the frame is Rcpp's own then, and R's jumps, conditions and errors of
 * Rcpp go on as they do there. The body may not use cpp11, which has such a frame around each
 * function that it registers, as Rcpp has around those that it exports: no call() is needed there,
 * but interrupts must go on, see nnconv_resume(). (static: files with and without Rcpp have each
 * their own.) */
#ifdef BEGIN_RCPP
template <class Body>
static SEXP call(const Body &body) {
  BEGIN_RCPP
  try {
    return body();
  } catch (const interrupted &) {
    return Rcpp::unwindProtect([]() -> SEXP {
      nnconv_resume();
      return R_NilValue;
    });
  }
  END_RCPP
}
#else
template <class Body>
static SEXP call(const Body &body) {
  char message[NNCONV_MESSAGE_SIZE] = "";
  bool resumes = false;
  try {
    return body();
  } catch (const interrupted &) {
    resumes = true;
  } catch (const std::exception &fault) {
    snprintf(message, sizeof(message), "%s", fault.what());
  } catch (...) {
    snprintf(message, sizeof(message), "%s", "unknown C++ exception");
  }
  if (resumes) nnconv_resume();
  Rf_error("%s", message);
}
#endif

}  // namespace nnconv

#endif /* __cplusplus */

#endif /* NNCONV_H */
