// What the loop nests share: stacks of tiles, and tiles into the result.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../contraction.hpp"
#include "../plan.hpp"
#include "../written_order.hpp"

namespace nnconv {

// Tiles that the tree over chunks has not joined yet: `depth` of them from `tiles` on.
template <class T>
void join_top(T* tiles, int64_t tile_size, int depth, int joins) {
  for (; joins > 0; --joins, --depth) {
    T* const left = tiles + (depth - 2) * tile_size;
    const T* const right = left + tile_size;
    for (int64_t i = 0; i < tile_size; ++i) left[i] += right[i];
  }
}

// The bias of `width` columns from `first_col` on as a kernel's store wants it: [vector, width].
template <class T>
void expand_bias(const Contraction& c, int64_t group, int64_t first_col, int width, int vector,
                 T* to) {
  for (int j = 0; j < width; ++j)
    for (int lane = 0; lane < vector; ++lane, ++to) {
      const bool imaginary = c.complex_result && lane % 2 == 1;
      const int64_t col = group * c.cols + first_col + j;
      if (c.bias.data == nullptr || (imaginary && !c.bias.is_complex))
        *to = T(0);
      else
        *to = static_cast<T>(c.bias.is_complex ? c.bias.data[2 * col + imaginary]
                                               : c.bias.data[col]);
    }
}

// Where the rows of a tile go, as offsets in the result of a column (-1: nowhere): whole vectors
// of rows that stay together there, and single rows.
struct TileRows {
  std::vector<int64_t> vectors, singles;

  void clear(int mv) {
    vectors.assign(mv, -1);
    singles.clear();
  }

  // From the offsets of the rows of a tile, as far as there are rows.
  void place(const std::vector<int64_t>& offsets, int vector, int mv) {
    clear(mv);
    singles = offsets;
    const int64_t whole = static_cast<int64_t>(offsets.size()) / vector;
    for (int64_t i = 0; i < whole; ++i) {
      const auto first = singles.begin() + i * vector;
      int64_t lane = 1;
      while (lane < vector && first[lane] == first[0] + lane) ++lane;
      if (lane < vector) continue;
      vectors[i] = first[0];
      std::fill(first, first + vector, -1);
    }
    if (std::all_of(singles.begin(), singles.end(), [](int64_t at) { return at < 0; }))
      singles.clear();
  }
};

// Stores a finished tile: `out` is where its first column starts in the result.
template <class T>
void store_tile(const TileKernel<T>& kernel, int vector, const T* tile, const T* bias,
                const TileRows& rows, double* out, int64_t column_step) {
  double* targets[max_tile_vectors];
  for (int i = 0; i < kernel.mv; ++i)
    targets[i] = rows.vectors[i] < 0 ? nullptr : out + rows.vectors[i];
  kernel.store(tile, bias, targets, column_step);
  const int64_t height = static_cast<int64_t>(kernel.mv) * vector;
  for (std::size_t r = 0; r < rows.singles.size(); ++r) {
    if (rows.singles[r] < 0) continue;
    for (int j = 0; j < kernel.nr; ++j)
      out[rows.singles[r] + j * column_step] =
          static_cast<double>((tile[j * height + r] + T(0)) + bias[j * vector + r % vector]);
  }
}

}  // namespace nnconv
