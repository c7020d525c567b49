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

constexpr int max_tile_vectors = 8, max_tile_columns = 8;

// Tiles of lines have from so many columns to those of the widest one: any line that is as long is
// cut into such.
constexpr int least_line_columns = 4;

// A register tile: mv vectors by nr columns, [vector * mv, nr] in memory. One operand is read
// where it stands, at mv or nr places `at`; the other is packed into a panel. Term k of a segment
// reads at[.][(segment.a + k) * step] and
//
//   rows      mv vectors of rows in place      panel [nr, terms]           nr numbers
//   channels  nr numbers in place              panel [vector * mv, terms]  mv vectors of channels
//   lanes     nr times mv vectors in place     panel [vector * mv, terms]  mv vectors, by lane
//   lines     the same, of columns a step apart: only the first place is given
enum class TileKind { rows, channels, lanes, lines };

template <class T>
struct TileKernel {
  TileKind kind;
  int mv, nr;
  const char* name;

  // Sums all segments into the tile at `stack`, which has room for a tile for each level of
  // the tree.
  void (*sum)(const T* const* at, int64_t step, const T* panel, const Segment* segments,
              int64_t n_segments, T* stack);

  // (tile + 0) + bias, as doubles.
  // rows: vector i of column j goes to out[i] + j * column_step; bias: [vector, nr].
  void (*store_rows)(const T* tile, const T* bias, double* const* out, int64_t column_step,
                     bool streams);
  // channels, lanes: rows [first, end) of column j go to out[j][row * lane_step]; bias:
  // [vector * mv]. In both, what goes to a null `out` is not stored, and what `streams` goes past
  // the caches.
  void (*store_columns)(const T* tile, const T* bias, double* const* out, int64_t first,
                        int64_t end, int64_t lane_step, bool streams);
};

// Transforms of Winograd's F(makes, 3) along one dimension or two (kernel/winograd.hpp).
template <class T>
struct WinogradKernels {
  int reads, makes;
  const char* name;
  void (*weights[2])(const double* taps, int64_t count, double* to);
  void (*input[2])(const double* const* pixels, int64_t count, T* to, int64_t plane);
  bool (*output[2])(T* sums, int64_t plane, int64_t count);
};

constexpr int filter_columns = 4;

// A run of terms of a filter: the columns first to last have these terms. At its end the blocks of
// the columns in `ends` (a bit each) are complete: merges[j] finished ones are added to column j's,
// latest first. What is `kept` is then the column's sum, the rest goes on its stack.
struct FilterRun {
  int32_t count;
  uint8_t first, last, ends, kept;
  int8_t merges[filter_columns];
};

// What a tile of a filter sums: term k reads offsets[k] beyond where its vectors stand, and
// factors[filter_columns * k + j] of column j.
template <class T>
struct FilterSum {
  const FilterRun* runs;
  int64_t n_runs;
  const int32_t* offsets;
  const T* factors;
  const T* bias;                // of each column
  const int64_t* column_steps;  // from the first column to each in the result
  int columns;                  // how many are stored
  bool streams;                 // past the caches
};

template <class T>
struct FilterKernel {
  int mv;
  const char* name;

  // (sum + 0) + bias of vector i, column j goes to out[i] + column_steps[j] as doubles, or, where
  // out[i] is null, into `tile` [vector * mv, filter_columns]. `stack` has room for a tile for each
  // level of the tree.
  void (*sum)(const T* const* at, const FilterSum<T>& sum, T* stack, double* const* out, T* tile);

  // Values of a vector whose rows part in the result: `samples` rows (at most 4, a divisor of the
  // vector), then the next position, `position_step` further. `tile` is where column 0 of the
  // vector is.
  void (*store_parts)(const T* tile, int64_t samples, int64_t position_step, int columns,
                      const int64_t* column_steps, double* out);
};

// Lanes in units of `height`, unit_pitch apart: `runs` times so many `lanes`, of which the first
// `run` stand together, run_step after those before them; the others are zeros.
struct LaneRuns {
  int64_t runs, run_step, run, lanes, height, unit_pitch;
};

// Copies from arrays of doubles into panels.
template <class T>
struct PackKernels {
  // `lines` lines of `count` numbers that stand together, from_step and to_step apart.
  void (*copy_lines)(const double* from, int64_t from_step, int64_t lines, int64_t count, T* to,
                     int64_t to_step);
  // `lines` of lanes from_step apart, each a height after the one before it.
  void (*deal)(const double* from, int64_t from_step, int64_t lines, const LaneRuns& lanes, T* to);
  // to[f * to_step + s] = from[f + s * from_step] for f < fast, s < slow.
  void (*transpose)(const double* from, int64_t from_step, int64_t fast, int64_t slow, T* to,
                    int64_t to_step);
};

template <class T>
struct KernelTable {
  int vector;  // lanes of a vector
  int max_nr;  // columns of the widest tile of rows
  const TileKernel<T>* tiles;
  int n_tiles;
  WinogradKernels<T> winograd[2];  // of two results along an axis, and of four
  FilterKernel<T> filter;
  PackKernels<T> packing;

  const TileKernel<T>* find(TileKind kind, int mv, int nr) const {
    for (int i = 0; i < n_tiles; ++i)
      if (tiles[i].kind == kind && tiles[i].mv == mv && tiles[i].nr == nr) return &tiles[i];
    return nullptr;
  }

  // The widest tile of mv vectors of this kind, or null.
  const TileKernel<T>* widest(TileKind kind, int mv) const {
    const TileKernel<T>* found = nullptr;
    for (int i = 0; i < n_tiles; ++i)
      if (tiles[i].kind == kind && tiles[i].mv == mv && (!found || tiles[i].nr > found->nr))
        found = &tiles[i];
    return found;
  }

  // The height of tiles of rows for panels of nr and of nr - 1 columns, which share packed rows:
  // the tallest, or one vector where that holds all rows.
  int mv_for(int nr, int64_t rows) const {
    if (rows <= vector) return 1;
    int best = 1;
    for (int i = 0; i < n_tiles; ++i)
      if (tiles[i].kind == TileKind::rows && tiles[i].nr == nr && tiles[i].mv > best &&
          (nr == 1 || find(TileKind::rows, tiles[i].mv, nr - 1)))
        best = tiles[i].mv;
    return best;
  }
};

template <class T, int n>
constexpr KernelTable<T> table_of(int vector, const TileKernel<T> (&tiles)[n],
                                  const WinogradKernels<T> (&winograd)[2],
                                  const FilterKernel<T>& filter, const PackKernels<T>& packing) {
  return {vector, tiles[0].nr, tiles, n, {winograd[0], winograd[1]}, filter, packing};
}

}  // namespace nnconv
