// What a chunk of the gradient of a weight reads: lines of output pixels, windows of the input, and
// the columns that read these.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gradient_shape.hpp"

namespace nnconv {

// Lines of output pixels of one round, from step `first` of a line on, that read one window.
struct LineBox {
  int64_t round, k, j, lines, first, steps;
};

// Steps of a line in a chunk: the first is step `step` of all, and reads at `at` of the window.
struct LinePiece {
  int64_t round, j, k, first, steps, step, at;
};

struct GradientChunk {
  Range steps{0, 0};
  std::vector<LineBox> boxes;
  std::vector<LinePiece> pieces;

  void list(const GradientShape& shape, int64_t number, const Window& window);

 private:
  std::size_t box_of(const LineBox& line);
};

struct WeightColumn {
  int64_t tap[max_spatial], col;
  int64_t at;  // of the window
};

// Columns whose input is packed at a time.
struct ColumnSlice {
  WeightBlock block;
  Range columns;
};

// The columns of a block, slice by slice.
std::vector<ColumnSlice> list_columns(const GradientShape& shape, const WeightBlock& block,
                                      const Window& window, std::vector<WeightColumn>& columns);

}  // namespace nnconv
