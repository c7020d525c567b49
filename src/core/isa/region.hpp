// How an instruction set's file is built without compiler flags: standard headers first, then
// the region opened by NNCONV_TARGET_BEGIN, kernels in it, and the table after
// NNCONV_TARGET_END, for any processor reads that. Whatever is declared inside stays in an
// anonymous namespace: under a shared name the linker could pick it for another processor.
#pragma once

#define NNCONV_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define NNCONV_TARGET_BEGIN(isa) \
  NNCONV_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define NNCONV_TARGET_END NNCONV_PRAGMA(clang attribute pop)
#else
#define NNCONV_TARGET_BEGIN(isa) NNCONV_PRAGMA(GCC push_options) NNCONV_PRAGMA(GCC target(isa))
#define NNCONV_TARGET_END NNCONV_PRAGMA(GCC pop_options)
#endif

// At R's -O2 a register tile stays rolled, its accumulators in memory, without this.
#define NNCONV_UNROLL _Pragma("GCC unroll 64")

// Entries of a table of kernels: NNCONV_ROWS(f64, VectorOfDoubles, 3, 8, avx512).
#define NNCONV_TILE(kind, Reads, type, V, mv, nr, isa)                                         \
  {                                                                                            \
    TileKind::kind, mv, nr, #type "_" #kind "_" #mv "x" #nr "__" #isa,                         \
        sum_tile<V, mv, nr, Reads<V, mv, nr>>, store_rows<V, mv, nr>, store_columns<V, mv, nr> \
  }
#define NNCONV_ROWS(...) NNCONV_TILE(rows, RowReads, __VA_ARGS__)
#define NNCONV_CHANNELS(...) NNCONV_TILE(channels, ChannelReads, __VA_ARGS__)
#define NNCONV_LANES(...) NNCONV_TILE(lanes, LaneReads, __VA_ARGS__)
#define NNCONV_LINES(...) NNCONV_TILE(lines, LineReads, __VA_ARGS__)

#define NNCONV_FILTER(type, V, mv, isa) \
  { mv, #type "_filter_" #mv "x4__" #isa, sum_filter<V, mv, filter_columns>, store_parts<V, mv> }

// Tile shapes for 32 vector registers and for 16: up to 24 and 12 accumulators; and those of one
// vector of rows. The widest tile of rows comes first.
#define NNCONV_TILES_32(type, V, isa)                                           \
  NNCONV_ROWS(type, V, 3, 8, isa), NNCONV_ROWS(type, V, 3, 7, isa),             \
      NNCONV_ROWS(type, V, 3, 6, isa), NNCONV_ROWS(type, V, 4, 6, isa),         \
      NNCONV_ROWS(type, V, 4, 5, isa), NNCONV_ROWS(type, V, 4, 4, isa),         \
      NNCONV_ROWS(type, V, 6, 4, isa), NNCONV_ROWS(type, V, 6, 3, isa),         \
      NNCONV_ROWS(type, V, 6, 2, isa), NNCONV_ROWS(type, V, 8, 2, isa),         \
      NNCONV_ROWS(type, V, 8, 1, isa), NNCONV_ROWS(type, V, 1, 8, isa),         \
      NNCONV_ROWS(type, V, 1, 7, isa), NNCONV_ROWS(type, V, 1, 6, isa),         \
      NNCONV_ROWS(type, V, 1, 5, isa), NNCONV_TILES_LOW(type, V, isa),          \
      NNCONV_CHANNELS(type, V, 4, 6, isa), NNCONV_CHANNELS(type, V, 3, 8, isa), \
      NNCONV_CHANNELS(type, V, 2, 8, isa), NNCONV_CHANNELS(type, V, 1, 8, isa), \
      NNCONV_LANES(type, V, 2, 8, isa), NNCONV_LANES(type, V, 2, 7, isa),       \
      NNCONV_LANES(type, V, 2, 6, isa), NNCONV_LANES(type, V, 2, 5, isa),       \
      NNCONV_LANES_LOW(type, V, isa), NNCONV_LINES(type, V, 2, 7, isa),         \
      NNCONV_LINES(type, V, 2, 6, isa), NNCONV_LINES(type, V, 2, 5, isa),       \
      NNCONV_LINES(type, V, 2, 4, isa), NNCONV_LINES_LOW(type, V, isa)
#define NNCONV_TILES_16(type, V, isa)                                           \
  NNCONV_ROWS(type, V, 3, 4, isa), NNCONV_ROWS(type, V, 3, 3, isa),             \
      NNCONV_ROWS(type, V, 4, 3, isa), NNCONV_ROWS(type, V, 4, 2, isa),         \
      NNCONV_ROWS(type, V, 6, 2, isa), NNCONV_ROWS(type, V, 6, 1, isa),         \
      NNCONV_ROWS(type, V, 8, 1, isa), NNCONV_TILES_LOW(type, V, isa),          \
      NNCONV_CHANNELS(type, V, 3, 4, isa), NNCONV_CHANNELS(type, V, 2, 5, isa), \
      NNCONV_CHANNELS(type, V, 1, 8, isa), NNCONV_LANES_LOW(type, V, isa),      \
      NNCONV_LINES_LOW(type, V, isa)
#define NNCONV_TILES_LOW(type, V, isa)                              \
  NNCONV_ROWS(type, V, 1, 4, isa), NNCONV_ROWS(type, V, 1, 3, isa), \
      NNCONV_ROWS(type, V, 1, 2, isa), NNCONV_ROWS(type, V, 1, 1, isa)
#define NNCONV_LANES_LOW(type, V, isa)                                    \
  NNCONV_LANES(type, V, 2, 4, isa), NNCONV_LANES(type, V, 2, 3, isa),     \
      NNCONV_LANES(type, V, 2, 2, isa), NNCONV_LANES(type, V, 2, 1, isa), \
      NNCONV_LANES(type, V, 1, 8, isa), NNCONV_LANES(type, V, 1, 7, isa), \
      NNCONV_LANES(type, V, 1, 6, isa), NNCONV_LANES(type, V, 1, 5, isa), \
      NNCONV_LANES(type, V, 1, 4, isa), NNCONV_LANES(type, V, 1, 3, isa), \
      NNCONV_LANES(type, V, 1, 2, isa), NNCONV_LANES(type, V, 1, 1, isa)
#define NNCONV_LINES_LOW(type, V, isa)                                \
  NNCONV_LINES(type, V, 1, 7, isa), NNCONV_LINES(type, V, 1, 6, isa), \
      NNCONV_LINES(type, V, 1, 5, isa), NNCONV_LINES(type, V, 1, 4, isa)

#define NNCONV_WINOGRAD(type, V, F, isa)                                    \
  {                                                                         \
    F<V>::reads, F<V>::makes, #type "_" #F "__" #isa,                       \
        {winograd_weights<Doubles, F, 1>, winograd_weights<Doubles, F, 2>}, \
        {winograd_input<V, F, 1>, winograd_input<V, F, 2>}, {               \
      winograd_output<V, F, 1>, winograd_output<V, F, 2>                    \
    }                                                                       \
  }

// The table of a precision: f64_kernels or f32_kernels.
#define NNCONV_KERNELS(type, T, V, tiles, filter_mv, isa)                                       \
  static constexpr TileKernel<T> type##_tiles[] = {tiles(type, V, isa)};                        \
  static constexpr WinogradKernels<T> type##_winograd[] = {                                     \
      NNCONV_WINOGRAD(type, V, WinogradF2, isa), NNCONV_WINOGRAD(type, V, WinogradF4, isa)};    \
  static constexpr KernelTable<T> type##_kernels =                                              \
      table_of(V::lanes, type##_tiles, type##_winograd, NNCONV_FILTER(type, V, filter_mv, isa), \
               PackKernels<T>{copy_lines<V>, deal<V>, transpose<V>});
