// Blocks of exactly so many bytes, each of its own, in place of src/core/blocks.cpp: sanitizers and
// valgrind see what reaches over an end, reads what it never wrote, or keeps what it gave back.
#include "blocks.hpp"

#include <cstdlib>

namespace nnconv {

void* take_block(std::size_t bytes) noexcept {
  void* block = nullptr;
  return posix_memalign(&block, 64, bytes) == 0 ? block : nullptr;
}

void give_back(void* block) noexcept { std::free(block); }

void use_huge_pages(void*, double) {}

}  // namespace nnconv
