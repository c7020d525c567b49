// Large blocks of memory that are used again: fresh memory is mapped and cleared page by page when
// it is first written, which takes as long as the sums of many layers
// (dev/notes/0004-huge-pages.md). Results and scratch come from here; what is given back waits, up
// to a limit, for the next call.
#pragma once
#include <cstddef>

namespace nnconv {

// Blocks of fewer bytes, or more, are not worth keeping.
constexpr std::size_t least_block_bytes = 16 << 10, most_block_bytes = 64 << 20;

// Room for so many bytes, aligned to a cache line and uninitialised; null where there is no memory.
void* take_block(std::size_t bytes) noexcept;

void give_back(void* block) noexcept;

// Asks for pages of 2 MiB where fresh memory holds whole ones.
void use_huge_pages(void* data, double bytes);

}  // namespace nnconv
