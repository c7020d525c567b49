// The machine: how many processors this process may use, and its floating-point mode.
#pragma once
#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace nnconv {

// Processors by affinity and by the control group's quota; at least 1.
int available_processors();

// The size of the third cache, as far as this processor shares it; 0 where it is not known.
int64_t last_cache_bytes();

// Stores past the caches before this come before what other threads see after it.
inline void finish_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// The default floating-point mode (no flush to zero, round to nearest) for a scope. Threads
// inherit the mode in which they are born, and another library may have changed it.
class FloatControl {
 public:
#if defined(__SSE2__)
  FloatControl() : saved_(_mm_getcsr()) {
    if (!is_standard()) _mm_setcsr(standard);
  }
  ~FloatControl() {
    if (!is_standard()) _mm_setcsr(saved_);
  }

 private:
  static constexpr unsigned standard = 0x1F80, flags = 0x3F;
  // But for the flags of what happened so far. Setting the mode takes longer than looking at it.
  bool is_standard() const { return (saved_ & ~flags) == standard; }

  const unsigned saved_;
#elif defined(__aarch64__)
  FloatControl() {
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(saved_));
    const std::uint64_t standard = 0;
    __asm__ __volatile__("msr fpcr, %0" : : "r"(standard));
  }
  ~FloatControl() { __asm__ __volatile__("msr fpcr, %0" : : "r"(saved_)); }

 private:
  std::uint64_t saved_;
#else
  FloatControl() {}
  ~FloatControl() {}
#endif
 public:
  FloatControl(const FloatControl&) = delete;
  FloatControl& operator=(const FloatControl&) = delete;
};

}  // namespace nnconv
