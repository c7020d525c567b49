// Arrays of numbers for tests: drawn, compared, and the memory that results are written to.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "harness.hpp"

namespace values {

using Values = std::vector<double>;

inline Values random_values(int64_t count, harness::Random& random) {
  Values values(count);
  for (double& value : values) value = random.between(-1000000, 1000000) / 524287.0;
  return values;
}

// Kernels [channels, taps], each an outer product of a vector for each axis.
inline Values outer_products(int64_t channels, const std::array<int64_t, 3>& kernel,
                             harness::Random& random) {
  Values products(channels * kernel[0] * kernel[1] * kernel[2], 1.0);
  int64_t apart = 1;
  for (const int64_t taps : kernel) {
    const Values factors = random_values(channels * taps, random);
    for (std::size_t i = 0; i < products.size(); ++i) {
      const int64_t channel = i % channels, tap = i / channels / apart % taps;
      products[i] *= factors[tap * channels + channel];
    }
    apart *= taps;
  }
  return products;
}

// NaNs count as alike: their payload is nobody's promise.
inline bool same_bits(double x, double y) {
  return (std::isnan(x) && std::isnan(y)) || std::memcmp(&x, &y, sizeof(double)) == 0;
}

inline bool same_bits(const Values& x, const Values& y) {
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!same_bits(x[i], y[i])) return false;
  return true;
}

// Memory of exactly so many numbers, for sanitizers to see what reaches over its end; `shift` of
// them beyond the start of a line of the cache. What a kernel leaves unwritten shows.
class Memory {
 public:
  explicit Memory(int64_t count, int64_t shift = 0) : count_(count), shift_(shift) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, (count + shift) * sizeof(double)) != 0) throw std::bad_alloc();
    memory_.reset(static_cast<double*>(memory));
    for (int64_t i = 0; i < count + shift; ++i) memory_[i] = unwritten;
  }

  double* data() { return memory_.get() + shift_; }
  Values values() { return Values(data(), data() + count_); }
  // Whether what stands before the numbers was left alone.
  bool is_intact() const {
    for (int64_t i = 0; i < shift_; ++i)
      if (memory_[i] != unwritten) return false;
    return true;
  }

 private:
  static constexpr double unwritten = -987654321.0;

  struct Free {
    void operator()(double* memory) const { std::free(memory); }
  };

  const int64_t count_, shift_;
  std::unique_ptr<double[], Free> memory_;
};

}  // namespace values
