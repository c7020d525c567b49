// NEON on 64-bit ARM: 128-bit vectors, 32 registers. Every such processor has it, so there is
// no target region to open.
#if defined(__aarch64__)
#include <arm_neon.h>

#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

#define NNCONV_FUSED true

namespace nnconv {
namespace {

struct Doubles {
  using Scalar = double;
  using Vector = float64x2_t;
  static constexpr int lanes = 2;
  static Vector zero() { return vdupq_n_f64(0); }
  static Vector load(const double* p) { return vld1q_f64(p); }
  static Vector broadcast(double x) { return vdupq_n_f64(x); }
  static Vector add(Vector x, Vector y) { return vaddq_f64(x, y); }
  static Vector subtract(Vector x, Vector y) { return vsubq_f64(x, y); }
  static Vector half(Vector x) { return vmulq_n_f64(x, 0.5); }
  static Vector load_double(const double* p) { return vld1q_f64(p); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return vfmaq_f64(z, x, y); }
  static void store(double* p, Vector x) { vst1q_f64(p, x); }
  static void store_double(double* p, Vector x) { vst1q_f64(p, x); }
  static void stream_double(double* p, Vector x) { store_double(p, x); }
  static constexpr bool by_fours = false;
};

struct Floats {
  using Scalar = float;
  using Vector = float32x4_t;
  static constexpr int lanes = 4;
  static Vector zero() { return vdupq_n_f32(0); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static Vector broadcast(float x) { return vdupq_n_f32(x); }
  static Vector add(Vector x, Vector y) { return vaddq_f32(x, y); }
  static Vector subtract(Vector x, Vector y) { return vsubq_f32(x, y); }
  static Vector load_double(const double* p) {
    return vcvt_high_f32_f64(vcvt_f32_f64(vld1q_f64(p)), vld1q_f64(p + 2));
  }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return vfmaq_f32(z, x, y); }
  static void store(float* p, Vector x) { vst1q_f32(p, x); }
  static void store_double(double* p, Vector x) {
    vst1q_f64(p, vcvt_f64_f32(vget_low_f32(x)));
    vst1q_f64(p + 2, vcvt_high_f64_f32(x));
  }
  static void stream_double(double* p, Vector x) { store_double(p, x); }
  static constexpr bool by_fours = false;
};

#include "../kernel/emit.hpp"
#include "../kernel/filter.hpp"
#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"
#include "../kernel/winograd.hpp"

NNCONV_KERNELS(f64, double, Doubles, NNCONV_TILES_32, 6, neon)
NNCONV_KERNELS(f32, float, Floats, NNCONV_TILES_32, 6, neon)

}  // namespace

extern const Isa isa_neon;
constexpr Isa isa_neon = {"neon", true, f64_kernels, f32_kernels};

}  // namespace nnconv
#endif
