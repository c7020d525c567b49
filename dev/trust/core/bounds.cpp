#include "bounds.hpp"

#include <algorithm>
#include <cmath>

#include "oracle.hpp"

using namespace nnconv;

namespace trust {

namespace {

// What the elements of a result read, of a layer of moduli.
struct Reads {
  int64_t from_channels, to_channels;
  Values largest;             // by element and channel read: the largest number of the window
  std::vector<int64_t> pair;  // by channel and channel read: whose weights meet, -1 for none
};

Reads reads_of(const Layer& layer, const Arrays& moduli, Result result) {
  const bool forward = result == Result::output;
  const Values& read = forward ? moduli.input : moduli.grad;
  Reads reads{layer.in_channels(), layer.out_channels(), {}, {}};
  if (!forward) std::swap(reads.from_channels, reads.to_channels);
  reads.largest.resize(count_of(extents_of(layer, result)) * reads.from_channels, 0.0);
  reads.pair.resize(reads.to_channels * reads.from_channels, -1);
  for_each_term(layer, [&](int64_t x, int64_t w, int64_t y, int64_t samples) {
    const int64_t from = forward ? x : y, to = forward ? y : x;
    const int64_t channel = from / samples % reads.from_channels;
    reads.pair[to / samples % reads.to_channels * reads.from_channels + channel] =
        w % (layer.weight[0] * layer.weight[1]);
    for (int64_t i = 0; i < samples; ++i) {
      double& largest = reads.largest[(to + i) * reads.from_channels + channel];
      largest = std::max(largest, read[from + i]);
    }
  });
  return reads;
}

Values sums_over_channels(const Layer& layer, const Arrays& moduli, const Reads& reads) {
  const int64_t pairs = layer.weight[0] * layer.weight[1], channels = reads.from_channels;
  Values weights(pairs, 0.0), sums(reads.largest.size() / channels, 0.0);
  for (std::size_t i = 0; i < moduli.weight.size(); ++i) weights[i % pairs] += moduli.weight[i];
  for (std::size_t i = 0; i < reads.largest.size(); ++i) {
    const int64_t to = static_cast<int64_t>(i) / channels / layer.batch() % reads.to_channels;
    const int64_t pair = reads.pair[to * channels + i % channels];
    if (pair >= 0) sums[i / channels] += reads.largest[i] * weights[pair];
  }
  return sums;
}

}  // namespace

Values scale_of(Scale scale, const Layer& any_layer, const Arrays& arrays, Result result) {
  const Layer layer = real_layer(any_layer);
  const Arrays moduli = trust::moduli(any_layer, arrays);
  if (scale == Scale::terms) return sums_of<PlainSum>(layer, moduli, result).values();
  Reads reads = reads_of(layer, moduli, result);
  if (scale == Scale::everything) {
    const Values& read = result == Result::output ? moduli.input : moduli.grad;
    const double largest = read.empty() ? 0 : *std::max_element(read.begin(), read.end());
    std::fill(reads.largest.begin(), reads.largest.end(), largest);
  }
  Values sums = sums_over_channels(layer, moduli, reads);
  if (scale == Scale::windows && result == Result::output && layer.bias)
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += moduli.bias[i / layer.batch() % layer.out_channels()];
  return sums;
}

Bound bound_of(const Plan& plan, bool single, double units) {
  const double unit = std::ldexp(1, single ? -24 : -53), fast = single ? 1e-5 : 1e-12;
  switch (plan.algorithm) {
    case Algorithm::winograd:
      if (plan.winograd_results == 2) return {"Winograd F2", Scale::windows, units * unit};
      return {"Winograd F4", Scale::everything, fast};
    case Algorithm::separable:
      return {"separable", Scale::everything, fast};
    case Algorithm::fft:
      return {"fft", Scale::everything, fast};
    default:
      return {"direct", Scale::terms, units * unit};
  }
}

}  // namespace trust
