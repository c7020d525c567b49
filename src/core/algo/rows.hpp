// The rows of a gathered result: how positions and samples become lines, vectors and tiles, where
// a tile's rows are read, and where they go.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../contraction.hpp"
#include "../plan.hpp"
#include "pack.hpp"
#include "positions.hpp"
#include "tiles.hpp"

namespace nnconv {

// A class of positions whose rows, position by position, are cut into lines that stand side by side
// in memory, and lines into vectors. Where `in_place`, vectors are read where they stand, and the
// last one of a line starts early so as to end with it; else all rows are one line, to be packed.
struct RowClass : PositionClass {
  bool in_place;
  int64_t line_positions, line_rows, line_vectors, vectors;
};

// A tile of rows, for any group: where its vectors are read, as offsets in A or in the packed
// panels, what is packed there, and where its rows go.
struct Tile {
  int64_t vectors[max_tile_vectors];
  std::vector<RowRun> runs;
  TileRows rows;
};

class RowLayout {
 public:
  RowLayout(const Contraction& c, const Plan& plan)
      : c_(c),
        reads_in_place_(plan.reads_in_place),
        vector_(plan.tiling.vector),
        mv_(plan.tiling.mv) {}

  // Whether the rows of a class, and of its boxes, are read where they stand: in A.
  bool is_in_place(const PositionClass& positions) const {
    return reads_in_place_ && fills_vectors(lines_of(positions, c_.a).line_rows, vector_);
  }

  // Whether those of a single pixel fill vectors.
  bool samples_are_in_place() const { return reads_in_place_ && fills_vectors(c_.rows, vector_); }

  // Of a class or box that is read in `a`.
  RowClass lines_of(const PositionClass& plain, const Operand& a, bool in_place = false) const {
    RowClass positions{plain, in_place, 1, c_.rows, 0, 0};
    const AxisClass& first = *plain.axes[0];
    // With a single channel the pixels of a line stand side by side too.
    if (a.pixel * a.width() * first.base_step == c_.rows) {
      positions.line_positions = first.count;
      positions.line_rows *= first.count;
    }
    positions.line_vectors = vectors_for(positions.line_rows);
    positions.vectors =
        in_place ? positions.positions() / positions.line_positions * positions.line_vectors
                 : vectors_for(positions.positions() * c_.rows);
    return positions;
  }

  // A tile whose vectors are read in A. At the end of its class it reads its last vector again,
  // and stores it once.
  void place_in_place(const RowClass& positions, const Operand& a, Range vectors,
                      Tile& tile) const {
    tile.rows.clear(mv_);
    int64_t part = vectors.first % positions.line_vectors;
    int64_t line = vectors.first / positions.line_vectors;
    PositionWalk at(positions, line * positions.line_positions);
    for (int i = 0; i < mv_; ++i) {
      if (i >= vectors.count) {
        tile.vectors[i] = tile.vectors[i - 1];
        continue;
      }
      const int64_t fresh = part * vector_;
      const int64_t first = std::min(fresh, positions.line_rows - vector_);
      tile.vectors[i] = base_pixel(at, a) * a.pixel * a.width() + first;
      place_vector(positions, at, first, fresh, i, tile.rows);
      if (++part < positions.line_vectors) continue;
      part = 0;
      ++line;
      if (positions.line_positions == 1)
        at.next();
      else
        at = PositionWalk(positions, line * positions.line_positions);
    }
  }

  // A tile whose rows are packed from offset `panel` on: runs of rows, one position after the
  // other.
  void place_packed(const RowClass& positions, int64_t first_vector, int64_t panel,
                    Tile& tile) const {
    const int64_t first = first_vector * vector_;
    const int64_t height = static_cast<int64_t>(mv_) * vector_;
    const int64_t count = std::min(height, positions.positions() * c_.rows - first);
    std::vector<int64_t> offsets;
    offsets.reserve(height);
    tile.runs.clear();
    PositionWalk at(positions, first / c_.rows);
    int64_t row = first % c_.rows;
    for (int64_t done = 0; done < count; at.next(), row = 0) {
      const int64_t here = std::min(c_.rows - row, count - done);
      tile.runs.push_back({base_pixel(at, c_.a), row, here, done});
      for (int64_t r = 0; r < here; ++r) offsets.push_back(out_offset(at) + row + r);
      done += here;
    }
    tile.rows.place(offsets, vector_, mv_);
    for (int i = 0; i < mv_; ++i) tile.vectors[i] = panel + i * vector_;
  }

 private:
  int64_t vectors_for(int64_t rows) const { return (rows + vector_ - 1) / vector_; }
  int64_t out_offset(const PositionWalk& at) const {
    return c_.out_number(at.out(0), at.out(1), at.out(2)) * c_.out_pixel;
  }
  static int64_t base_pixel(const PositionWalk& at, const Operand& a) {
    return a.pixel_number(at.base(0), at.base(1), at.base(2));
  }

  // Where rows first, first + 1, ... go, of a line that starts at `at`. Those below `fresh` are
  // another vector's to store.
  void place_vector(const RowClass& positions, const PositionWalk& at, int64_t first, int64_t fresh,
                    int i, TileRows& rows) const {
    if (positions.line_positions == 1 && first == fresh) {
      rows.vectors[i] = out_offset(at) + first;
      return;
    }
    const int64_t position_step = positions.axes[0]->step * c_.out_pixel;
    const int64_t last = first + vector_ - 1;
    const bool adjoin = position_step == c_.rows || first / c_.rows == last / c_.rows;
    const auto offset = [&](int64_t row) {
      return out_offset(at) + row / c_.rows * position_step + row % c_.rows;
    };
    if (first == fresh && adjoin) {
      rows.vectors[i] = offset(first);
      return;
    }
    for (int64_t row = fresh; row <= last; ++row)
      rows.place_single(i, row - first, offset(row), vector_);
  }

  const Contraction& c_;
  const bool reads_in_place_;
  const int vector_, mv_;
};

}  // namespace nnconv
