// Padding and cropping of whole arrays, over any of their dimensions.
#pragma once
#include <cstdint>
#include <vector>

#include "axis.hpp"
#include "contraction.hpp"
#include "parallel.hpp"

namespace nnconv {

// One dimension: `in` positions become before + in + after; negative numbers crop.
struct PadDim {
  int64_t in = 1, before = 0, after = 0;

  int64_t out() const { return before + in + after; }
};

// Copies an array with extents dims[].in into `out` with extents dims[].out(). PadMode::zeros
// fills with `value` (re, im). `out` holds pairs if `complex_result`.
void pad_array(const Array& array, const std::vector<PadDim>& dims, PadMode mode,
               const double (&value)[2], double* out, bool complex_result, const Context& context);

}  // namespace nnconv
