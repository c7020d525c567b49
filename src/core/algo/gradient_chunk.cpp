#include "gradient_chunk.hpp"

#include <algorithm>

namespace nnconv {

// In a slice tap by tap where terms are left out of each; else so that a tile's
// columns read nearly the same lines.
std::vector<ColumnSlice> list_columns(const GradientShape& shape, const WeightBlock& block,
                                      const Window& window, std::vector<WeightColumn>& columns) {
  columns.clear();
  std::vector<ColumnSlice> slices;
  for (const Range& some : shape.slices_of(block)) {
    WeightBlock slice = block;
    slice.cols = some;
    slices.push_back({slice, {static_cast<int64_t>(columns.size()), slice.columns()}});
    const Range* const taps = block.taps;
    for (int64_t number = 0; number < slice.columns(); ++number) {
      const int64_t in_line = number % (taps[0].count * some.count);
      const int64_t line = number / (taps[0].count * some.count);
      const int64_t tap = shape.exact ? in_line / some.count : in_line % taps[0].count;
      const int64_t col = shape.exact ? in_line % some.count : in_line / taps[0].count;
      const int64_t at[] = {taps[0].first + tap, taps[1].first + line % taps[1].count,
                            taps[2].first + line / taps[1].count};
      columns.push_back({{at[0], at[1], at[2]}, some.first + col, window.at(at[0], at[1], at[2])});
    }
  }
  return slices;
}

// The box of earlier lines of this plane and round, or a new one.
std::size_t GradientChunk::box_of(const LineBox& line) {
  std::size_t number = 0;
  while (number < boxes.size() && (boxes[number].k != line.k || boxes[number].round != line.round))
    ++number;
  if (number == boxes.size())
    boxes.push_back(line);
  else
    ++boxes[number].lines;
  return number;
}

void GradientChunk::list(const GradientShape& shape, int64_t number, const Window& window) {
  const GradientOrder& order = shape.order;
  const bool shared = shape.shares_lines();
  steps.first = number * shape.chunk_steps();
  steps.count = std::min(shape.chunk_steps(), order.steps() - steps.first);
  boxes.clear();
  pieces.clear();
  for (int64_t step = steps.first; step < steps.end();) {
    const int64_t first = step % order.line_steps;
    const int64_t count = std::min(order.line_steps - first, steps.end() - step);
    const int64_t round = step / order.line_steps % order.rounds;
    const int64_t line = step / order.line_steps / order.rounds;
    const int64_t j = line % shape.c.a.extents[1], k = line / shape.c.a.extents[1];
    std::size_t at_box = boxes.size();
    if (shared)
      at_box = box_of({round, k, j, 1, 0, order.line_steps});
    else
      boxes.push_back({round, k, j, 1, first, count});
    const LineBox& box = boxes[at_box];
    const int64_t at = static_cast<int64_t>(at_box) * window.size() + (j - box.j) * window.line() +
                       (first - box.first) * shape.line_pixels;
    pieces.push_back({round, j, k, first, count, step, at});
    step += count;
  }
}

}  // namespace nnconv
