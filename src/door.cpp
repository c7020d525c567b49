// The door for the C and C++ code of other packages: what stands behind inst/include/nnconv.h,
// which says what it does. No R jump and no exception leaves these functions, but resume().
#include "../inst/include/nnconv.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "layer.h"

namespace nnconv {

namespace {

constexpr int oldest_api_version = 1;

// ---- R ----

// R may be called on the thread that loaded the package, and on no other.
const std::thread::id main_thread = std::this_thread::get_id();

// R's jump that ended a call and has not gone on, by its continuation.
SEXP waiting_jump = nullptr;

// With a continuation of its own, which calls from R leave alone while the jump waits.
void poll_r_for_door() {
  static const SEXP token = new_continuation();
  unwind_protect(
      [] {
        R_CheckUserInterrupt();
        return R_NilValue;
      },
      token);
}

int say(char* message, std::size_t size, int status, const char* words) {
  if (size > 0) std::snprintf(message, size, "%s", words);
  return status;
}

int say(char* message, std::size_t size, const Fault& fault) {
  static const int statuses[] = {NNCONV_TYPE_ERROR, NNCONV_VALUE_ERROR, NNCONV_SHAPE_ERROR};
  if (size > 0)
    std::snprintf(message, size, "`%s` must be %s%s%s.", fault.argument.c_str(), fault.must.c_str(),
                  fault.found.empty() ? "" : ", not ", fault.found.c_str());
  return statuses[static_cast<int>(fault.kind)];
}

// Runs the body of a function of the door; what it throws becomes a status and a message.
template <class Body>
int guarded(char* message, std::size_t size, const Body& body) {
  if (std::this_thread::get_id() != main_thread)
    return say(message, size, NNCONV_WRONG_THREAD, "nnconv was called on another than R's thread");
  waiting_jump = nullptr;
  try {
    body();
    return say(message, size, NNCONV_OK, "");
  } catch (const Fault& fault) {
    return say(message, size, fault);
  } catch (const std::bad_alloc&) {
    return say(message, size, NNCONV_NO_MEMORY, "not enough memory for the working space");
  } catch (const Rcpp::LongjumpException& jump) {
    R_ReleaseObject(jump.token);  // unwind_protect() preserved it for Rcpp
    waiting_jump = jump.token;
    return say(message, size, NNCONV_INTERRUPTED, "interrupted");
  } catch (const std::exception& fault) {
    return say(message, size, NNCONV_FAILED, fault.what());
  } catch (...) {
    return say(message, size, NNCONV_FAILED, "unknown C++ exception");
  }
}

// ---- layers ----

const Wish no_wish;

[[noreturn]] void refuse_number(const char* name, const std::string& must, int64_t found) {
  throw Fault(FaultKind::value, name, must, std::to_string(found));
}

void check_whole(int64_t value, const char* name, int64_t least) {
  if (value < least || value > max_extent)
    refuse_number(name, "a whole number from " + std::to_string(least) + " to 2147483647", value);
}

void check_word(int32_t value, const char* name, int most) {
  if (value < 0 || value > most)
    refuse_number(name, "a constant from 0 to " + std::to_string(most), value);
}

void read_spatial(const int64_t* values, const char* name, int64_t least, int ndim, Spatial& to) {
  for (int i = 0; i < ndim; ++i) {
    check_whole(values[i], name, least);
    to[i] = values[i];
  }
}

// A later version's layer is as this one's where its further fields are zero. A size that no
// version will have is no size.
void check_layer_size(const nnconv_layer* given) {
  constexpr std::size_t least = sizeof(nnconv_layer), most = 16 * least;
  if (given == nullptr || given->size < least || given->size > most)
    throw Fault(FaultKind::value, "layer", "made by nnconv_layer_default()", "");
  const unsigned char* const bytes = reinterpret_cast<const unsigned char*>(given);
  if (std::any_of(bytes + least, bytes + given->size, [](unsigned char byte) { return byte != 0; }))
    throw Fault(FaultKind::value, "layer", "one that the installed version of nnconv knows",
                "a later version's");
}

// All but the kernel, which the weight has.
Layer layer_of(const nnconv_layer* given) {
  check_layer_size(given);
  if (given->ndim < 1 || given->ndim > max_spatial) refuse_number("ndim", "1, 2 or 3", given->ndim);
  check_word(given->padding_mode, "padding_mode", given->transposed ? 0 : NNCONV_CIRCULAR);
  Layer layer;
  Geometry& g = layer.geometry;
  g.ndim = given->ndim;
  g.transposed = given->transposed != 0;
  check_whole(given->groups, "groups", 1);
  g.groups = given->groups;
  g.mode = static_cast<PadMode>(given->padding_mode);
  layer.dtype.single = given->single != 0;
  read_spatial(given->stride, "stride", 1, g.ndim, g.stride);
  read_spatial(given->dilation, "dilation", 1, g.ndim, g.dilation);
  read_spatial(given->pad_before, "pad_before", 0, g.ndim, g.pad_lo);
  read_spatial(given->pad_after, "pad_after", 0, g.ndim, g.pad_hi);
  if (!g.transposed) return layer;
  read_spatial(given->output_padding, "output_padding", 0, g.ndim, g.output_padding);
  for (int i = 0; i < g.ndim; ++i)
    if (g.output_padding[i] >= std::max(g.stride[i], g.dilation[i]))
      refuse_number("output_padding", "smaller than `stride` or `dilation`", g.output_padding[i]);
  return layer;
}

// What the call brings along, where it is silent the options.
Context context_of(const nnconv_layer& layer) {
  static const Policy policies[] = {Policy::direct, Policy::automatic, Policy::fast};
  check_word(layer.algorithm, "algorithm", NNCONV_FAST);
  if (layer.threads != 0) check_whole(layer.threads, "threads", 1);
  Context context = call_context();
  if (layer.threads != 0) context.threads = layer.threads;
  if (layer.algorithm != NNCONV_OF_OPTION) context.policy = policies[layer.algorithm - 1];
  context.poll = poll_r_for_door;
  return context;
}

// ---- arrays ----

[[noreturn]] void refuse_dim(const char* name, const std::string& must, const Extents& found) {
  throw Fault(FaultKind::shape, name, "an array " + must, "one of dim " + show(found));
}

[[noreturn]] void refuse_rank(const char* name, const std::string& must, int32_t found) {
  throw Fault(FaultKind::shape, name, "an array of rank " + must,
              "one of rank " + std::to_string(found));
}

void check_given(const nnconv_array* array, const char* name) {
  if (array == nullptr) throw Fault(FaultKind::value, name, "an array", "a null pointer");
  check_word(array->type, name, NNCONV_COMPLEX);
}

Extents extents_of(const nnconv_array* array) { return {array->dim, array->dim + array->rank}; }

// Neither an extent nor the number of elements is one that R's arrays cannot have.
void check_extents(const Extents& dim, const char* name, bool batched) {
  double length = 1;
  for (std::size_t d = 0; d < dim.size(); ++d) {
    length *= static_cast<double>(dim[d]);
    if (dim[d] < (batched && d == 0 ? 0 : 1) || dim[d] > max_extent || length > R_XLEN_T_MAX)
      refuse_dim(name, "of extents from 1 to 2147483647 and at most 2^52 elements", dim);
  }
}

// Its data may be missing, for not all calls read them.
ArrayArgument operand_of(const nnconv_array* array) {
  return {{array->data, array->type == NNCONV_COMPLEX}, extents_of(array), R_NilValue};
}

ArrayArgument samples_of(const nnconv_array* array, const char* name, int ndim) {
  check_given(array, name);
  const bool batched = array->rank == ndim + 2;
  if (!batched && array->rank != ndim + 1)
    refuse_rank(name, std::to_string(ndim + 2) + " or " + std::to_string(ndim + 1), array->rank);
  check_extents(extents_of(array), name, batched);
  return operand_of(array);
}

ArrayArgument parameter_of(const nnconv_array* array, const char* name, int rank) {
  check_given(array, name);
  if (array->rank != rank) refuse_rank(name, std::to_string(rank), array->rank);
  check_extents(extents_of(array), name, false);
  return operand_of(array);
}

bool is_empty(const Extents& dim) { return std::count(dim.begin(), dim.end(), 0) > 0; }

void check_data(const double* data, const Extents& dim, const char* name) {
  if (data == nullptr && !is_empty(dim))
    throw Fault(FaultKind::value, name, "an array with data", "one whose data are a null pointer");
}

// Where a result of this dim goes.
Result result_of(const nnconv_array* array, const char* name, const Extents& dim,
                 bool needs_complex) {
  check_given(array, name);
  const int rank = static_cast<int>(dim.size());
  if (array->rank != rank) refuse_rank(name, std::to_string(rank), array->rank);
  if (extents_of(array) != dim) refuse_dim(name, "of dim " + show(dim), extents_of(array));
  check_extents(dim, name, true);
  check_data(array->data, dim, name);
  if (needs_complex && array->type != NNCONV_COMPLEX)
    throw Fault(FaultKind::type, name, "complex", "real");
  return {array->data, array->type == NNCONV_COMPLEX};
}

// ---- a call ----

// A layer with what it is applied to, checked.
struct DoorCall {
  Layer layer;
  const ArrayArgument input, weight;
  const Problem problem;
  const Extents output_dim;

  DoorCall(const nnconv_layer* given, const nnconv_array* x, const nnconv_array* w)
      : layer(layer_of(given)),
        input(samples_of(x, "input", layer.geometry.ndim)),
        weight(parameter_of(w, "weight", layer.geometry.ndim + 2)),
        problem(fit(with_kernel(), input.dim, weight.dim)),
        output_dim(output_extents(layer.geometry, problem, input.dim.size())) {}

  const Geometry& with_kernel() {
    layer.geometry.kernel = spatial_of(weight.dim, layer.geometry.ndim);
    return layer.geometry;
  }

  int64_t out_channels() const { return channels_of(layer.geometry, weight.dim).output; }
};

}  // namespace

}  // namespace nnconv

using namespace nnconv;

extern "C" {

static int door_output_dim(const nnconv_layer* layer, const nnconv_array* input,
                           const nnconv_array* weight, nnconv_array* output, char* message,
                           std::size_t message_size) {
  return guarded(message, message_size, [&] {
    const DoorCall call(layer, input, weight);
    if (output == nullptr) throw Fault(FaultKind::value, "output", "an array", "a null pointer");
    const bool is_complex = call.input.array.is_complex || call.weight.array.is_complex;
    output->type = is_complex ? NNCONV_COMPLEX : NNCONV_DOUBLE;
    output->rank = static_cast<int32_t>(call.output_dim.size());
    std::copy(call.output_dim.begin(), call.output_dim.end(), output->dim);
  });
}

static int door_forward(const nnconv_layer* layer, const nnconv_array* input,
                        const nnconv_array* weight, const nnconv_array* bias,
                        const nnconv_array* output, char* message, std::size_t message_size) {
  return guarded(message, message_size, [&] {
    const DoorCall call(layer, input, weight);
    ArrayArgument b;
    if (bias != nullptr) {
      b = parameter_of(bias, "bias", 1);
      if (b.dim[0] != call.out_channels())
        refuse_dim("bias", "of dim " + show({call.out_channels()}), b.dim);
      check_data(bias->data, b.dim, "bias");
    }
    check_data(input->data, call.input.dim, "input");
    check_data(weight->data, call.weight.dim, "weight");
    const Array &x = call.input.array, &w = call.weight.array;
    const Result y = result_of(output, "output", call.output_dim,
                               x.is_complex || w.is_complex || b.array.is_complex);
    const Context context = context_of(*layer);
    LayerWork(call.layer, call.problem, context, no_wish).forward(x, w, b.array, y);
  });
}

static int door_backward(const nnconv_layer* layer, const nnconv_array* grad_output,
                         const nnconv_array* input, const nnconv_array* weight,
                         const nnconv_array* grad_input, const nnconv_array* grad_weight,
                         const nnconv_array* grad_bias, char* message, std::size_t message_size) {
  return guarded(message, message_size, [&] {
    const DoorCall call(layer, input, weight);
    const ArrayArgument dy = samples_of(grad_output, "grad_output", call.layer.geometry.ndim);
    check_grad_output(dy, call.output_dim);
    check_data(grad_output->data, dy.dim, "grad_output");
    const Array &x = call.input.array, &w = call.weight.array;
    Result to_input{}, to_weight{}, to_bias{};
    if (grad_input != nullptr) {
      check_data(weight->data, call.weight.dim, "weight");
      to_input = result_of(grad_input, "grad_input", call.input.dim, x.is_complex);
    }
    if (grad_weight != nullptr) {
      check_data(input->data, call.input.dim, "input");
      to_weight = result_of(grad_weight, "grad_weight", call.weight.dim, w.is_complex);
    }
    if (grad_bias != nullptr)
      to_bias = result_of(grad_bias, "grad_bias", {call.out_channels()}, false);

    const Context context = context_of(*layer);
    const LayerWork work(call.layer, call.problem, context, no_wish);
    if (grad_input != nullptr) work.gradient_of_input(dy.array, w, to_input);
    if (grad_weight != nullptr) work.gradient_of_weight(dy.array, x, to_weight);
    if (grad_bias != nullptr) work.gradient_of_bias(dy.array, to_bias);
  });
}

static void door_resume() {
  const SEXP token = waiting_jump;
  waiting_jump = nullptr;
  if (token == nullptr) Rf_error("nnconv_resume() must follow a call that was interrupted");
  R_ContinueUnwind(token);
}

static const nnconv_functions* door_functions() {
  static const nnconv_functions functions = {NNCONV_API_VERSION, oldest_api_version,
                                             door_output_dim,    door_forward,
                                             door_backward,      door_resume};
  return &functions;
}

}  // extern "C"

// [[Rcpp::init]]
void register_door(DllInfo* dll) {
  R_RegisterCCallable("nnconv", "nnconv_functions", reinterpret_cast<DL_FUNC>(door_functions));
}
