// AVX-512: 512-bit vectors, 32 registers.
#if defined(__x86_64__) && !defined(_WIN32)
#include <immintrin.h>

#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

NNCONV_TARGET_BEGIN("avx512f,avx512dq,avx2,fma")

namespace nnconv {
namespace {

struct Doubles {
  using Scalar = double;
  using Vector = __m512d;
  static constexpr int lanes = 8;
  static Vector zero() { return _mm512_setzero_pd(); }
  static Vector load(const double* p) { return _mm512_loadu_pd(p); }
  static Vector load_double(const double* p) { return load(p); }
  static Vector broadcast(double x) { return _mm512_set1_pd(x); }
  static Vector add(Vector x, Vector y) { return _mm512_add_pd(x, y); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return _mm512_fmadd_pd(x, y, z); }
  static void store(double* p, Vector x) { _mm512_storeu_pd(p, x); }
  static void store_double(double* p, Vector x) { _mm512_storeu_pd(p, x); }
};

struct Floats {
  using Scalar = float;
  using Vector = __m512;
  static constexpr int lanes = 16;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load_double(const double* p) {
    const __m256 low = _mm512_maskz_cvtpd_ps(0xff, _mm512_loadu_pd(p));
    const __m256 high = _mm512_maskz_cvtpd_ps(0xff, _mm512_loadu_pd(p + 8));
    return _mm512_maskz_insertf32x8(0xffff, _mm512_castps256_ps512(low), high, 1);
  }
  static Vector broadcast(float x) { return _mm512_set1_ps(x); }
  static Vector add(Vector x, Vector y) { return _mm512_add_ps(x, y); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return _mm512_fmadd_ps(x, y, z); }
  static void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
  static void store_double(double* p, Vector x) {
    const __m256 high = _mm512_maskz_extractf32x8_ps(0xff, x, 1);
    _mm512_storeu_pd(p, _mm512_maskz_cvtps_pd(0xff, _mm512_castps512_ps256(x)));
    _mm512_storeu_pd(p + 8, _mm512_maskz_cvtps_pd(0xff, high));
  }
};

#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"

}  // namespace
}  // namespace nnconv

NNCONV_TARGET_END

namespace nnconv {

static constexpr TileKernel<double> f64_tiles[] = {NNCONV_TILES_32(f64, Doubles, avx512)};
static constexpr TileKernel<float> f32_tiles[] = {NNCONV_TILES_32(f32, Floats, avx512)};
static constexpr PackKernels<double> f64_packing = {copy_lines<Doubles>, transpose<Doubles>};
static constexpr PackKernels<float> f32_packing = {copy_lines<Floats>, transpose<Floats>};

extern const Isa isa_avx512;
constexpr Isa isa_avx512 = {"avx512", true, table_of(8, f64_tiles, f64_packing),
                            table_of(16, f32_tiles, f32_packing)};

}  // namespace nnconv
#endif
