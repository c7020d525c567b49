#include "regions.hpp"

#include <algorithm>
#include <atomic>

namespace trust {

namespace {
std::atomic<int> largest{1};
}

int threads_of_last_call() { return largest.exchange(1); }

#if defined(_OPENMP) && !defined(__clang__)
extern "C" {
void __real_GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);

void __wrap_GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags) {
  largest = std::max(largest.load(), static_cast<int>(threads));
  __real_GOMP_parallel(body, data, threads, flags);
}
}
#endif

}  // namespace trust
