// Parallel regions of the core, counted where the compiler's own OpenMP is GCC's: the linker puts
// these counters before the library's entry (dev/core.mk).
#pragma once

namespace trust {

#if defined(_OPENMP) && !defined(__clang__)
constexpr bool counts_regions = true;
#else
constexpr bool counts_regions = false;
#endif

// The threads of the largest region since this was last asked; 1 where there was none.
int threads_of_last_call();

}  // namespace trust
