// AVX2 with FMA: 256-bit vectors, 16 registers.
#if defined(__x86_64__) && !defined(_WIN32)
#include <immintrin.h>

#include <cstdint>

#include "isa.hpp"
#include "region.hpp"

NNCONV_TARGET_BEGIN("avx2,fma")

#define NNCONV_FUSED true

namespace nnconv {
namespace {

struct Doubles {
  using Scalar = double;
  using Vector = __m256d;
  static constexpr int lanes = 4;
  static Vector zero() { return _mm256_setzero_pd(); }
  static Vector load(const double* p) { return _mm256_loadu_pd(p); }
  static Vector broadcast(double x) { return _mm256_set1_pd(x); }
  static Vector add(Vector x, Vector y) { return _mm256_add_pd(x, y); }
  static Vector subtract(Vector x, Vector y) { return _mm256_sub_pd(x, y); }
  static Vector half(Vector x) { return _mm256_mul_pd(x, _mm256_set1_pd(0.5)); }
  static Vector load_double(const double* p) { return _mm256_loadu_pd(p); }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return _mm256_fmadd_pd(x, y, z); }
  static void store(double* p, Vector x) { _mm256_storeu_pd(p, x); }
  static void store_double(double* p, Vector x) { _mm256_storeu_pd(p, x); }
  static void stream_double(double* p, Vector x) { store_double(p, x); }
  static constexpr bool by_fours = true;
  static void transpose8(const double* from, int64_t from_step, double* to, int64_t to_step) {
    for (int f = 0; f < 8; f += 4)
      for (int s = 0; s < 8; s += 4)
        transpose4(from + f + s * from_step, from_step, to + f * to_step + s, to_step);
  }
  static void copy4(const double* from, double* to) { _mm256_storeu_pd(to, _mm256_loadu_pd(from)); }
  static void transpose4(const double* from, int64_t from_step, double* to, int64_t to_step) {
    __m256d x[4];
    NNCONV_UNROLL
    for (int i = 0; i < 4; i += 2) {
      const __m256d even = _mm256_loadu_pd(from + i * from_step);
      const __m256d odd = _mm256_loadu_pd(from + (i + 1) * from_step);
      x[i] = _mm256_unpacklo_pd(even, odd);
      x[i + 1] = _mm256_unpackhi_pd(even, odd);
    }
    NNCONV_UNROLL
    for (int i = 0; i < 2; ++i) {
      _mm256_storeu_pd(to + i * to_step, _mm256_permute2f128_pd(x[i], x[i + 2], 0x20));
      _mm256_storeu_pd(to + (i + 2) * to_step, _mm256_permute2f128_pd(x[i], x[i + 2], 0x31));
    }
  }
};

struct Floats {
  using Scalar = float;
  using Vector = __m256;
  static constexpr int lanes = 8;
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector broadcast(float x) { return _mm256_set1_ps(x); }
  static Vector add(Vector x, Vector y) { return _mm256_add_ps(x, y); }
  static Vector subtract(Vector x, Vector y) { return _mm256_sub_ps(x, y); }
  static Vector load_double(const double* p) {
    return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(p + 4)),
                           _mm256_cvtpd_ps(_mm256_loadu_pd(p)));
  }
  static Vector multiply_add(Vector x, Vector y, Vector z) { return _mm256_fmadd_ps(x, y, z); }
  static void store(float* p, Vector x) { _mm256_storeu_ps(p, x); }
  static void store_double(double* p, Vector x) {
    _mm256_storeu_pd(p, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
    _mm256_storeu_pd(p + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
  }
  static void stream_double(double* p, Vector x) { store_double(p, x); }
  static constexpr bool by_fours = true;
  static void transpose8(const double* from, int64_t from_step, float* to, int64_t to_step) {
    __m256 x[8], y[8];
    NNCONV_UNROLL
    for (int i = 0; i < 8; ++i) x[i] = load_double(from + i * from_step);
    NNCONV_UNROLL
    for (int i = 0; i < 8; i += 2) {
      y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
      y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    NNCONV_UNROLL
    for (int i = 0; i < 8; i += 4) {
      x[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44);
      x[i + 1] = _mm256_shuffle_ps(y[i], y[i + 2], 0xee);
      x[i + 2] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0x44);
      x[i + 3] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0xee);
    }
    NNCONV_UNROLL
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_ps(to + i * to_step, _mm256_permute2f128_ps(x[i], x[i + 4], 0x20));
      _mm256_storeu_ps(to + (i + 4) * to_step, _mm256_permute2f128_ps(x[i], x[i + 4], 0x31));
    }
  }
  static void copy4(const double* from, float* to) {
    _mm_storeu_ps(to, _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
  }
  static void transpose4(const double* from, int64_t from_step, float* to, int64_t to_step) {
    __m128 x[4];
    NNCONV_UNROLL
    for (int i = 0; i < 4; ++i) x[i] = _mm256_cvtpd_ps(_mm256_loadu_pd(from + i * from_step));
    _MM_TRANSPOSE4_PS(x[0], x[1], x[2], x[3]);
    NNCONV_UNROLL
    for (int i = 0; i < 4; ++i) _mm_storeu_ps(to + i * to_step, x[i]);
  }
};

#include "../kernel/emit.hpp"
#include "../kernel/filter.hpp"
#include "../kernel/pack.hpp"
#include "../kernel/tile.hpp"
#include "../kernel/winograd.hpp"

}  // namespace
}  // namespace nnconv

NNCONV_TARGET_END

namespace nnconv {

NNCONV_KERNELS(f64, double, Doubles, NNCONV_TILES_16, 3, avx2)
NNCONV_KERNELS(f32, float, Floats, NNCONV_TILES_16, 3, avx2)

extern const Isa isa_avx2;
constexpr Isa isa_avx2 = {"avx2", true, f64_kernels, f32_kernels};

}  // namespace nnconv
#endif
