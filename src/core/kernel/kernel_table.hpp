// What an instruction set offers: typed function pointers with their tile shapes. Kernels
// see pointers, extents and strides, never the problem.
#pragma once
#include <cstdint>

namespace nnconv {

// A run of terms of a sum that lie evenly in both operands: term k of it reads row vector
// a + (segment.a + k) * a_step and column values b + (segment.b + k) * nr. `merges` is -1
// where the block of the written order goes on after it; else the block ends here, and so
// many finished blocks are added to it, latest first.
struct Segment {
  int64_t a, b;
  int32_t count, merges;
};

constexpr int max_tile_vectors = 8;

// A register tile: mv row vectors by nr columns. A tile in memory is [vector * mv, nr].
template <class T>
struct TileKernel {
  int mv, nr;
  const char* name;

  // Sums all segments into the tile at `stack`, which has room for a tile for each level of
  // the tree. a: mv pointers to row vectors.
  void (*sum)(const T* const* a, int64_t a_step, const T* b, const Segment* segments,
              int64_t n_segments, T* stack);

  // out[i][lane + column * column_step] = (tile + 0) + bias, as doubles, for the mv row vectors;
  // out[i] null: that vector is not stored. bias: [vector, nr].
  void (*store)(const T* tile, const T* bias, double* const* out, int64_t column_step);
};

template <class T>
struct KernelTable {
  int vector;  // lanes of a vector
  int max_nr;  // columns of the first, widest tile
  const TileKernel<T>* tiles;
  int n_tiles;

  const TileKernel<T>* find(int mv, int nr) const {
    for (int i = 0; i < n_tiles; ++i)
      if (tiles[i].mv == mv && tiles[i].nr == nr) return &tiles[i];
    return nullptr;
  }

  // The tile height for panels of nr and of nr - 1 columns, which share packed rows: the
  // tallest, or one vector where that holds all rows.
  int mv_for(int nr, int64_t rows) const {
    if (rows <= vector) return 1;
    int best = 1;
    for (int i = 0; i < n_tiles; ++i)
      if (tiles[i].nr == nr && tiles[i].mv > best && (nr == 1 || find(tiles[i].mv, nr - 1)))
        best = tiles[i].mv;
    return best;
  }
};

template <class T, int n>
constexpr KernelTable<T> table_of(int vector, const TileKernel<T> (&tiles)[n]) {
  return {vector, tiles[0].nr, tiles, n};
}

}  // namespace nnconv
