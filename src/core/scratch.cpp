#include "scratch.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nnconv {

#ifdef MADV_HUGEPAGE
void use_huge_pages(void* data, double bytes) {
  constexpr std::uintptr_t page = 2 << 20;
  const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const std::uintptr_t end =
      (reinterpret_cast<std::uintptr_t>(data) + static_cast<std::uintptr_t>(bytes)) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}
#else
void use_huge_pages(void*, double) {}
#endif

}  // namespace nnconv
