// The machine: how many processors this process may use, and its floating-point mode.
#pragma once
#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace nnconv {

// Processors by affinity and by the control group's quota; at least 1.
int available_processors();

// Whether this process runs on as a fork of another, as far as the system tells.
bool was_forked();

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
    if (!is_standard(saved_)) _mm_setcsr(standard);
  }
  ~FloatControl() {
    if (!is_standard(saved_)) _mm_setcsr(saved_);
  }

  // Whether the mode is the default one now.
  static bool is_default() { return is_standard(_mm_getcsr()); }

 private:
  static constexpr unsigned standard = 0x1F80, flags = 0x3F;
  // But for the flags of what happened so far. Setting the mode takes longer than looking at it.
  static bool is_standard(unsigned mode) { return (mode & ~flags) == standard; }

  const unsigned saved_;
#elif defined(__aarch64__)
  FloatControl() : saved_(mode()) {
    const std::uint64_t standard = 0;
    __asm__ __volatile__("msr fpcr, %0" : : "r"(standard));
  }
  ~FloatControl() { __asm__ __volatile__("msr fpcr, %0" : : "r"(saved_)); }

  static bool is_default() { return mode() == 0; }

 private:
  static std::uint64_t mode() {
    std::uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }

  const std::uint64_t saved_;
#else
  FloatControl() {}
  ~FloatControl() {}

  static bool is_default() { return true; }
#endif
 public:
  FloatControl(const FloatControl&) = delete;
  FloatControl& operator=(const FloatControl&) = delete;
};

}  // namespace nnconv
