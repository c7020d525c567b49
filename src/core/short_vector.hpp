// A vector of plain values whose first `room` stand in itself, for lists that are nearly always
// short: such a list takes no memory of its own.
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace nnconv {

template <class T, int room>
class ShortVector {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T* data() { return is_long() ? more_.data() : few_; }
  const T* data() const { return is_long() ? more_.data() : few_; }
  T* begin() { return data(); }
  const T* begin() const { return data(); }
  T* end() { return data() + size_; }
  const T* end() const { return data() + size_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T& front() { return data()[0]; }
  T& back() { return end()[-1]; }
  const T& back() const { return end()[-1]; }

  void push_back(T value) {
    if (size_ >= room) make_room();
    data()[size_++] = value;
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }

  bool operator==(const ShortVector& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  // Once it was long its values stay there.
  bool is_long() const { return !more_.empty(); }

  void make_room() {
    if (!is_long()) more_.assign(few_, few_ + room);
    if (more_.size() == size_) more_.resize(size_ + 1);
  }

  T few_[room];
  std::vector<T> more_;
  std::size_t size_ = 0;
};

}  // namespace nnconv
