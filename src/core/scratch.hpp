// Working memory: aligned, uninitialised, grown on demand and given back with its owner.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>

#include "blocks.hpp"

namespace nnconv {

// Room for packed columns, which all threads share.
constexpr int64_t packed_columns_bytes = 32 << 20;

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { give_back(memory_); }

  // Room for `count` values of T, aligned to a cache line. What was there is lost when it grows.
  template <class T>
  T* get(int64_t count) {
    const std::size_t wanted = static_cast<std::size_t>(count) * sizeof(T);
    if (wanted > size_ || memory_ == nullptr) {
      give_back(memory_);
      size_ = 0;
      memory_ = take_block(wanted);
      if (memory_ == nullptr) throw std::bad_alloc();
      size_ = wanted;
    }
    return static_cast<T*>(memory_);
  }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace nnconv
