// What the loop nests share: stacks of tiles, and tiles into the result.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../contraction.hpp"
#include "../plan.hpp"
#include "../written_order.hpp"

namespace nnconv {

struct Range {
  int64_t first, count;
  int64_t end() const { return first + count; }
};

// What the tree over chunks says of the next one: how many sums stand on a stack, how many joins
// come before the chunk's own sum is put there, and how many after it.
struct TreeStep {
  int depth = 0, joins_before = 0, joins_after = 0;
  bool is_last = false;

  TreeStep() = default;

  TreeStep(SumTree& tree, int64_t chunk, bool is_last)
      : depth(tree.depth()), joins_before(tree.joins_before(chunk)), is_last(is_last) {
    tree.push(chunk);
    if (is_last) joins_after = tree.joins_at_end();
  }
};

// Sums on a stack of tiles that chunks can leave unjoined: a tree over as many chunks as there can
// be is not deeper.
constexpr int max_chunk_depth = 48;

// Joins the two topmost of `depth` sums, so many times.
template <class T>
void join_top(T* stack, int64_t tile_size, int depth, int joins) {
  for (; joins > 0; --joins, --depth) {
    T* const left = stack + (depth - 2) * tile_size;
    const T* const right = left + tile_size;
    for (int64_t i = 0; i < tile_size; ++i) left[i] += right[i];
  }
}

// Puts the sum of one chunk's terms on the stack of a tile.
template <class T>
void add_to_stack(const TileKernel<T>& kernel, int vector, const TreeStep& step,
                  const T* const* vectors, int64_t a_step, const T* b, const TermList& terms,
                  T* stack) {
  const int64_t size = static_cast<int64_t>(kernel.mv) * vector * kernel.nr;
  const int depth = step.depth - step.joins_before;
  join_top(stack, size, step.depth, step.joins_before);
  kernel.sum(vectors, a_step, b, terms.segments().data(),
             static_cast<int64_t>(terms.segments().size()), stack + depth * size);
  join_top(stack, size, depth + 1, step.joins_after);
}

// The bias that a real row of a channel gets.
template <class T>
T bias_of(const Contraction& c, int64_t channel, int64_t row) {
  const bool imaginary = c.complex_result && row % 2 == 1;
  if (c.bias.data == nullptr || (imaginary && !c.bias.is_complex)) return T(0);
  return static_cast<T>(c.bias.is_complex ? c.bias.data[2 * channel + imaginary]
                                          : c.bias.data[channel]);
}

// The bias of `width` channels from `first` on as a kernel's store wants it: [vector, width].
template <class T>
void expand_bias(const Contraction& c, int64_t first, int width, int vector, T* to) {
  for (int j = 0; j < width; ++j)
    for (int lane = 0; lane < vector; ++lane) *to++ = bias_of<T>(c, first + j, lane);
}

// Where the rows of a tile go, as offsets in the result of a column (-1: nowhere): whole vectors
// of rows that stay together there, and single rows.
struct TileRows {
  std::vector<int64_t> vectors, singles;

  void clear(int mv) {
    vectors.assign(mv, -1);
    singles.clear();
  }

  // Row `lane` of vector i goes to `offset`.
  void place_single(int64_t i, int64_t lane, int64_t offset, int vector) {
    if (singles.empty()) singles.assign(vectors.size() * vector, -1);
    singles[i * vector + lane] = offset;
  }

  // From the offsets of the rows of a tile, as far as there are rows.
  void place(const std::vector<int64_t>& offsets, int vector, int mv) {
    clear(mv);
    const int64_t rows = static_cast<int64_t>(offsets.size());
    for (int64_t i = 0; i * vector < rows; ++i) {
      const int64_t* const first = offsets.data() + i * vector;
      const int64_t lanes = std::min<int64_t>(vector, rows - i * vector);
      int64_t lane = 1;
      while (lane < lanes && first[lane] == first[0] + lane) ++lane;
      if (lane == vector) {
        vectors[i] = first[0];
        continue;
      }
      for (lane = 0; lane < lanes; ++lane) place_single(i, lane, first[lane], vector);
    }
  }
};

// Stores a finished tile: `out` is where its first column starts in the result.
template <class T>
void store_tile(const TileKernel<T>& kernel, int vector, const T* tile, const T* bias,
                const TileRows& rows, double* out, int64_t column_step, bool streams) {
  double* targets[max_tile_vectors];
  for (int i = 0; i < kernel.mv; ++i)
    targets[i] = rows.vectors[i] < 0 ? nullptr : out + rows.vectors[i];
  kernel.store_rows(tile, bias, targets, column_step, streams);
  const int64_t height = static_cast<int64_t>(kernel.mv) * vector;
  for (std::size_t r = 0; r < rows.singles.size(); ++r) {
    if (rows.singles[r] < 0) continue;
    for (int j = 0; j < kernel.nr; ++j)
      out[rows.singles[r] + j * column_step] =
          static_cast<double>((tile[j * height + r] + T(0)) + bias[j * vector + r % vector]);
  }
}

// Calls visit(element of the result, row of the tile, column) for what a tile stores.
template <class Visit>
void for_each_stored(const TileRows& rows, int vector, int64_t columns, double* out,
                     int64_t column_step, const Visit& visit) {
  const int64_t height = static_cast<int64_t>(rows.vectors.size()) * vector;
  for (int64_t r = 0; r < height; ++r) {
    int64_t offset = rows.vectors[r / vector];
    if (offset >= 0)
      offset += r % vector;
    else
      offset = rows.singles.empty() ? -1 : rows.singles[r];
    for (int64_t j = 0; offset >= 0 && j < columns; ++j) visit(out[offset + j * column_step], r, j);
  }
}

}  // namespace nnconv
