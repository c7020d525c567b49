// NEON on 64-bit ARM: 128-bit vectors, 32 registers. Every such processor has it, so there is
// no target region to open.
#if defined(__aarch64__)
#include <arm_neon.h>

#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

namespace nnconv {
namespace {

struct Doubles {
  using Scalar = double;
  using Vector = float64x2_t;
  static constexpr int lanes = 2;
  static Vector zero() { return vdupq_n_f64(0); }
  static Vector load(const double* p) { return vld1q_f64(p); }
  static Vector load_double(const double* p) { return load(p); }
  static Vector broadcast(double x) { return vdupq_n_f64(x); }
  static Vector add(Vector x, Vector y) { return vaddq_f64(x, y); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return vfmaq_f64(z, x, y); }
  static void store(double* p, Vector x) { vst1q_f64(p, x); }
  static void store_double(double* p, Vector x) { vst1q_f64(p, x); }
  static constexpr bool by_fours = false;
};

struct Floats {
  using Scalar = float;
  using Vector = float32x4_t;
  static constexpr int lanes = 4;
  static Vector zero() { return vdupq_n_f32(0); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static Vector load_double(const double* p) {
    return vcvt_high_f32_f64(vcvt_f32_f64(vld1q_f64(p)), vld1q_f64(p + 2));
  }
  static Vector broadcast(float x) { return vdupq_n_f32(x); }
  static Vector add(Vector x, Vector y) { return vaddq_f32(x, y); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return vfmaq_f32(z, x, y); }
  static void store(float* p, Vector x) { vst1q_f32(p, x); }
  static void store_double(double* p, Vector x) {
    vst1q_f64(p, vcvt_f64_f32(vget_low_f32(x)));
    vst1q_f64(p + 2, vcvt_high_f64_f32(x));
  }
  static constexpr bool by_fours = false;
};

#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"

constexpr TileKernel<double> f64_tiles[] = {NNCONV_TILES_32(f64, Doubles, neon)};
constexpr TileKernel<float> f32_tiles[] = {NNCONV_TILES_32(f32, Floats, neon)};
constexpr PackKernels<double> f64_packing = {copy_lines<Doubles>, deal<Doubles>,
                                             transpose<Doubles>};
constexpr PackKernels<float> f32_packing = {copy_lines<Floats>, deal<Floats>, transpose<Floats>};

}  // namespace

extern const Isa isa_neon;
constexpr Isa isa_neon = {"neon", true, table_of(2, f64_tiles, f64_packing),
                          table_of(4, f32_tiles, f32_packing)};

}  // namespace nnconv
#endif
