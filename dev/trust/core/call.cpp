#include "call.hpp"

#include <sstream>
#include <stdexcept>

using namespace nnconv;

namespace trust {

namespace {

Direction direction_of(const Layer& layer, Result result) {
  if (result == Result::grad_weight) return Direction::backward_weight;
  // A transposed layer is the convolution of which it is the gradient.
  return (result == Result::output) != layer.geometry.transposed ? Direction::forward
                                                                 : Direction::backward_input;
}

Array array(const Values& values, bool is_complex, bool conjugate = false) {
  return {values.data(), is_complex, is_complex && conjugate};
}

Task task_of(const Layer& layer, const Arrays& arrays, Result result) {
  Task task{direction_of(layer, result), {},          {}, {}, nullptr,
            is_complex(layer, result),   layer.single};
  const Array grad = array(arrays.grad, layer.complex_grad);
  const Array conjugate_input = array(arrays.input, layer.complex_input, true);
  if (result == Result::output) {
    task.a = array(arrays.input, layer.complex_input);
    task.b = array(arrays.weight, layer.complex_weight);
    if (layer.bias) task.bias = array(arrays.bias, layer.complex_bias);
  } else if (result == Result::grad_input) {
    task.a = grad;
    task.b = array(arrays.weight, layer.complex_weight, true);
  } else {
    // The weight leads from the input to the output, or in a transposed layer back.
    task.a = layer.geometry.transposed ? conjugate_input : grad;
    task.b = layer.geometry.transposed ? grad : conjugate_input;
  }
  return task;
}

Context context_of(const How& how) {
  Context context;
  context.threads = how.threads;
  context.policy = how.policy;
  return context;
}

Wish wish_of(const How& how) { return {how.isa, how.algorithm, how.streams}; }

}  // namespace

const char* name_of(Policy policy) {
  return policy == Policy::direct ? "direct" : policy == Policy::automatic ? "auto" : "fast";
}

std::string describe(const How& how) {
  std::ostringstream text;
  text << (how.isa != nullptr ? how.isa : &current_isa())->name << " " << name_of(how.policy) << " "
       << how.algorithm << " threads " << how.threads << (how.streams ? " streams" : "")
       << " shift " << how.shift;
  return text.str();
}

Call::Call(const Layer& layer, const Arrays& arrays, Result result)
    : layer_(layer),
      arrays_(arrays),
      result_(result),
      problem_(fit(layer.geometry, layer.input, layer.weight)),
      task_(task_of(layer, arrays, result)) {
  if (nnconv::output_extents(layer.geometry, problem_, layer.input.size()) !=
      trust::output_extents(layer))
    throw std::runtime_error("an output of another size");
}

Values Call::compute(const How& how) const {
  const int64_t width = task_.complex_result ? 2 : 1;
  values::Memory memory(width * count_of(extents_of(layer_, result_)), how.shift);
  if (result_ == Result::grad_bias) {
    const Spatial out = spatial_of(trust::output_extents(layer_), layer_.geometry.ndim);
    run(ChannelSums{layer_.batch(), layer_.out_channels(), out[0] * out[1] * out[2],
                    array(arrays_.grad, layer_.complex_grad), memory.data(), task_.complex_result,
                    layer_.single},
        context_of(how), wish_of(how));
  } else {
    Task task = task_;
    task.out = memory.data();
    run(problem_, task, context_of(how), wish_of(how));
  }
  if (!memory.is_intact()) throw std::runtime_error("memory before the result was written");
  return memory.values();
}

Plan Call::plan(const How& how) const {
  return plan_of(problem_, task_, context_of(how), wish_of(how));
}

}  // namespace trust
