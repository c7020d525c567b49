// Sums of the gradient of a weight whose vectors are output channels; a lane of the order is a run
// of terms.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../parallel.hpp"
#include "../scratch.hpp"
#include "gradient_pack.hpp"

namespace nnconv {

template <class T>
class GradientByChannels {
 public:
  // What one thread keeps from job to job.
  struct Workspace {
    Buffer tiles;
    TermList terms;
    int64_t lines[2];                 // of taps that these terms are for
    std::vector<char> skipped, anew;  // pieces that they leave out

    // The terms are another chunk's.
    void forget() {
      lines[0] = -1;
      skipped.clear();
    }
  };

  GradientByChannels(const GradientShape& shape, const GradientPacking<T>& packing,
                     const KernelTable<T>& table)
      : shape_(shape), c_(shape.c), order_(shape.order), packing_(packing), table_(table) {}

  // The sums of a slice's columns over a chunk, at their places among those of the block.
  void add(const GradientChunk& chunk, const std::vector<WeightColumn>& all_columns,
           const ColumnSlice& slice, const GradientOperands<T>& packed, T* sums, Workspace& w,
           Worker& worker) const {
    const WeightBlock& block = slice.block;
    const int64_t pitch = shape_.row_pitch(packed.window), rows = shape_.padded_rows(block);
    const Range& columns = slice.columns;
    for (const RowTile& tile : packing_.row_tiles(block)) {
      if (worker.stopped()) return;
      const TileKernel<T>& k = *table_.widest(TileKind::channels, tile.mv);
      const int64_t height = static_cast<int64_t>(tile.mv) * table_.vector;
      const int64_t run =
          shape_.exact ? block.cols.count : columns.count;  // of columns with the same terms
      const T* const panel = packed.panels + packing_.panel_of(tile, block);
      for (int64_t first = columns.first, count; first < columns.end(); first += count) {
        count = std::min<int64_t>(k.nr, run - (first - columns.first) % run);
        list_terms(chunk, pitch, all_columns[first], all_columns[first + count - 1], w);
        T* const tiles = w.tiles.template get<T>(w.terms.max_depth() * height * k.nr);
        const T* at[max_tile_columns];
        for (int64_t j = 0; j < k.nr; ++j) {
          const WeightColumn& column = all_columns[first + std::min(j, count - 1)];
          at[j] = packed.input +
                  (column.col - block.cols.first) * shape_.rows_of_a_col(block) * pitch +
                  column.at * shape_.pairing;
        }
        k.sum(at, 1, panel, w.terms.segments().data(),
              static_cast<int64_t>(w.terms.segments().size()), tiles);
        for (int64_t j = 0; j < count; ++j)
          std::copy(tiles + j * height, tiles + (j + 1) * height,
                    sums + (first + j) * rows + tile.first - block.rows.first);
      }
    }
  }

 private:
  // The terms of some columns, made anew where they are not those of the last ones: without lines
  // that none of them reads; where sums must be exact, without all that is not there.
  void list_terms(const GradientChunk& chunk, int64_t pitch, const WeightColumn& first,
                  const WeightColumn& last, Workspace& w) const {
    const std::vector<LinePiece>& pieces = chunk.pieces;
    const int64_t lines[2] = {line_of(first), line_of(last)};
    if (!shape_.exact && std::equal(lines, lines + 2, w.lines)) return;
    std::copy(lines, lines + 2, w.lines);
    w.anew.clear();
    for (const LinePiece& piece : pieces) w.anew.push_back(is_skipped(piece, lines[0], lines[1]));
    if (!shape_.exact && w.anew == w.skipped) return;
    w.skipped.swap(w.anew);
    w.terms.clear();
    std::size_t begin = 0, end;
    for (int64_t block = chunk.steps.first; block < chunk.steps.end();
         block += shape_.block_steps) {
      const int64_t block_end = block + shape_.block_steps;
      while (pieces[begin].step + pieces[begin].steps <= block) ++begin;
      for (end = begin; end < pieces.size() && pieces[end].step < block_end;) ++end;
      for (int64_t place = 0; place < GradientShape::lanes_of_order; ++place) {
        // In the order of their blocks.
        const int64_t lane = GradientOrder::index(0, place) / block_terms;
        if (lane >= order_.lanes) continue;
        for (std::size_t p = begin; p < end; ++p)
          if (!w.skipped[p] && lane_is_there(pieces[p], lane))
            add_terms(chunk.steps, {block, shape_.block_steps}, pieces[p], lane, pitch, first,
                      w.terms);
      }
    }
    w.terms.finish();
  }

  int64_t line_of(const WeightColumn& column) const {
    return column.tap[1] + c_.out_extents[1] * column.tap[2];
  }

  // Whether no tap of these lines of taps reads there.
  bool is_skipped(const LinePiece& piece, int64_t first_line, int64_t last_line) const {
    for (int64_t line = first_line; line <= last_line; ++line)
      if (c_.axes[1].source(piece.j, line % c_.out_extents[1]) >= 0 &&
          c_.axes[2].source(piece.k, line / c_.out_extents[1]) >= 0)
        return false;
    return true;
  }

  bool lane_is_there(const LinePiece& piece, int64_t lane) const {
    return order_.by_pixel || lane < shape_.samples_of(piece.round);
  }

  void add_terms(const Range& steps, const Range& block, const LinePiece& piece, int64_t lane,
                 int64_t pitch, const WeightColumn& column, TermList& terms) const {
    const int64_t end = std::min(block.end(), piece.step + piece.steps);
    const bool all = !shape_.exact && !order_.by_pixel;
    for (int64_t step = std::max(block.first, piece.step), run; step < end; step += run) {
      run = all ? end - step : 1;
      if (!all && !is_there(piece, step, lane, column)) continue;
      const int64_t position = piece.at + (step - piece.step) * shape_.line_pixels;
      const int64_t a = order_.by_pixel ? (position + lane) * shape_.pairing
                                        : position * shape_.pairing + lane * pitch;
      const int64_t b = lane * shape_.lane_terms() + (step - steps.first) * shape_.pairing;
      terms.add(GradientOrder::index(step * shape_.pairing, lane), a, b, run * shape_.pairing);
    }
  }

  bool is_there(const LinePiece& piece, int64_t step, int64_t lane,
                const WeightColumn& column) const {
    const int64_t in_line = piece.first + step - piece.step;
    const int64_t pixel = order_.by_pixel ? in_line * order_.lanes + lane : in_line;
    return pixel < c_.a.extents[0] &&
           (!shape_.exact || c_.axes[0].source(pixel, column.tap[0]) >= 0);
  }

  const GradientShape& shape_;
  const Contraction& c_;
  const GradientOrder& order_;
  const GradientPacking<T>& packing_;
  const KernelTable<T>& table_;
};

}  // namespace nnconv
