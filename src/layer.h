// A layer applied to R arrays: what functions, modules and tests have in common once their
// arguments are read.
#pragma once
#include "arguments.h"

namespace nnconv {

struct Layer {
  Geometry geometry;
  DType dtype;
};

// Where a result goes: doubles, or pairs of them.
struct Result {
  double* data;
  bool is_complex;
};

// The work of a layer on memory that is there.
class LayerWork {
 public:
  LayerWork(const Layer& layer, const Problem& problem, const Context& context, const Wish& wish)
      : layer_(layer), problem_(problem), context_(context), wish_(wish) {}

  void forward(const Array& input, const Array& weight, const Array& bias, Result output) const;
  void gradient_of_input(const Array& grad_output, const Array& weight, Result gradient) const;
  void gradient_of_weight(const Array& grad_output, const Array& input, Result gradient) const;
  void gradient_of_bias(const Array& grad_output, Result gradient) const;

 private:
  void run(Direction direction, const Array& a, const Array& b, const Array& bias,
           Result result) const;

  const Layer& layer_;
  const Problem& problem_;
  const Context& context_;
  const Wish& wish_;
};

// Throws unless the gradient has the dim of the layer's output.
void check_grad_output(const ArrayArgument& grad_output, const Extents& wanted);

// The same on R's arrays. `bias` is R's NULL where there is none.
SEXP layer_forward(const Layer& layer, const ArrayArgument& input, const ArrayArgument& weight,
                   const ArrayArgument& bias, const Context& context, const Wish& wish = {});

// Which gradients are wanted.
struct Needs {
  bool input = false, weight = false, bias = false;
};

Needs needs_argument(SEXP x);

// list(input =, weight =, bias =); NULL for what is not wanted. The gradient of a real operand is
// real, unless dtype is complex: the real part of that of its complex copy, as in PyTorch.
SEXP layer_backward(const Layer& layer, const ArrayArgument& grad_output,
                    const ArrayArgument& input, const ArrayArgument& weight, bool real_bias,
                    const Needs& needs, const Context& context, const Wish& wish = {});

}  // namespace nnconv
