// Packing for the gradient of a weight: grad_output into panels of vectors, and what the taps read
// of the input into a window in which terms follow each other.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "gradient_chunk.hpp"
#include "gradient_shape.hpp"
#include "pack.hpp"

namespace nnconv {

// Vectors of rows of a tile: `count` real rows from `first` on.
struct RowTile {
  int64_t first, count;
  int mv;
};

// What is packed for a chunk.
template <class T>
struct GradientOperands {
  Window window;
  T *panels, *input;
};

template <class T>
class GradientPacking {
 public:
  GradientPacking(const GradientShape& shape, const KernelTable<T>& table)
      : shape_(shape),
        c_(shape.c),
        order_(shape.order),
        table_(table),
        is_far_(c_.a.pixel * c_.a.width() * shape.pixels() > near_numbers) {}

  // What fills vectors up is multiplied, though it is stored nowhere: zeros, for speed.
  void clear_padding(const WeightBlock& block, const GradientOperands<T>& packed,
                     int64_t window_size) const {
    T *const panels = packed.panels, *const input = packed.input;
    if (!shape_.by_lanes && block.rows.count % table_.vector != 0) {
      const RowTile last = row_tiles(block).back();
      std::fill(panels + panel_of(last, block), panels + shape_.panel_numbers(block), T(0));
    } else if (shape_.by_samples() && order_.lanes * block.groups.count % shape_.height != 0) {
      std::fill(panels, panels + shape_.panel_numbers(block), T(0));
      std::fill(input, input + window_size, T(0));
    }
  }

  void pack_panels(const WeightBlock& block, const GradientChunk& chunk, T* panels) const {
    for (const LinePiece& piece : chunk.pieces)
      pack_piece(block, piece, piece.step - chunk.steps.first, panels);
  }

  void pack_window(const WeightBlock& block, const GradientChunk& chunk,
                   const GradientOperands<T>& packed) const {
    const Window& window = packed.window;
    const AxisWindow* const axes = window.axes;
    T* const to = packed.input;
    const int64_t pitch = shape_.row_pitch(window);
    int64_t base = 0;
    for (const LineBox& box : chunk.boxes) {
      axes[2].for_positions(box.k, 1, [&](int64_t z, int64_t k) {
        axes[1].for_positions(box.j, box.lines, [&](int64_t y, int64_t j) {
          const int64_t line = base + (z * axes[1].size() + y) * window.line();
          axes[0].for_runs(
              box.first * shape_.line_pixels, box.steps * shape_.line_pixels,
              [&](int64_t at, int64_t i, int64_t count) {
                if (j < 0 || k < 0) return clear_positions(block, line + at, count, to, pitch);
                pack_positions(block, box.round, c_.b.pixel_number(i, j, k), count, line + at, to,
                               pitch);
              },
              [&](int64_t at, int64_t count) {
                clear_positions(block, line + at, count, to, pitch);
              });
        });
      });
      base += window.size();
    }
  }

  // How panels of channels are cut.
  std::vector<RowTile> row_tiles(const WeightBlock& block) const {
    int tallest = 1;
    while (table_.widest(TileKind::channels, tallest + 1) != nullptr) ++tallest;
    const int64_t vectors = quotient_up(block.rows.count, table_.vector);
    std::vector<RowTile> tiles;
    for (const Range& some : cut_evenly({0, vectors}, quotient_up(vectors, tallest))) {
      const int64_t first = some.first * table_.vector;
      tiles.push_back({block.rows.first + first,
                       std::min(some.count * table_.vector, block.rows.count - first),
                       static_cast<int>(some.count)});
    }
    return tiles;
  }

  // Where the panel of a tile starts.
  int64_t panel_of(const RowTile& tile, const WeightBlock& block) const {
    return (tile.first - block.rows.first) * order_.lanes * shape_.lane_terms();
  }

 private:
  static constexpr int64_t pixels_together = 8;
  static constexpr int64_t numbers_of_line = 8;    // doubles of a line of the cache
  static constexpr double near_numbers = 1 << 17;  // that a cache keeps

  // ---- grad_output ----

  // The steps of a piece, the first of which is the step `at` of the chunk.
  void pack_piece(const WeightBlock& block, const LinePiece& piece, int64_t at, T* panels) const {
    const Operand& a = c_.a;
    const int64_t width = a.width();
    const int64_t pixel = a.pixel_number(piece.first * shape_.line_pixels, piece.j, piece.k);
    const double* const from = a.array.data + (block.groups.first * a.group + pixel * a.pixel +
                                               shape_.first_sample(piece.round) * a.term) *
                                                  width;
    if (!shape_.by_lanes) return pack_channels(block, piece, from, at, panels);
    for (int64_t row = 0; row < block.rows.count; ++row) {
      const double* const from_row = from + (block.rows.first + row) * a.lane;
      T* const to =
          panels + row * shape_.units_of(block) * shape_.unit_pitch() + at * shape_.height;
      if (order_.by_pixel)
        pack_line(piece, from_row, to);
      else
        pack_lanes(a, block, shape_.samples_of(piece.round), from_row, a.pixel, piece.steps, to,
                   shape_.unit_pitch());
    }
  }

  // Pixels of a line into lanes.
  void pack_line(const LinePiece& piece, const double* from, T* to) const {
    const int64_t lanes = order_.lanes, height = shape_.height, step = c_.a.pixel;
    const int64_t pixels = std::min(piece.steps * lanes, c_.a.extents[0] - piece.first * lanes);
    const int64_t whole = step == 1 ? pixels / lanes : 0, pitch = shape_.unit_pitch();
    for (int64_t first = 0; first < lanes; first += height, from += height * step, to += pitch) {
      table_.packing.copy_lines(from, lanes, whole, height, to, height);
      for (int64_t line = whole; line < piece.steps; ++line)
        for (int64_t lane = 0; lane < height; ++lane) {
          const int64_t pixel = line * lanes + lane;
          to[line * height + lane] =
              first + pixel < pixels ? static_cast<T>(from[pixel * step]) : T(0);
        }
    }
  }

  // Channels of the rows of all tiles, lane by lane: of a few pixels all channels, which stand
  // together in memory.
  void pack_channels(const WeightBlock& block, const LinePiece& piece, const double* from,
                     int64_t at, T* panels) const {
    const int64_t pixels = std::min(piece.steps * shape_.line_pixels,
                                    c_.a.extents[0] - piece.first * shape_.line_pixels);
    const std::vector<RowTile> tiles = row_tiles(block);
    for (int64_t i = 0; i < pixels; i += pixels_together)
      for (const RowTile& tile : tiles)
        pack_tile(tile, piece, {i, std::min(pixels_together, pixels - i)}, from, at,
                  panels + panel_of(tile, block));
  }

  void pack_tile(const RowTile& tile, const LinePiece& piece, const Range& pixels,
                 const double* from, int64_t at, T* to) const {
    const Operand& a = c_.a;
    const int64_t height = static_cast<int64_t>(tile.mv) * table_.vector;
    const int64_t samples = shape_.samples_of(piece.round);
    const int64_t lane_pitch = shape_.lane_terms() * height;
    const bool plain = !c_.complex_result && !a.array.is_complex && shape_.pairing == 1;
    if (plain && a.lane == 1 && !order_.by_pixel) {
      table_.packing.copy_lines(from + pixels.first * a.pixel + tile.first, a.pixel, pixels.count,
                                tile.count, to + (at + pixels.first) * height, height);
      return;
    }
    // What a later pixel holds is asked for early, a pixel at a time: memory answers so many at
    // once. (Not by a function of its own: gcc takes one that only asks for one that does nothing.)
    const bool asks = is_far_ && samples == a.lane;
    const int64_t run = asks ? tile.count * samples * a.width() : 0;
    for (int64_t i = pixels.first; i < pixels.end(); ++i) {
      const double* const later =
          from + ((i + pixels_together) * a.pixel + tile.first * a.lane) * a.width();
      for (int64_t number = 0; number < run; number += numbers_of_line)
        __builtin_prefetch(later + number);
      const int64_t lane = order_.by_pixel ? i % order_.lanes : 0;
      const int64_t step = at + (order_.by_pixel ? i / order_.lanes : i);
      const double* const pixel = from + i * a.pixel * a.width();
      T* const term = to + lane * lane_pitch + step * shape_.pairing * height;
      if (plain)
        table_.packing.transpose(pixel + tile.first * a.lane, a.lane, samples, tile.count, term,
                                 lane_pitch);
      else
        for (int64_t n = 0; n < samples; ++n)
          pack_complex(tile, pixel + n * a.width(), height, term + n * lane_pitch);
    }
  }

  // The rows of one sample's pixel for one term, or for a pair of terms, the second of which reads
  // i * A: its real part is -im, its imaginary part re.
  void pack_complex(const RowTile& tile, const double* from, int64_t height, T* to) const {
    const Operand& a = c_.a;
    for (int64_t pair = 0; pair < shape_.pairing; ++pair, to += height)
      for (int64_t r = 0; r < tile.count; ++r) {
        const int64_t row = tile.first + r;
        const bool imaginary = c_.complex_result && row % 2 == 1;
        const Part part = part_of(a.array, imaginary != (pair == 1));
        const double sign = pair == 1 && !imaginary ? -part.sign : part.sign;
        const int64_t lane = c_.complex_result ? row / 2 : row;
        to[r] = sign == 0.0 ? T(0)
                            : static_cast<T>(sign * from[lane * a.lane * a.width() + part.offset]);
      }
  }

  // ---- input ----

  void clear_positions(const WeightBlock& block, int64_t at, int64_t count, T* to,
                       int64_t pitch) const {
    const int64_t rows = block.cols.count * shape_.rows_of_a_col(block);
    for (int64_t row = 0; row < rows; ++row) {
      T* const first = to + row * pitch + at * shape_.position_size();
      std::fill(first, first + count * shape_.position_size(), T(0));
    }
  }

  // `count` positions of the window, from number `at` on: pixels a stride apart.
  void pack_positions(const WeightBlock& block, int64_t round, int64_t pixel, int64_t count,
                      int64_t at, T* to, int64_t pitch) const {
    const Operand& b = c_.b;
    const int64_t samples = shape_.samples_of(round), stride = c_.axes[0].stride;
    const int64_t first = block.groups.first * b.group + block.cols.first * b.lane +
                          shape_.first_sample(round) * b.term + pixel * b.pixel;
    to += at * shape_.position_size();
    if (shape_.by_samples()) {
      for (int64_t col = 0; col < block.cols.count; ++col)
        pack_lanes(b, block, samples, b.array.data + first + col * b.lane, stride * b.pixel, count,
                   to + col * shape_.units_of(block) * pitch, pitch);
      return;
    }
    const int64_t rows = shape_.rows_of_a_col(block);
    if (shape_.pairing == 2) {
      const double sign = part_of(b.array, true).sign;
      for (int64_t col = 0; col < block.cols.count; ++col)
        for (int64_t n = 0; n < samples; ++n) {
          const double* from = b.array.data + 2 * (first + col * b.lane + n);
          T* pair = to + (col * rows + n) * pitch;
          for (int64_t i = 0; i < count; ++i, from += 2 * stride * b.pixel, pair += 2) {
            pair[0] = static_cast<T>(from[0]);
            pair[1] = static_cast<T>(sign * from[1]);
          }
        }
      return;
    }
    // Samples and channels stand together where a round takes all samples.
    const bool together = samples == b.lane;
    for (int64_t col = 0; col < (together ? 1 : block.cols.count); ++col)
      table_.packing.transpose(b.array.data + first + col * b.lane, stride * b.pixel,
                               together ? samples * block.cols.count : samples, count,
                               to + col * rows * pitch, pitch);
  }

  // The lanes of a channel of all groups of the block, at `count` pixels, into units.
  void pack_lanes(const Operand& operand, const WeightBlock& block, int64_t samples,
                  const double* from, int64_t from_step, int64_t count, T* to,
                  int64_t unit_pitch) const {
    const bool together = samples == order_.lanes && operand.group == samples;
    const int64_t all = order_.lanes * block.groups.count;
    const LaneRuns lanes = {
        together ? 1 : block.groups.count, operand.group, together ? all : samples,
        together ? all : order_.lanes,     shape_.height, unit_pitch};
    // Of a few pixels all lanes, which stand together in memory.
    for (int64_t i = 0, some; i < count; i += some) {
      some = std::min(pixels_together, count - i);
      table_.packing.deal(from + i * from_step, from_step, some, lanes, to + i * shape_.height);
    }
  }

  const GradientShape& shape_;
  const Contraction& c_;
  const GradientOrder& order_;
  const KernelTable<T>& table_;
  const bool is_far_;  // no cache keeps grad_output
};

}  // namespace nnconv
