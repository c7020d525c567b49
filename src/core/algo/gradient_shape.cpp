#include "gradient_shape.hpp"

#include <cmath>

namespace nnconv {

namespace {

constexpr int64_t panel_bytes = 9 << 17;     // a chunk's panels, to stay in L2
constexpr int64_t window_bytes = 1 << 19;    // and what is packed of the window at a time
constexpr int64_t pixel_numbers = 512;       // of a pixel that are packed at a time into lanes
constexpr int64_t sum_bytes = 8 << 20;       // sums of a job
constexpr int64_t partial_bytes = 16 << 20;  // sums of all parts
constexpr int64_t chunk_terms = 1024;        // of all lanes, where vectors are channels
constexpr int64_t most_chunk_steps = 1024;
constexpr double wanted_jobs = 16, min_job = 2.5e5;

// Vectors of a unit: two where lanes fill more than one, and end with a unit.
int unit_vectors(const Contraction& c, const GradientOrder& order, int vector) {
  const int64_t all_lanes = order.by_pixel ? order.lanes : order.lanes * c.groups;
  return all_lanes > vector && 2 * vector <= GradientOrder::most_lanes ? 2 : 1;
}

}  // namespace

std::vector<Range> cut_evenly(const Range& whole, int64_t parts) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t first = whole.count * i / parts;
    ranges.push_back({whole.first + first, whole.count * (i + 1) / parts - first});
  }
  return ranges;
}

GradientShape::GradientShape(const Contraction& c, const Plan& plan, int vector, int element_bytes,
                             bool exact)
    : c(c),
      vector(vector),
      element_bytes(element_bytes),
      pairing(c.paired_terms() ? 2 : 1),
      samples(c.terms / pairing),
      order(samples, c.rows, c.groups, c.a.extents),
      exact(exact),
      by_lanes(!exact && plan.by_lanes),
      outputs(c.rows * c.cols * c.groups * c.out_pixels()),
      block_steps(block_terms / pairing),
      line_pixels(order.by_pixel ? order.lanes : 1),
      mv(unit_vectors(c, order, vector)),
      height(static_cast<int64_t>(mv) * vector) {}

bool GradientShape::packs_zeros() const {
  if (by_lanes && order.by_pixel) return true;
  for (int i = 0; i < max_spatial; ++i)
    if (c.axes[i].mode == PadMode::zeros && c.axes[i].pad_lo + c.axes[i].pad_hi > 0) return true;
  return false;
}

// Whole lines of a chunk have a window in common, a window for each round, where that is less to
// pack than a window for each part of a line.
bool GradientShape::shares_lines() const {
  const int64_t taps = c.out_extents[1];
  return chunk_steps() >= order.line_steps &&
         AxisWindow(c.axes[1], {0, taps}, box_lines(), 1).size() * order.rounds * order.line_steps <
             taps * chunk_steps();
}
// At most, where lines are shared: of a plane and round.
int64_t GradientShape::box_lines() const {
  return std::min(c.a.extents[1], quotient_up(chunk_pieces(), order.rounds));
}
// Lines of all rounds, whole or not, that a chunk has at most.
int64_t GradientShape::chunk_pieces() const {
  return std::min((chunk_steps() - 2) / order.line_steps + 2, order.rounds * order.lines);
}

Window GradientShape::window_of(const WeightBlock& block) const {
  const int64_t steps = std::min(chunk_steps(), order.line_steps);
  const int64_t lines = shares_lines() ? box_lines() : 1;
  // By pixels, vectors are read at multiples of the lanes.
  return {{AxisWindow(c.axes[0], block.taps[0], steps * line_pixels, line_pixels),
           AxisWindow(c.axes[1], block.taps[1], lines, 1),
           AxisWindow(c.axes[2], block.taps[2], 1, 1)}};
}

int64_t GradientShape::most_boxes() const {
  if (!shares_lines()) return chunk_pieces();
  const int64_t plane = order.rounds * order.line_steps * c.a.extents[1];
  return std::min(((chunk_steps() - 2) / plane + 2) * order.rounds, chunk_pieces());
}

int64_t GradientShape::rows_of_a_col(const WeightBlock& block) const {
  if (order.by_pixel) return 1;
  return by_lanes ? units_of(block) : order.lanes;
}
// Rows that are written side by side would meet in the cache if they were a power of 2 apart.
int64_t GradientShape::apart(int64_t numbers) const {
  const int64_t line = 64 / element_bytes;
  return (quotient_up(numbers, line) | 1) * line;
}
// Vectors of lanes, `height` of them each.
int64_t GradientShape::units_of(const WeightBlock& block) const {
  return order.by_pixel ? lanes_of_order / height
                        : quotient_up(order.lanes * block.groups.count, height);
}

int64_t GradientShape::panel_numbers(const WeightBlock& block) const {
  return by_lanes ? block.rows.count * units_of(block) * unit_pitch()
                  : padded_rows(block) * order.lanes * lane_terms();
}
int64_t GradientShape::window_numbers(const WeightBlock& block, int64_t cols) const {
  if (constant_input() && by_lanes) return height;
  return cols * rows_of_a_col(block) * row_pitch(window_of(block));
}
std::vector<Range> GradientShape::slices_of(const WeightBlock& block) const {
  const int64_t room = window_bytes / bytes(window_numbers(block, 1));
  return cut_evenly(block.cols, quotient_up(block.cols.count, std::max<int64_t>(1, room)));
}
int64_t GradientShape::sums_of(const WeightBlock& block) const {
  return block.columns() * (by_lanes ? block.rows.count * block.groups.count : padded_rows(block));
}

int GradientShape::stack_depth() const {
  const double sums = static_cast<double>(std::min(chunks(), part_chunks_)) * chunk_blocks_;
  return static_cast<int>(std::ceil(std::log2(sums + 1))) + 1;
}

// Cuts by the problem alone, until what a chunk packs stays near and the sums of a job are few;
// then, for there to be jobs for many threads, by parts of the terms, or further.
std::vector<GradientJob> GradientShape::cut_jobs() {
  std::vector<WeightBlock> blocks = whole();
  const auto too_large = [&] {
    const WeightBlock& b = blocks.front();
    return panels_are_large(b) || window_is_large(b) ||
           bytes(sums_of(b) * stack_depth()) > sum_bytes;
  };
  while ((too_large() || is_wide(blocks.front())) && cut_further(blocks)) continue;
  lengthen_chunks(blocks.front());
  const auto jobs_of_a_part = [&] { return static_cast<double>(blocks.size()); };
  const auto too_few = [&] {
    return jobs_of_a_part() < wanted_jobs && work() / jobs_of_a_part() > min_job;
  };
  if (too_few()) choose_parts(wanted_jobs / jobs_of_a_part());
  while (parts() == 1 && too_few() && cut_further(blocks)) continue;

  std::vector<GradientJob> jobs;
  for (int64_t part = 0; part < parts(); ++part)
    for (const WeightBlock& block : blocks) jobs.push_back({block, part});
  return jobs;
}

// Groups are together where vectors reach over them.
std::vector<WeightBlock> GradientShape::whole() const {
  const int64_t together = by_samples() ? c.groups : 1;
  std::vector<WeightBlock> blocks;
  for (int64_t group = 0; group < c.groups; group += together)
    blocks.push_back({{group, together},
                      {0, c.rows},
                      {0, c.cols},
                      {{0, c.out_extents[0]}, {0, c.out_extents[1]}, {0, c.out_extents[2]}}});
  return blocks;
}

// Groups of lanes as long as some of their numbers stand together in a pixel.
bool GradientShape::is_wide(const WeightBlock& block) const {
  const int64_t numbers = block.groups.count * std::max(c.rows, c.cols) * order.lanes;
  return block.groups.count > groups_of_a_unit() && numbers > pixel_numbers;
}

bool GradientShape::panels_are_large(const WeightBlock& block) const {
  return bytes(panel_numbers(block)) > panel_bytes;
}
bool GradientShape::window_is_large(const WeightBlock& block) const {
  return bytes(window_numbers(block, 1)) > 8 * window_bytes;
}

// Halves all blocks, by what there is most of; the first stays the largest.
bool GradientShape::cut_further(std::vector<WeightBlock>& blocks) const {
  const WeightBlock& largest = blocks.front();
  const int64_t unit_groups = groups_of_a_unit();
  const int64_t row_unit = by_lanes ? 1 : 2 * vector;
  Range WeightBlock::*part = nullptr;
  int tap = -1;
  int64_t unit = 1;
  if (largest.groups.count > unit_groups)
    part = &WeightBlock::groups, unit = unit_groups;
  else if (largest.rows.count > row_unit &&
           (panels_are_large(largest) || largest.rows.count > largest.cols.count))
    part = &WeightBlock::rows, unit = row_unit;
  else if (largest.cols.count > 1 && !window_is_large(largest))
    part = &WeightBlock::cols;
  else
    for (int i = 0; i < max_spatial; ++i)
      if (largest.taps[i].count > 1) tap = i;
  if (part == nullptr && tap < 0) return false;
  std::vector<WeightBlock> halves;
  for (const WeightBlock& block : blocks) {
    const Range& range = part != nullptr ? block.*part : block.taps[tap];
    const int64_t left = std::min(range.count, quotient_up(range.count, 2 * unit) * unit);
    WeightBlock half = block;
    Range& piece = part != nullptr ? half.*part : half.taps[tap];
    piece = {range.first, left};
    halves.push_back(half);
    piece = {range.first + left, range.count - left};
    if (piece.count > 0) halves.push_back(half);
  }
  blocks = halves;
  return true;
}

// Longer chunks pack less of what windows have in common.
void GradientShape::lengthen_chunks(const WeightBlock& block) {
  const auto fits = [&] {
    return !panels_are_large(block) && !window_is_large(block) &&
           chunk_steps() <= most_chunk_steps &&
           (by_lanes ? slices_of(block).size() == 1
                     : chunk_steps() * order.lanes * pairing <= chunk_terms);
  };
  while (chunks() > 1) {
    chunk_blocks_ *= 2;
    if (fits()) continue;
    chunk_blocks_ /= 2;
    return;
  }
}

// Parts are 2^m chunks, so that the tree over parts is that over chunks: about as many as
// wanted, as far as their sums are small and each is worth a job.
void GradientShape::choose_parts(double wanted) {
  const double room = static_cast<double>(partial_bytes) / bytes(outputs);
  const double most = std::min({wanted, room, work() / min_job, static_cast<double>(chunks())});
  if (most < 2) return;
  part_chunks_ = 1;
  while (parts() > most) part_chunks_ *= 2;
}

}  // namespace nnconv
