// The floating-point mode of this thread, as another library may leave it.
#pragma once
#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace trust {

#if defined(__SSE2__)
// Without the flags of what happened so far.
inline std::uint64_t float_mode() { return _mm_getcsr() & ~0x3Fu; }
inline void set_float_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
constexpr std::uint64_t flushing = 0x8040;  // results and operands that are no normal numbers
#elif defined(__aarch64__)
inline std::uint64_t float_mode() {
  std::uint64_t mode;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(std::uint64_t mode) {
  __asm__ __volatile__("msr fpcr, %0" : : "r"(mode));
}
constexpr std::uint64_t flushing = 1 << 24;
#else
inline std::uint64_t float_mode() { return 0; }
inline void set_float_mode(std::uint64_t) {}
constexpr std::uint64_t flushing = 0;
#endif

// Flushes to zero for a scope. Threads that are born in it inherit the mode.
class FlushToZero {
 public:
  explicit FlushToZero(bool on = true) : before_(float_mode()) {
    if (on) set_float_mode(before_ | flushing);
  }
  ~FlushToZero() { set_float_mode(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  const std::uint64_t before_;
};

}  // namespace trust
