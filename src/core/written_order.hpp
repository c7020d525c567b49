// The order of summation, which belongs to the problem and not to a kernel. The terms of a sum
// have an index; terms whose index / 64 is the same are a block and are added up one after the
// other from 0; the sums of blocks are added as a binary tree over the block numbers says,
// where a block without terms is no node. So any kernel, vector width and number of threads
// gives the same bits.
#pragma once
#include <cstdint>

#include "kernel/kernel_table.hpp"
#include "short_vector.hpp"

namespace nnconv {

constexpr int64_t block_terms = 64;

// Where the terms (output pixel, sample) of a weight's gradient stand. They are dealt to lanes that
// are summed apart, at most 16, so that a vector can sum along what stands side by side in memory:
// lanes are samples, or, where a pixel of few channels and samples fills no vector, neighbouring
// pixels of a line. A lane's terms, blocks of 64 of them, come in steps; the blocks of all lanes of
// the same 64 steps are neighbours in the tree, which joins first the lanes that are 8 apart, then
// 4, 2 and 1.
struct GradientOrder {
  static constexpr int64_t most_lanes = 16, few = 8;

  bool by_pixel;
  int64_t lanes;
  int64_t rounds;  // samples are taken so many after so many: for each line of pixels, all rounds
  int64_t line_steps, lines;

  // `rows`: of a group of the output's channels, in real numbers.
  GradientOrder(int64_t samples, int64_t rows, int64_t groups, const int64_t* out)
      : by_pixel(false), lanes(1), rounds(0), line_steps(out[0]), lines(out[1] * out[2]) {
    if (samples == 0) return;
    rounds = (samples - 1) / most_lanes + 1;
    lanes = (samples - 1) / rounds + 1;
    by_pixel = rows < few && lanes * groups < few;
    if (!by_pixel) return;
    lanes = most_lanes;
    rounds = samples;
    line_steps = (out[0] - 1) / lanes + 1;
  }

  int64_t steps() const { return rounds * lines * line_steps; }
  int64_t step(int64_t round, int64_t line, int64_t step_of_line) const {
    return (line * rounds + round) * line_steps + step_of_line;
  }

  // The index of term `term` of a lane.
  static int64_t index(int64_t term, int64_t lane) {
    const int64_t reversed = (lane & 1) << 3 | (lane & 2) << 1 | (lane & 4) >> 1 | (lane & 8) >> 3;
    return (term / block_terms * most_lanes + reversed) * block_terms + term % block_terms;
  }

  // The index of the term of sample n and output pixel i of a line; `part` of `pairing` terms.
  int64_t index(int64_t n, int64_t line, int64_t i, int64_t pairing, int64_t part) const {
    const int64_t at = by_pixel ? step(n, line, i / lanes) : step(n / lanes, line, i);
    return index(at * pairing + part, (by_pixel ? i : n) % lanes);
  }
};

// Says which neighbours of a stack of sums the tree joins. Works for blocks and, as the tree is
// binary, for aligned runs of 2^m blocks alike.
class SumTree {
 public:
  void clear() { numbers_.clear(); }
  void push(int64_t number) { numbers_.push_back(number); }
  int depth() const { return static_cast<int>(numbers_.size()); }

  // How many joins of the two topmost sums are due before sum `next` comes; they are taken
  // as done.
  int joins_before(int64_t next) {
    int joins = 0;
    while (depth() >= 2 && below(numbers_[depth() - 2], numbers_[depth() - 1], next)) {
      numbers_[depth() - 2] = numbers_.back();
      numbers_.pop_back();
      ++joins;
    }
    return joins;
  }

  // Likewise when no sum comes any more.
  int joins_at_end() {
    const int joins = depth() - 1;
    for (; depth() > 1; numbers_.pop_back()) numbers_[depth() - 2] = numbers_.back();
    return joins;
  }

 private:
  // Whether the subtree that joins i and j does not reach up to `next` (i < j < next).
  static bool below(int64_t i, int64_t j, int64_t next) { return (i ^ j) < (j ^ next); }

  ShortVector<int64_t, 8> numbers_;
};

// The terms of one sum, or of an aligned part of it, as segments for a kernel.
class TermList {
 public:
  using Segments = ShortVector<Segment, 8>;

  void clear() {
    segments_.clear();
    tree_.clear();
    max_depth_ = 0;
    has_no_terms_ = true;
  }

  // Terms with the indices index, index + 1, ..., all in one block, at a and b (see Segment).
  void add(int64_t index, int64_t a, int64_t b, int64_t count) {
    const int64_t block = index / block_terms;
    has_no_terms_ = false;
    if (!segments_.empty()) {
      Segment& last = segments_.back();
      if (block != block_) {
        tree_.push(block_);
        note_depth();
        last.merges = tree_.joins_before(block);
      } else if (a == last.a + last.count && b == last.b + last.count) {
        last.count += static_cast<int32_t>(count);
        return;
      }
    }
    block_ = block;
    segments_.push_back({a, b, static_cast<int32_t>(count), -1});
  }

  // Ends the last block: after this the kernel's sum is one tile, of zeros where there are no
  // terms.
  void finish() {
    if (segments_.empty()) segments_.push_back({0, 0, 0, -1});
    tree_.push(block_);
    note_depth();
    segments_.back().merges = tree_.joins_at_end();
  }

  bool empty() const { return has_no_terms_; }
  const Segments& segments() const { return segments_; }

  // Tiles that a kernel's stack needs.
  int max_depth() const { return max_depth_; }

 private:
  void note_depth() {
    if (tree_.depth() > max_depth_) max_depth_ = tree_.depth();
  }

  Segments segments_;
  SumTree tree_;
  int64_t block_ = 0;
  int max_depth_ = 0;
  bool has_no_terms_ = true;
};

// Calls piece(offset, count) for the parts into which blocks cut `count` terms from `index` on.
template <class Piece>
void cut_at_blocks(int64_t index, int64_t count, const Piece& piece) {
  for (int64_t done = 0; done < count;) {
    const int64_t room = block_terms - (index + done) % block_terms;
    const int64_t part = count - done < room ? count - done : room;
    piece(done, part);
    done += part;
  }
}

}  // namespace nnconv
