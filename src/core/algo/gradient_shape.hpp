// How the gradient of a weight is cut: the weights into blocks, the steps of its order into chunks
// and parts, all by the problem alone; and how large what is packed of them is.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../contraction.hpp"
#include "../plan.hpp"
#include "../written_order.hpp"
#include "gradient_window.hpp"
#include "tiles.hpp"

namespace nnconv {

// A part of the weights.
struct WeightBlock {
  Range groups, rows, cols, taps[max_spatial];

  int64_t columns() const { return cols.count * taps[0].count * taps[1].count * taps[2].count; }
};

// A block, for a part of the chunks.
struct GradientJob {
  WeightBlock block;
  int64_t part;
};

// Cuts a range into the given number of ranges whose sizes differ by one at most.
std::vector<Range> cut_evenly(const Range& whole, int64_t parts);

inline int64_t quotient_up(int64_t x, int64_t y) { return (x + y - 1) / y; }

class GradientShape {
 public:
  static constexpr int64_t lanes_of_order = GradientOrder::most_lanes;

  // `exact`: what padding leaves out is left out, and not packed as zeros.
  GradientShape(const Contraction& c, const Plan& plan, int vector, int element_bytes, bool exact);

  // Chooses the chunks and parts, and lists the jobs, part after part.
  std::vector<GradientJob> cut_jobs();

  double work() const { return 2.0 * samples * pixels() * outputs; }
  double pixels() const { return static_cast<double>(order.lines) * c.a.extents[0]; }
  int64_t chunk_steps() const { return chunk_blocks_ * block_steps; }
  int64_t chunks() const { return quotient_up(order.steps(), chunk_steps()); }
  int64_t parts() const { return quotient_up(chunks(), part_chunks_); }
  int64_t part_chunks() const { return part_chunks_; }

  // Vectors are lanes: samples and groups, or pixels.
  bool by_samples() const { return by_lanes && !order.by_pixel; }
  // The input that the gradient of a bias meets.
  bool constant_input() const { return c.b.pixel == 0; }
  bool packs_zeros() const;

  // The samples of a round.
  int64_t samples_of(int64_t round) const {
    return order.by_pixel ? 1 : std::min(order.lanes, samples - round * order.lanes);
  }
  int64_t first_sample(int64_t round) const { return order.by_pixel ? round : round * order.lanes; }

  // The window is rows of positions, each of so many numbers.
  bool shares_lines() const;
  Window window_of(const WeightBlock& block) const;
  int64_t position_size() const { return by_samples() ? height : pairing; }
  int64_t rows_of_a_col(const WeightBlock& block) const;
  int64_t row_pitch(const Window& window) const {
    return apart(most_boxes() * window.size() * position_size());
  }
  int64_t window_numbers(const WeightBlock& block, int64_t cols) const;
  // Input channels that are packed at a time.
  std::vector<Range> slices_of(const WeightBlock& block) const;

  // Panels of lanes are units of `height` of them, those of channels lanes of terms.
  int64_t unit_pitch() const { return apart(chunk_steps() * height); }
  int64_t lane_terms() const { return chunk_steps() * pairing + 1; }
  int64_t units_of(const WeightBlock& block) const;
  int64_t padded_rows(const WeightBlock& block) const {
    return quotient_up(block.rows.count, vector) * vector;
  }
  int64_t panel_numbers(const WeightBlock& block) const;

  // Sums of a block: [column, row], or [column, group] of each row.
  int64_t sums_of(const WeightBlock& block) const;
  int stack_depth() const;

  const Contraction& c;
  const int vector, element_bytes;
  const int64_t pairing, samples;  // real terms of a term
  const GradientOrder order;
  const bool exact, by_lanes;
  const int64_t outputs;
  const int64_t block_steps;  // steps of a block of terms
  const int64_t line_pixels;  // pixels of a step
  const int mv;               // of a unit of lanes
  const int64_t height;

 private:
  int64_t bytes(int64_t numbers) const { return numbers * element_bytes; }
  int64_t apart(int64_t numbers) const;
  int64_t box_lines() const;
  int64_t chunk_pieces() const;
  int64_t most_boxes() const;

  std::vector<WeightBlock> whole() const;
  bool is_wide(const WeightBlock& block) const;
  int64_t groups_of_a_unit() const { return std::max<int64_t>(1, height / order.lanes); }
  bool panels_are_large(const WeightBlock& block) const;
  bool window_is_large(const WeightBlock& block) const;
  bool cut_further(std::vector<WeightBlock>& blocks) const;
  void lengthen_chunks(const WeightBlock& block);
  void choose_parts(double wanted);

  int64_t chunk_blocks_ = 1;
  int64_t part_chunks_ = int64_t(1) << 40;
};

}  // namespace nnconv
