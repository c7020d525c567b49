// The numbers of a layer: of kinds that are hard on a sum in their own ways.
#pragma once
#include <functional>

#include "layer.hpp"
#include "values.hpp"

namespace trust {

using harness::Random;
using values::Values;

// As R has them: complex numbers are pairs.
struct Arrays {
  Values input, weight, bias, grad;
};

using Draw = std::function<double(Random&)>;

Draw whole(int64_t magnitude);
double normal(Random& random);
double uniform(Random& random);  // within (0, 1)
double wide(Random& random);     // of either sign, over 60 powers of two
Draw constant(double value);

Arrays draw_arrays(const Layer& layer, const Draw& draw, Random& random);

// Normal numbers but for one of the input and one of grad_output, 1e8.
Arrays draw_hot(const Layer& layer, Random& random);

// Whose products are no normal numbers of the layer's precision, whose operands and many of whose
// sums are.
Arrays draw_tiny(const Layer& layer, Random& random);

// Every kernel becomes an outer product of vectors of real numbers.
void separate(const Layer& layer, Arrays& arrays, Random& random);

// The numbers that the core computes with: in single precision those that are nearest.
Arrays rounded(const Layer& layer, Arrays arrays);

// A layer of real numbers, and the moduli of another's.
Layer real_layer(Layer layer);
Arrays moduli(const Layer& layer, const Arrays& arrays);

}  // namespace trust
