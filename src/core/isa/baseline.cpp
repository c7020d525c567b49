// The baseline: 128-bit vectors in the compiler's own vector types, on any processor. Products
// are fused with their sums only where the processor is known to do that in one instruction.
#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMA)
#define NNCONV_FUSED true
#else
#define NNCONV_FUSED false
#endif

namespace nnconv {
namespace {

template <class T, class V, int n>
struct Portable {
  using Scalar = T;
  using Vector = V;
  static constexpr int lanes = n;
  static Vector zero() { return Vector{}; }
  static Vector load(const T* p) {
    Vector x;
    __builtin_memcpy(&x, p, sizeof(x));
    return x;
  }
  static Vector broadcast(T x) {
    Vector y{};
    for (int i = 0; i < n; ++i) y[i] = x;
    return y;
  }
  static Vector add(Vector x, Vector y) { return x + y; }
  static Vector subtract(Vector x, Vector y) { return x - y; }
  static Vector half(Vector x) { return x * T(0.5); }
  static Vector load_double(const double* p) {
    Vector x{};
    for (int i = 0; i < n; ++i) x[i] = static_cast<T>(p[i]);
    return x;
  }
  static Vector multiply_add(Vector x, Vector y, Vector z) {
#if NNCONV_FUSED
    for (int i = 0; i < n; ++i)
      z[i] = sizeof(T) == 8 ? __builtin_fma(x[i], y[i], z[i]) : __builtin_fmaf(x[i], y[i], z[i]);
    return z;
#else
    return x * y + z;
#endif
  }
  static void store(T* p, Vector x) { __builtin_memcpy(p, &x, sizeof(x)); }
  static void store_double(double* p, Vector x) {
    for (int i = 0; i < n; ++i) p[i] = static_cast<double>(x[i]);
  }
  static void stream_double(double* p, Vector x) { store_double(p, x); }
  static constexpr bool by_fours = false;
};

typedef double DoubleVector __attribute__((vector_size(16)));
typedef float FloatVector __attribute__((vector_size(16)));
using Doubles = Portable<double, DoubleVector, 2>;
using Floats = Portable<float, FloatVector, 4>;

#include "../kernel/emit.hpp"
#include "../kernel/filter.hpp"
#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"
#include "../kernel/winograd.hpp"

NNCONV_KERNELS(f64, double, Doubles, NNCONV_TILES_16, 3, baseline)
NNCONV_KERNELS(f32, float, Floats, NNCONV_TILES_16, 3, baseline)

}  // namespace

extern const Isa isa_baseline;
constexpr Isa isa_baseline = {"baseline", NNCONV_FUSED, f64_kernels, f32_kernels};

}  // namespace nnconv
