// Working memory: aligned, uninitialised, grown on demand and freed with its owner.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace nnconv {

// Asks for pages of 2 MiB where fresh memory holds whole ones: it is mapped when it is first
// written, and such a page costs little more than one of 4 KiB (dev/notes/0004-huge-pages.md).
void use_huge_pages(void* data, double bytes);

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(memory_); }

  // Room for `count` values of T, aligned to a cache line. What was there is lost when it grows.
  template <class T>
  T* get(int64_t count) {
    const std::size_t wanted = static_cast<std::size_t>(count) * sizeof(T) + line;
    if (wanted > size_) {
      std::free(memory_);
      size_ = 0;
      memory_ = std::malloc(wanted);
      if (memory_ == nullptr) throw std::bad_alloc();
      size_ = wanted;
      use_huge_pages(memory_, static_cast<double>(wanted));
    }
    const auto address = reinterpret_cast<std::uintptr_t>(memory_);
    return reinterpret_cast<T*>((address + line - 1) / line * line);
  }

 private:
  static constexpr std::size_t line = 64;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace nnconv
