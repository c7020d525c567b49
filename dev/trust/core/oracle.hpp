// What a layer and its gradients are, by the definition alone: plain loops that share nothing with
// the core but the names of a layer's arguments. Every product x * w that a term of the output is
// made of gives, differentiated, one term of each gradient.
#pragma once
#include <vector>

#include "arrays.hpp"

namespace trust {

// Along one dimension: which position of the input meets which tap for which position of the
// output.
struct AxisTerm {
  int64_t input, tap, output;
};

std::vector<AxisTerm> axis_terms(const Layer& layer, int axis);

// Products of real numbers in a sum, at most, of the output and all gradients; the bias counts too.
double most_terms(const Layer& layer);

// visit(x, w, y, n): elements of input, weight and output, all numbers of R's arrays, that belong
// together: x + i and y + i for every i < n, the samples.
template <class Visit>
void for_each_term(const Layer& layer, const Visit& visit) {
  const nnconv::Geometry& g = layer.geometry;
  const int64_t in_channels = layer.in_channels() / g.groups;
  const int64_t out_channels = layer.out_channels() / g.groups, samples = layer.batch();
  const nnconv::Spatial in = layer.in_size();
  const nnconv::Spatial out = nnconv::spatial_of(output_extents(layer), g.ndim);
  const std::vector<AxisTerm> terms[] = {axis_terms(layer, 0), axis_terms(layer, 1),
                                         axis_terms(layer, 2)};
  for (const AxisTerm& k : terms[2])
    for (const AxisTerm& j : terms[1])
      for (const AxisTerm& i : terms[0]) {
        const int64_t input = i.input + in[0] * (j.input + in[1] * k.input);
        const int64_t output = i.output + out[0] * (j.output + out[1] * k.output);
        const int64_t tap = i.tap + g.kernel[0] * (j.tap + g.kernel[1] * k.tap);
        for (int64_t group = 0; group < g.groups; ++group)
          for (int64_t c = 0; c < in_channels; ++c)
            for (int64_t o = 0; o < out_channels; ++o) {
              const int64_t from = group * in_channels + c, to = group * out_channels + o;
              const int64_t first = g.transposed ? from : to, second = g.transposed ? o : c;
              visit(samples * (from + layer.in_channels() * input),
                    first + layer.weight[0] * (second + layer.weight[1] * tap),
                    samples * (to + layer.out_channels() * output), samples);
            }
      }
}

// Numbers of an array, real or complex, as they are or conjugate.
class Numbers {
 public:
  Numbers(const Values& values, bool is_complex, bool conjugate = false)
      : values_(values), is_complex_(is_complex), sign_(conjugate ? -1 : 1) {}

  bool is_complex() const { return is_complex_; }
  double re(int64_t i) const { return values_[is_complex_ ? 2 * i : i]; }
  double im(int64_t i) const { return sign_ * values_[2 * i + 1]; }

 private:
  const Values& values_;
  const bool is_complex_;
  const double sign_;
};

// The sums that make a result, each a Sum, to which add(x, y) adds a product. A real number has no
// imaginary part that could meet anything.
template <class Sum>
class Sums {
 public:
  Sums(int64_t count, bool is_complex) : width_(is_complex ? 2 : 1), sums_(width_ * count) {}

  void add(int64_t i, const Numbers& a, int64_t ai, const Numbers& b, int64_t bi) {
    sums_[width_ * i].add(a.re(ai), b.re(bi));
    if (a.is_complex() && b.is_complex()) sums_[width_ * i].add(-a.im(ai), b.im(bi));
    if (width_ == 1) return;
    if (a.is_complex()) sums_[2 * i + 1].add(a.im(ai), b.re(bi));
    if (b.is_complex()) sums_[2 * i + 1].add(a.re(ai), b.im(bi));
  }

  Values values() const {
    Values found;
    found.reserve(sums_.size());
    for (const Sum& sum : sums_) found.push_back(sum.value());
    return found;
  }
  const std::vector<Sum>& sums() const { return sums_; }

 private:
  const int64_t width_;
  std::vector<Sum> sums_;
};

template <class Sum>
Sums<Sum> sums_of(const Layer& layer, const Arrays& arrays, Result result) {
  const bool conjugate = result != Result::output;
  const Numbers x(arrays.input, layer.complex_input, conjugate);
  const Numbers w(arrays.weight, layer.complex_weight, conjugate);
  const Numbers g(arrays.grad, layer.complex_grad), bias(arrays.bias, layer.complex_bias);
  const Values one{1.0};
  const Numbers unit(one, false);
  const int64_t outputs = count_of(output_extents(layer)), samples = layer.batch();
  Sums<Sum> found(count_of(extents_of(layer, result)), is_complex(layer, result));
  const auto for_each = [&](const auto& add) {
    for_each_term(layer, [&](int64_t xi, int64_t wi, int64_t yi, int64_t n) {
      for (int64_t i = 0; i < n; ++i) add(xi + i, wi, yi + i);
    });
  };
  switch (result) {
    case Result::output:
      for_each([&](int64_t xi, int64_t wi, int64_t yi) { found.add(yi, x, xi, w, wi); });
      for (int64_t i = 0; layer.bias && i < outputs; ++i)
        found.add(i, bias, i / samples % layer.out_channels(), unit, 0);
      break;
    case Result::grad_input:
      for_each([&](int64_t xi, int64_t wi, int64_t yi) { found.add(xi, g, yi, w, wi); });
      break;
    case Result::grad_weight:
      for_each([&](int64_t xi, int64_t wi, int64_t yi) { found.add(wi, g, yi, x, xi); });
      break;
    case Result::grad_bias:
      for (int64_t i = 0; i < outputs; ++i)
        found.add(i / samples % layer.out_channels(), g, i, unit, 0);
      break;
  }
  return found;
}

// Whole numbers, exactly.
class WholeSum {
 public:
  void add(double x, double y) { sum_ += static_cast<int64_t>(x) * static_cast<int64_t>(y); }
  double value() const { return static_cast<double>(sum_); }

 private:
  int64_t sum_ = 0;
};

// As IEEE arithmetic has it.
class PlainSum {
 public:
  void add(double x, double y) { sum_ += x * y; }
  double value() const { return sum_; }

 private:
  double sum_ = 0;
};

// In more digits than doubles have, and what rounding takes away from a sum is added up apart: as
// good as exact, also for millions of terms.
class CarefulSum {
 public:
  void add(double x, double y) {
    const long double term = static_cast<long double>(x) * y, sum = sum_ + term;
    const long double added = sum - sum_;
    rest_ += (sum_ - (sum - added)) + (term - added);
    sum_ = sum;
  }
  long double exact() const { return sum_ + rest_; }
  double value() const { return static_cast<double>(exact()); }

 private:
  long double sum_ = 0, rest_ = 0;
};

}  // namespace trust
