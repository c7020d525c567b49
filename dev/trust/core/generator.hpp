// Random layers of every kind, in families: one for each way that the core has to sum.
#pragma once
#include <vector>

#include "layer.hpp"
#include "values.hpp"

namespace trust {

enum class Family {
  general,    // a bit of everything
  batch,      // samples fill vectors
  line,       // a single channel, whose pixels do
  channels,   // channels do, of few samples
  depthwise,  // each channel reads itself
  filter,     // few channels, long lines, long kernels
  winograd,   // three taps, many channels
  deep,       // sums of many terms
  pixels,     // gradients of weights over many pixels
  window,     // inputs that are read box by box
  separable,  // kernels that may be outer products
  fourier,    // kernels so long that transforms pay
  large       // several threads take part
};

struct Range {
  int64_t low, high;
};

// Of what the layers of a family are made; ranges of sizes and kernels by the number of dimensions.
struct Recipe {
  std::vector<int64_t> batches;  // unbatched: the input has none
  Range groups{1, 1}, group_in, group_out;
  Range size[3], kernel[3];
  int64_t stride = 2, dilation = 2;  // at most
  double least = 1, most = 1e5;      // products of an output
  int complex_percent = 0;
};

constexpr int64_t unbatched = -1;

Recipe recipe_of(Family family);

Layer random_layer(const Recipe& recipe, Family family, harness::Random& random);

inline Layer random_layer(Family family, harness::Random& random) {
  return random_layer(recipe_of(family), family, random);
}

// The `number`-th of a row's layers: families in turn, small ones more often.
Family small_family(int64_t number);
Family any_family(int64_t number);

}  // namespace trust
