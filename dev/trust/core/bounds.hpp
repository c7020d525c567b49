// The errors that are promised, element by element.
#pragma once
#include "call.hpp"

namespace trust {

// What an error is measured by: the sum of the moduli of an element's terms, with its bias; over
// the channels that it reads, the largest number in its window times all weights that meet the
// channel, with its bias; or likewise the largest number of all.
enum class Scale { terms, windows, everything };

Values scale_of(Scale scale, const Layer& layer, const Arrays& arrays, Result result);

struct Bound {
  const char* name;  // of the algorithm
  Scale scale;
  double factor;
};

// `units` of rounding, where the bound is in these.
Bound bound_of(const nnconv::Plan& plan, bool single, double units);

}  // namespace trust
