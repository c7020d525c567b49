// The terms of a gathered position as chunks for kernels.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../written_order.hpp"
#include "pack.hpp"

namespace nnconv {

// An aligned part of the terms of a class: what a kernel sums, and what is packed for it.
struct Chunk {
  int64_t number = 0;
  int64_t packed_terms = 0;
  TermList terms;
  std::vector<Piece> pieces;

  void clear() {
    number = packed_terms = 0;
    terms.clear();
    pieces.clear();
  }
};

// The terms of one class of positions, in the written order.
class ChunkList {
 public:
  // `chunk_terms`: 2^m blocks, so that the tree over chunks is the tree over blocks.
  void start(int64_t chunk_terms) {
    chunk_terms_ = chunk_end_ = chunk_terms;
    chunks_.resize(1);
    chunks_.front().clear();
  }

  // Calls add(chunk, term, part) for the parts into which blocks cut `count` terms from `index` on,
  // which rises from call to call.
  template <class Add>
  void add(int64_t index, int64_t count, const Add& add_part) {
    cut_at_blocks(index, count, [&](int64_t term, int64_t part) {
      if (index + term >= chunk_end_) go_on_at(index + term);
      add_part(chunks_.back(), term, part);
      chunks_.back().packed_terms += part;
    });
  }

  void finish() {
    kernel_depth_ = 1;
    largest_ = 0;
    for (Chunk& chunk : chunks_) {
      chunk.terms.finish();
      kernel_depth_ = std::max(kernel_depth_, chunk.terms.max_depth());
      largest_ = std::max(largest_, chunk.packed_terms);
    }
  }

  const std::vector<Chunk>& chunks() const { return chunks_; }
  bool several() const { return chunks_.size() > 1; }
  int64_t largest() const { return largest_; }        // terms of the largest chunk
  int kernel_depth() const { return kernel_depth_; }  // tiles of a kernel's stack

 private:
  void go_on_at(int64_t index) {
    if (!chunks_.back().terms.empty()) chunks_.emplace_back();
    chunks_.back().number = index / chunk_terms_;
    chunk_end_ = (chunks_.back().number + 1) * chunk_terms_;
  }

  std::vector<Chunk> chunks_;
  int64_t chunk_terms_ = block_terms, chunk_end_ = block_terms, largest_ = 0;
  int kernel_depth_ = 0;
};

}  // namespace nnconv
