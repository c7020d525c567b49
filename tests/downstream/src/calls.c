/* Each function of nnconv.h as a function of R, for the tests: R values in, a list of the status, the
 * message and the results out. */
#include <string.h>

#include <nnconv.h>

static SEXP field(SEXP list, const char *name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  R_xlen_t i;
  for (i = 0; i < Rf_xlength(list); ++i)
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  return R_NilValue;
}

/* Leaves `to` as it is where the list has no such field. */
static void read_numbers(SEXP list, const char *name, int64_t *to) {
  SEXP values = field(list, name);
  R_xlen_t i;
  for (i = 0; i < Rf_xlength(values); ++i) to[i] = (int64_t)REAL(values)[i];
}

static void read_number(SEXP list, const char *name, int32_t *to) {
  int64_t number = *to;
  read_numbers(list, name, &number);
  *to = (int32_t)number;
}

static nnconv_layer layer_of(SEXP list) {
  nnconv_layer layer = nnconv_layer_default(1);
  read_number(list, "ndim", &layer.ndim);
  read_number(list, "transposed", &layer.transposed);
  read_numbers(list, "groups", &layer.groups);
  read_numbers(list, "stride", layer.stride);
  read_numbers(list, "dilation", layer.dilation);
  read_numbers(list, "pad_before", layer.pad_before);
  read_numbers(list, "pad_after", layer.pad_after);
  read_numbers(list, "output_padding", layer.output_padding);
  read_number(list, "padding_mode", &layer.padding_mode);
  read_number(list, "single", &layer.single);
  read_number(list, "threads", &layer.threads);
  read_number(list, "algorithm", &layer.algorithm);
  return layer;
}

/* A double or complex vector or array; NULL has no data. */
static nnconv_array array_of(SEXP x) {
  SEXP dim = Rf_getAttrib(x, R_DimSymbol);
  int length = Rf_length(x);
  nnconv_array array = Rf_isNull(dim) ? nnconv_array_of(NULL, 1, &length)
                                      : nnconv_array_of(NULL, Rf_length(dim), INTEGER(dim));
  if (TYPEOF(x) == REALSXP) array.data = REAL(x);
  if (TYPEOF(x) == CPLXSXP) array.data = (double *)COMPLEX(x);
  if (TYPEOF(x) == CPLXSXP) array.type = NNCONV_COMPLEX;
  return array;
}

static SEXP new_array(const nnconv_array *array) {
  SEXP x = PROTECT(Rf_allocVector(array->type == NNCONV_COMPLEX ? CPLXSXP : REALSXP,
                                  (R_xlen_t)nnconv_length(array)));
  SEXP dim = PROTECT(Rf_allocVector(INTSXP, array->rank));
  int i;
  for (i = 0; i < array->rank; ++i) INTEGER(dim)[i] = (int)array->dim[i];
  Rf_setAttrib(x, R_DimSymbol, dim);
  UNPROTECT(2);
  return x;
}

static SEXP report(int status, const char *message, SEXP result) {
  const char *names[] = {"status", "message", "result", ""};
  SEXP list = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(list, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(list, 1, Rf_mkString(message));
  SET_VECTOR_ELT(list, 2, result);
  UNPROTECT(1);
  return list;
}

/* `output` is where the result goes, or NULL: an array as nnconv_output_dim() says, complex where
 * `is_complex` is TRUE. */
SEXP call_forward(SEXP layer_list, SEXP input, SEXP weight, SEXP bias, SEXP output,
                  SEXP is_complex) {
  const nnconv_layer layer = layer_of(layer_list);
  const nnconv_array x = array_of(input), w = array_of(weight), b = array_of(bias);
  nnconv_array y = array_of(output);
  char message[NNCONV_MESSAGE_SIZE];
  int status = NNCONV_OK;
  if (Rf_isNull(output)) {
    status = nnconv_output_dim(&layer, &x, &w, &y, message, sizeof(message));
    if (status != NNCONV_OK) return report(status, message, R_NilValue);
    if (Rf_asLogical(is_complex)) y.type = NNCONV_COMPLEX;
    output = new_array(&y);
  }
  PROTECT(output);
  y = array_of(output);
  status = nnconv_forward(&layer, &x, &w, Rf_isNull(bias) ? NULL : &b, &y, message,
                          sizeof(message));
  SEXP list = report(status, message, output);
  UNPROTECT(1);
  return list;
}

/* Writes into those of the gradients that are not NULL. */
SEXP call_backward(SEXP layer_list, SEXP grad_output, SEXP input, SEXP weight, SEXP gradients) {
  const nnconv_layer layer = layer_of(layer_list);
  const nnconv_array dy = array_of(grad_output), x = array_of(input), w = array_of(weight);
  nnconv_array to[3];
  const nnconv_array *pointers[3];
  char message[NNCONV_MESSAGE_SIZE];
  int i;
  for (i = 0; i < 3; ++i) {
    to[i] = array_of(VECTOR_ELT(gradients, i));
    pointers[i] = Rf_isNull(VECTOR_ELT(gradients, i)) ? NULL : &to[i];
  }
  i = nnconv_backward(&layer, &dy, &x, &w, pointers[0], pointers[1], pointers[2], message,
                      sizeof(message));
  return report(i, message, gradients);
}

/* The output's extents for arrays of which only the extents are given, as numbers. */
SEXP call_output_dim(SEXP layer_list, SEXP input_dim, SEXP weight_dim) {
  const nnconv_layer layer = layer_of(layer_list);
  nnconv_array x = {NULL, NNCONV_DOUBLE, 0, {0}}, w = {NULL, NNCONV_DOUBLE, 0, {0}}, y = {0};
  char message[NNCONV_MESSAGE_SIZE];
  int i, status;
  x.rank = Rf_length(input_dim);
  w.rank = Rf_length(weight_dim);
  for (i = 0; i < x.rank && i < 5; ++i) x.dim[i] = (int64_t)REAL(input_dim)[i];
  for (i = 0; i < w.rank && i < 5; ++i) w.dim[i] = (int64_t)REAL(weight_dim)[i];
  status = nnconv_output_dim(&layer, &x, &w, &y, message, sizeof(message));
  SEXP dim = PROTECT(Rf_allocVector(REALSXP, y.rank));
  for (i = 0; i < y.rank; ++i) REAL(dim)[i] = (double)y.dim[i];
  SEXP list = report(status, message, dim);
  UNPROTECT(1);
  return list;
}

/* Calls that are wrong in C alone, and messages cut to a size. */
SEXP call_misused(SEXP how, SEXP size) {
  nnconv_layer layer = nnconv_layer_default(1);
  struct {
    nnconv_layer known;
    int64_t further;
  } later;
  const int dim[] = {1, 1, 1};
  double number = 1;
  nnconv_array x = nnconv_array_of(&number, 3, dim), y = x, none = x;
  const nnconv_layer *given = &layer;
  const nnconv_array *input = &x;
  char message[NNCONV_MESSAGE_SIZE] = "untouched";
  memset(&later, 0, sizeof(later));
  later.known = layer;
  later.known.size = sizeof(later);
  none.data = NULL;
  switch (Rf_asInteger(how)) {
    case 0: break;
    case 1: given = NULL; break;
    case 2: layer.size = 8; break;
    case 3: given = &later.known; break;
    case 4: given = &later.known; later.further = 1; break;
    case 5: input = NULL; break;
    case 6: input = &none; break;
    case 7: x.type = 2; break;
    case 8: y.rank = 1000; break;
    case 10: layer.size = (size_t)-1; break;
    case 9: layer.stride[0] = 0; break;
  }
  return report(nnconv_forward(given, input, &x, NULL, &y, message, (size_t)Rf_asInteger(size)),
                message, R_NilValue);
}

SEXP call_resume(void) {
  nnconv_resume();
  return R_NilValue;
}

SEXP api_version(void) { return Rf_ScalarInteger(NNCONV_API_VERSION); }
