// A layer as a user calls it, and what there is to compute of it.
#pragma once
#include <string>

#include "core.hpp"

namespace trust {

// Sizes along the spatial dimensions are 1 beyond those that the layer has.
struct Layer {
  nnconv::Geometry geometry;
  nnconv::Extents input, weight;  // dims; without a batch where the input has none
  bool bias = true;
  bool single = false;         // single precision
  bool complex_dtype = false;  // a result is complex also where all arrays are real
  bool complex_input = false, complex_weight = false, complex_bias = false, complex_grad = false;

  bool batched() const { return static_cast<int>(input.size()) == geometry.ndim + 2; }
  int64_t batch() const { return batched() ? input[0] : 1; }
  int64_t in_channels() const { return input[input.size() - geometry.ndim - 1]; }
  int64_t out_channels() const {
    return geometry.transposed ? weight[1] * geometry.groups : weight[0];
  }
  nnconv::Spatial in_size() const { return nnconv::spatial_of(input, geometry.ndim); }

  bool any_complex_operand() const { return complex_input || complex_weight || complex_bias; }
  bool complex_output() const { return complex_dtype || any_complex_operand(); }
  void make_complex(bool is_complex) {
    complex_dtype = complex_input = complex_weight = complex_bias = complex_grad = is_complex;
  }
};

enum class Result { output, grad_input, grad_weight, grad_bias };

constexpr Result all_results[] = {Result::output, Result::grad_input, Result::grad_weight,
                                  Result::grad_bias};

bool is_complex(const Layer& layer, Result result);

// The output's size by its definition, in a type that holds all that 32 bits of arguments can ask
// for.
__int128 out_size(const Layer& layer, int axis);

// Whether a layer of such arguments, each in its own range, can be applied to such an input.
bool is_valid(const Layer& layer);

// Of a valid layer.
nnconv::Extents output_extents(const Layer& layer);
nnconv::Extents extents_of(const Layer& layer, Result result);
int64_t count_of(const nnconv::Extents& extents);

// Products of real numbers for the output, where all taps of all positions had a partner.
double products(const Layer& layer);

// All of it in a line, for what failed to be tried again.
std::string describe(const Layer& layer);
const char* name_of(Result result);
const char* dtype_of(const Layer& layer);

}  // namespace trust
