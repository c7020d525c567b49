// A layer applied to R arrays: what functions, modules and tests have in common once their
// arguments are read.
#pragma once
#include "arguments.h"

namespace nnconv {

struct Layer {
  Geometry geometry;
  DType dtype;
};

// `bias` is R's NULL where there is none.
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
