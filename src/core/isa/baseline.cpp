// The baseline: 128-bit vectors in the compiler's own vector types, on any processor. Products
// are fused with their sums only where the processor is known to do that in one instruction.
#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMA)
#define NNCONV_BASELINE_FUSED true
#else
#define NNCONV_BASELINE_FUSED false
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
  static Vector load_double(const double* p) {
    Vector x{};
    for (int i = 0; i < n; ++i) x[i] = static_cast<T>(p[i]);
    return x;
  }
  static Vector broadcast(T x) {
    Vector y{};
    for (int i = 0; i < n; ++i) y[i] = x;
    return y;
  }
  static Vector add(Vector x, Vector y) { return x + y; }
  static Vector multiply_add(Vector x, Vector y, Vector z) {
#if NNCONV_BASELINE_FUSED
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
  static constexpr bool by_fours = false;
};

typedef double DoubleVector __attribute__((vector_size(16)));
typedef float FloatVector __attribute__((vector_size(16)));
using Doubles = Portable<double, DoubleVector, 2>;
using Floats = Portable<float, FloatVector, 4>;

#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"

constexpr TileKernel<double> f64_tiles[] = {NNCONV_TILES_16(f64, Doubles, baseline)};
constexpr TileKernel<float> f32_tiles[] = {NNCONV_TILES_16(f32, Floats, baseline)};
constexpr PackKernels<double> f64_packing = {copy_lines<Doubles>, deal<Doubles>,
                                             transpose<Doubles>};
constexpr PackKernels<float> f32_packing = {copy_lines<Floats>, deal<Floats>, transpose<Floats>};

}  // namespace

extern const Isa isa_baseline;
constexpr Isa isa_baseline = {"baseline", NNCONV_BASELINE_FUSED,
                              table_of(2, f64_tiles, f64_packing),
                              table_of(4, f32_tiles, f32_packing)};

}  // namespace nnconv
