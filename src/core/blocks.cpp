#include "blocks.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace nnconv {

namespace {

constexpr std::size_t line = 64;
constexpr std::size_t huge_page = 2 << 20;

// Blocks have one of eight sizes between a power of two and the next.
constexpr int sizes_per_octave = 8;
constexpr int octaves = 12;
static_assert(most_block_bytes == least_block_bytes << octaves, "sizes up to the largest block");

// The head of a block, in the cache line before what the caller gets.
struct Block {
  void* memory;        // as the system gave it
  std::size_t mapped;  // bytes of it, where it is a mapping of its own; else 0
  std::size_t bytes;
  int size;  // which of the sizes; -1: not kept
  uint64_t returned;
  Block *newer, *older;  // idle ones of this size
};
static_assert(sizeof(Block) <= line, "the head of a block fits the line before it");

// The smallest size that holds so many bytes, and how many it has.
int size_for(std::size_t bytes, std::size_t& room) {
  std::size_t octave = least_block_bytes;
  for (int i = 0; i < octaves; ++i, octave *= 2) {
    if (bytes > 2 * octave) continue;
    const std::size_t step = octave / sizes_per_octave;
    const std::size_t steps = bytes <= octave ? 0 : (bytes - octave + step - 1) / step;
    room = octave + steps * step;
    return i * sizes_per_octave + static_cast<int>(steps);
  }
  return -1;
}

// Bytes that may wait for the next call: a small part of the machine's memory.
std::size_t most_idle() {
  std::size_t part = 0;
#if defined(__linux__)
  part = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) / 32 *
         static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#endif
  return std::min<std::size_t>(std::max<std::size_t>(part, 128 << 20), 512 << 20);
}

// Blocks that wait, by size; each list from the one that was returned last to the first.
class IdleBlocks {
 public:
  Block* take(int size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Block* const block = newest_[size];
    if (block != nullptr) remove(block);
    return block;
  }

  // Those that waited longest make room; they are returned as a list, linked by `older`.
  Block* put(Block* block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    block->returned = ++clock_;
    block->newer = nullptr;
    block->older = newest_[block->size];
    (block->older != nullptr ? block->older->newer : oldest_[block->size]) = block;
    newest_[block->size] = block;
    bytes_ += block->bytes;
    return shrink_to(limit_);
  }

  Block* take_all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return shrink_to(0);
  }

 private:
  static constexpr int sizes = octaves * sizes_per_octave + 1;

  void remove(Block* block) {
    (block->newer != nullptr ? block->newer->older : newest_[block->size]) = block->older;
    (block->older != nullptr ? block->older->newer : oldest_[block->size]) = block->newer;
    bytes_ -= block->bytes;
  }

  Block* shrink_to(std::size_t bytes) {
    Block* removed = nullptr;
    while (bytes_ > bytes) {
      Block* first = nullptr;
      for (Block* const block : oldest_)
        if (block != nullptr && (first == nullptr || block->returned < first->returned))
          first = block;
      remove(first);
      first->older = removed;
      removed = first;
    }
    return removed;
  }

  const std::size_t limit_ = most_idle();
  std::mutex mutex_;
  Block *newest_[sizes] = {}, *oldest_[sizes] = {};
  std::size_t bytes_ = 0;
  uint64_t clock_ = 0;
};

// Never destroyed, as R's vectors may be freed after static objects; in memory that cannot fail.
IdleBlocks& idle_blocks() {
  alignas(IdleBlocks) static unsigned char place[sizeof(IdleBlocks)];
  static IdleBlocks* const blocks = new (place) IdleBlocks;
  return *blocks;
}

std::uintptr_t round_up(std::uintptr_t x, std::uintptr_t to) { return (x + to - 1) / to * to; }

void release(Block* block) {
#if defined(MADV_HUGEPAGE)
  if (block->mapped > 0) {
    munmap(block->memory, block->mapped);
    return;
  }
#endif
  std::free(block->memory);
}

void release_all(Block* blocks) {
  while (blocks != nullptr) {
    Block* const next = blocks->older;
    release(blocks);
    blocks = next;
  }
}

// A fresh block with room for so many bytes; null where there is no memory. A large one starts with
// a page of 2 MiB.
Block* fresh_block(std::size_t room) {
  Block head{};
  head.bytes = room;
  std::size_t whole = room + 2 * line;
  if (whole < room) return nullptr;
#if defined(MADV_HUGEPAGE)
  if (room >= huge_page) {
    head.mapped = round_up(whole, huge_page) + huge_page;
    head.memory =
        mmap(nullptr, head.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (head.memory == MAP_FAILED) return nullptr;
    const std::uintptr_t first = round_up(reinterpret_cast<std::uintptr_t>(head.memory), huge_page);
    madvise(reinterpret_cast<void*>(first), whole / huge_page * huge_page, MADV_HUGEPAGE);
    Block* const block = reinterpret_cast<Block*>(first);
    *block = head;
    return block;
  }
#endif
  head.memory = std::malloc(whole);
  if (head.memory == nullptr) return nullptr;
  Block* const block =
      reinterpret_cast<Block*>(round_up(reinterpret_cast<std::uintptr_t>(head.memory), line));
  *block = head;
  return block;
}

}  // namespace

#if defined(MADV_HUGEPAGE)
void use_huge_pages(void* data, double bytes) {
  const std::uintptr_t from = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = round_up(from, huge_page);
  const std::uintptr_t end = (from + static_cast<std::uintptr_t>(bytes)) / huge_page * huge_page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}
#else
void use_huge_pages(void*, double) {}
#endif

void* take_block(std::size_t bytes) noexcept {
  std::size_t room = bytes;
  const int size =
      bytes < least_block_bytes || bytes > most_block_bytes ? -1 : size_for(bytes, room);
  Block* block = size < 0 ? nullptr : idle_blocks().take(size);
  if (block == nullptr) block = fresh_block(room);
  if (block == nullptr) {
    release_all(idle_blocks().take_all());
    block = fresh_block(room);
  }
  if (block == nullptr) return nullptr;
  block->size = size;
  return reinterpret_cast<char*>(block) + line;
}

void give_back(void* data) noexcept {
  if (data == nullptr) return;
  Block* const block = reinterpret_cast<Block*>(static_cast<char*>(data) - line);
  if (block->size < 0) return release(block);
  release_all(idle_blocks().put(block));
}

}  // namespace nnconv
