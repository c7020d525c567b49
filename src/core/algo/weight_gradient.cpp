// Gradient of the weight: for every tap, a sum of outer products over output pixels and samples, in
// the order that GradientOrder says.
//
//   for each job = (groups, output channels, input channels, taps, part of the chunks)   [threads]
//     for each chunk
//       pack grad_output: panels of vectors
//       pack the window of the input that the taps read, in which terms follow each other
//       for each panel, for each tile of columns = (tap, input channel): kernel
//       add the sums to the stack of the job
//     leave the sums of the part
//   join the sums of the parts                                                           [threads]
//
// Vectors are of one of two kinds, with the same bits:
//
//   channels  output channels; a lane of the order is a run of terms
//   lanes     lanes of the order, over groups; the sums of a channel's lanes are joined at last
//
// What padding leaves out is packed as zeros: right as long as all numbers are finite, and then so
// is the result. Where it is not, all is done again, by channels and without what is left out.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "../scratch.hpp"
#include "algo.hpp"
#include "gradient_window.hpp"
#include "pack.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t panel_bytes = 9 << 17;     // a chunk's panels, to stay in L2
constexpr int64_t window_bytes = 1 << 18;    // and what is packed of the window at a time
constexpr int64_t pixel_numbers = 512;       // of a pixel that are packed at a time into lanes
constexpr int64_t sum_bytes = 8 << 20;       // sums of a job
constexpr int64_t partial_bytes = 16 << 20;  // sums of all parts
constexpr int64_t chunk_terms = 1024;        // of all lanes, where vectors are channels
constexpr int64_t most_chunk_steps = 1024;
constexpr double wanted_jobs = 16, min_job = 2.5e5;
constexpr int64_t lanes_of_order = GradientOrder::most_lanes;

// A part of the weights.
struct Block {
  Range groups, rows, cols, taps[max_spatial];

  int64_t all_taps() const { return taps[0].count * taps[1].count * taps[2].count; }
  int64_t columns() const { return cols.count * all_taps(); }
};

struct Job {
  Block block;
  int64_t part;
};

// Columns whose input is packed at a time.
struct Slice {
  Block block;
  Range columns;
};

// Lines of output pixels of one round, from step `first` of a line on, that read one window.
struct Box {
  int64_t round, k, j, lines, first, steps;
};

// Steps of a line in a chunk: the first is step `step` of all, and reads at `at` of the window.
struct Piece {
  int64_t round, j, k, first, steps, step, at;
};

struct Column {
  int64_t tap[max_spatial], col;
};

// Vectors of rows of a tile: `count` real rows from `first` on.
struct RowTile {
  int64_t first, count;
  int mv;
};

// What one thread keeps from job to job.
struct Workspace {
  Buffer panels, window, tile, lane_sums, sums;
  std::vector<Box> boxes;
  std::vector<Piece> pieces;
  std::vector<Column> columns;
  TermList terms;
  std::vector<char> skipped;  // pieces that these terms leave out
  std::vector<Segment> segments;
};

// Cuts a range into the given number of ranges whose sizes differ by one at most.
std::vector<Range> cut(const Range& whole, int64_t parts) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t first = whole.count * i / parts;
    ranges.push_back({whole.first + first, whole.count * (i + 1) / parts - first});
  }
  return ranges;
}

int64_t quotient_up(int64_t x, int64_t y) { return (x + y - 1) / y; }

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Contraction& c, const Plan& plan, const Context& context, bool exact)
      : c_(c),
        context_(context),
        table_(plan.isa->table<T>()),
        pairing_(c.paired_terms() ? 2 : 1),
        samples_(c.terms / pairing_),
        order_(samples_, c.rows, c.groups, c.a.extents),
        exact_(exact),
        by_lanes_(!exact && plan.by_lanes),
        taps_(c.out_pixels()),
        outputs_(c.rows * c.cols * c.groups * taps_),
        block_steps_(block_terms / pairing_),
        line_pixels_(order_.by_pixel ? order_.lanes : 1) {
    const int64_t all_lanes = order_.by_pixel ? order_.lanes : order_.lanes * c.groups;
    mv_ = all_lanes > table_.vector && 2 * table_.vector <= lanes_of_order ? 2 : 1;
    height_ = static_cast<int64_t>(mv_) * table_.vector;
  }

  void run() {
    if (order_.steps() == 0) {
      std::fill(c_.out, c_.out + outputs_, 0.0);
      return;
    }
    const std::vector<Job> jobs = cut_jobs();
    if (parts() > 1) partial_ = partial_buffer_.template get<T>(parts() * outputs_);
    parallel_for(context_, static_cast<int64_t>(jobs.size()), work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
    if (parts() > 1)
      parallel_ranges(context_, outputs_,
                      [&](int64_t begin, int64_t end) { join_parts(begin, end); });
  }

  // Whether zeros stood for what is not there, next to a number that is not finite.
  bool must_be_exact() const {
    if (exact_ || constant_input() || !packs_zeros()) return false;
    return !std::all_of(c_.out, c_.out + outputs_, [](double x) { return std::isfinite(x); });
  }

 private:
  // ---- sizes ----

  double work() const { return 2.0 * samples_ * pixels() * outputs_; }
  double pixels() const { return static_cast<double>(order_.lines) * c_.a.extents[0]; }
  int64_t chunk_steps() const { return chunk_blocks_ * block_steps_; }
  int64_t chunks() const { return quotient_up(order_.steps(), chunk_steps()); }
  int64_t parts() const { return quotient_up(chunks(), part_chunks_); }

  bool packs_zeros() const {
    if (by_lanes_ && order_.by_pixel) return true;
    for (int i = 0; i < max_spatial; ++i)
      if (c_.axes[i].mode == PadMode::zeros && c_.axes[i].pad_lo + c_.axes[i].pad_hi > 0)
        return true;
    return false;
  }

  // Whole lines of a chunk have a window in common where that is less to pack than a window for
  // each part of a line.
  bool shares_lines() const {
    const int64_t taps = c_.out_extents[1];
    return chunk_steps() >= order_.line_steps &&
           AxisWindow(c_.axes[1], {0, taps}, chunk_lines(), 1).size() * order_.line_steps <
               taps * chunk_steps();
  }
  int64_t chunk_lines() const {
    return std::min(c_.a.extents[1], (chunk_steps() - 2) / order_.line_steps + 2);
  }

  Window window_of(const Block& block) const {
    const int64_t steps = std::min(chunk_steps(), order_.line_steps);
    const int64_t lines = shares_lines() ? chunk_lines() : 1;
    // By pixels, vectors are read at multiples of the lanes.
    return {{AxisWindow(c_.axes[0], block.taps[0], steps * line_pixels_, line_pixels_),
             AxisWindow(c_.axes[1], block.taps[1], lines, 1),
             AxisWindow(c_.axes[2], block.taps[2], 1, 1)}};
  }

  int64_t most_boxes() const {
    const int64_t plane = order_.line_steps * (shares_lines() ? c_.a.extents[1] : 1);
    return std::min((chunk_steps() - 1) / plane + 2, order_.rounds * order_.lines);
  }

  // The window is rows of positions, each of so many numbers.
  int64_t position_size() const { return by_lanes_ && !order_.by_pixel ? height_ : pairing_; }
  int64_t rows_of_a_col(const Block& block) const {
    if (order_.by_pixel) return 1;
    return by_lanes_ ? units_of(block) : order_.lanes;
  }
  int64_t row_pitch(const Window& window) const {
    return apart(most_boxes() * window.size() * position_size());
  }
  // Rows that are written side by side would meet in the cache if they were a power of 2 apart.
  static int64_t apart(int64_t numbers) {
    constexpr int64_t line = 64 / static_cast<int64_t>(sizeof(T));
    return (quotient_up(numbers, line) | 1) * line;
  }
  int64_t unit_pitch() const { return apart(chunk_steps() * height_); }
  // Terms from lane to lane in a panel of channels.
  int64_t lane_terms() const { return chunk_steps() * pairing_ + 1; }
  // Vectors of lanes, `height_` of them each.
  int64_t units_of(const Block& block) const {
    return order_.by_pixel ? lanes_of_order / height_
                           : quotient_up(order_.lanes * block.groups.count, height_);
  }
  int64_t padded_rows(const Block& block) const {
    return quotient_up(block.rows.count, table_.vector) * table_.vector;
  }

  int64_t panel_numbers(const Block& block) const {
    return by_lanes_ ? block.rows.count * units_of(block) * unit_pitch()
                     : padded_rows(block) * order_.lanes * lane_terms();
  }
  int64_t window_numbers(const Block& block, int64_t cols) const {
    if (constant_input() && by_lanes_) return height_;
    return cols * rows_of_a_col(block) * row_pitch(window_of(block));
  }
  // Input channels that are packed at a time.
  std::vector<Range> slices_of(const Block& block) const {
    const int64_t room =
        window_bytes / (window_numbers(block, 1) * static_cast<int64_t>(sizeof(T)));
    return cut(block.cols, quotient_up(block.cols.count, std::max<int64_t>(1, room)));
  }
  // Sums of a block: [column, row], [column, group] of each row.
  int64_t sums_of(const Block& block) const {
    return block.columns() *
           (by_lanes_ ? block.rows.count * block.groups.count : padded_rows(block));
  }
  // The input that the gradient of a bias meets.
  bool constant_input() const { return c_.b.pixel == 0; }

  int stack_depth() const {
    const double sums = static_cast<double>(std::min(chunks(), part_chunks_)) * chunk_blocks_;
    return static_cast<int>(std::ceil(std::log2(sums + 1))) + 1;
  }

  // ---- jobs ----

  // Cuts by the problem alone, until what a chunk packs stays near and the sums of a job are few;
  // then, for there to be jobs for many threads, by parts of the terms, or further.
  std::vector<Job> cut_jobs() {
    std::vector<Block> blocks = whole();
    const auto too_large = [&] {
      const Block& b = blocks.front();
      return panels_are_large(b) || window_is_large(b) ||
             sums_of(b) * stack_depth() * static_cast<int64_t>(sizeof(T)) > sum_bytes;
    };
    while ((too_large() || is_wide(blocks.front())) && cut_further(blocks)) continue;
    lengthen_chunks(blocks.front());
    const auto jobs_of_a_part = [&] { return static_cast<double>(blocks.size()); };
    const auto too_few = [&] {
      return jobs_of_a_part() < wanted_jobs && work() / jobs_of_a_part() > min_job;
    };
    if (too_few()) choose_parts(wanted_jobs / jobs_of_a_part());
    while (parts() == 1 && too_few() && cut_further(blocks)) continue;

    std::vector<Job> jobs;
    for (int64_t part = 0; part < parts(); ++part)
      for (const Block& block : blocks) jobs.push_back({block, part});
    return jobs;
  }

  // Groups are together where vectors reach over them.
  std::vector<Block> whole() const {
    const int64_t together = by_lanes_ && !order_.by_pixel ? c_.groups : 1;
    std::vector<Block> blocks;
    for (int64_t group = 0; group < c_.groups; group += together)
      blocks.push_back({{group, together},
                        {0, c_.rows},
                        {0, c_.cols},
                        {{0, c_.out_extents[0]}, {0, c_.out_extents[1]}, {0, c_.out_extents[2]}}});
    return blocks;
  }

  // Groups of lanes as long as some of their numbers stand together in a pixel.
  bool is_wide(const Block& block) const {
    const int64_t numbers = block.groups.count * std::max(c_.rows, c_.cols) * order_.lanes;
    return block.groups.count > groups_of_a_unit() && numbers > pixel_numbers;
  }
  int64_t groups_of_a_unit() const { return std::max<int64_t>(1, height_ / order_.lanes); }

  bool panels_are_large(const Block& block) const {
    return panel_numbers(block) * static_cast<int64_t>(sizeof(T)) > panel_bytes;
  }
  bool window_is_large(const Block& block) const {
    return window_numbers(block, 1) * static_cast<int64_t>(sizeof(T)) > 8 * window_bytes;
  }

  // Halves all blocks, by what there is most of; the first stays the largest.
  bool cut_further(std::vector<Block>& blocks) const {
    const Block& largest = blocks.front();
    const int64_t unit_groups = groups_of_a_unit();
    const int64_t row_unit = by_lanes_ ? 1 : 2 * table_.vector;
    Range Block::*part = nullptr;
    int tap = -1;
    int64_t unit = 1;
    if (largest.groups.count > unit_groups)
      part = &Block::groups, unit = unit_groups;
    else if (largest.rows.count > row_unit &&
             (panels_are_large(largest) || largest.rows.count > largest.cols.count))
      part = &Block::rows, unit = row_unit;
    else if (largest.cols.count > 1 && !window_is_large(largest))
      part = &Block::cols;
    else
      for (int i = 0; i < max_spatial; ++i)
        if (largest.taps[i].count > 1) tap = i;
    if (part == nullptr && tap < 0) return false;
    std::vector<Block> halves;
    for (const Block& block : blocks) {
      const Range& range = part != nullptr ? block.*part : block.taps[tap];
      const int64_t left = std::min(range.count, quotient_up(range.count, 2 * unit) * unit);
      Block half = block;
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
  void lengthen_chunks(const Block& block) {
    const auto fits = [&] {
      return !panels_are_large(block) && !window_is_large(block) &&
             chunk_steps() <= most_chunk_steps &&
             (by_lanes_ ? slices_of(block).size() == 1
                        : chunk_steps() * order_.lanes * pairing_ <= chunk_terms);
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
  void choose_parts(double wanted) {
    const double room = static_cast<double>(partial_bytes) / (outputs_ * sizeof(T));
    const double most = std::min({wanted, room, work() / min_job, static_cast<double>(chunks())});
    if (most < 2) return;
    part_chunks_ = 1;
    while (parts() > most) part_chunks_ *= 2;
  }

  void run_job(const Job& job, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    const Block& block = job.block;
    const Window window = window_of(block);
    const std::vector<Slice> slices = list_columns(block, w.columns);
    T* const panels = w.panels.template get<T>(panel_numbers(block));
    const int64_t window_size = window_numbers(block, slices.back().block.cols.count);
    T* const input = w.window.template get<T>(window_size);
    clear_padding(block, panels, input, window_size);
    if (constant_input()) std::fill(input, input + window_size, static_cast<T>(c_.b.array.data[0]));
    T* const sums = w.sums.template get<T>(sums_of(block) * stack_depth());
    SumTree tree;
    // Where the sums with the next number go.
    const auto next_sums = [&](int64_t number) {
      const int depth = tree.depth(), joins = tree.joins_before(number);
      join_top(sums, sums_of(block), depth, joins);
      tree.push(number);
      return sums + (depth - joins) * sums_of(block);
    };
    const int64_t end = std::min(chunks(), (job.part + 1) * part_chunks_);
    for (int64_t chunk = job.part * part_chunks_; chunk < end; ++chunk) {
      const int64_t first = chunk * chunk_steps();
      const Range steps{first, std::min(chunk_steps(), order_.steps() - first)};
      list_pieces(steps, window, w);
      w.skipped.clear();
      for (const Piece& piece : w.pieces) pack_panels(block, piece, piece.step - first, panels);
      // Lanes are joined block by block.
      const int64_t together = by_lanes_ ? block_steps_ : chunk_steps();
      for (int64_t step = first; step < steps.end(); step += together) {
        T* const to = next_sums(step / together);
        if (by_lanes_) list_steps({step, std::min(together, steps.end() - step)}, steps, w);
        for (const Slice& slice : slices) {
          if (!constant_input() && (slices.size() > 1 || step == first))
            pack_window(slice.block, window, w.boxes, input);
          if (by_lanes_)
            add_by_lanes(slice, window, panels, input, to, w);
          else
            add_by_channels(slice, window, steps, panels, input, to, w, worker);
          if (worker.stopped()) return;
        }
      }
    }
    const int depth = tree.depth();
    join_top(sums, sums_of(block), depth, tree.joins_at_end());
    leave_sums(job, w.columns, sums);
  }

  // What fills vectors up is multiplied, though it is stored nowhere: zeros, for speed.
  void clear_padding(const Block& block, T* panels, T* input, int64_t window_size) const {
    if (!by_lanes_ && block.rows.count % table_.vector != 0) {
      const RowTile last = row_tiles(block).back();
      std::fill(panels + panel_of(last, block), panels + panel_numbers(block), T(0));
    } else if (by_lanes_ && !order_.by_pixel && order_.lanes * block.groups.count % height_ != 0) {
      std::fill(panels, panels + panel_numbers(block), T(0));
      std::fill(input, input + window_size, T(0));
    }
  }

  // ---- what a chunk reads ----

  // Slice by slice. In one tap by tap where terms are left out of each; else so that a tile's
  // columns read nearly the same lines.
  std::vector<Slice> list_columns(const Block& block, std::vector<Column>& columns) const {
    columns.clear();
    std::vector<Slice> slices;
    for (const Range& some : slices_of(block)) {
      Block slice = block;
      slice.cols = some;
      slices.push_back({slice, {static_cast<int64_t>(columns.size()), slice.columns()}});
      const Range* const taps = block.taps;
      for (int64_t number = 0; number < slice.columns(); ++number) {
        const int64_t in_line = number % (taps[0].count * some.count);
        const int64_t line = number / (taps[0].count * some.count);
        const int64_t tap = exact_ ? in_line / some.count : in_line % taps[0].count;
        const int64_t col = exact_ ? in_line % some.count : in_line / taps[0].count;
        columns.push_back({{taps[0].first + tap, taps[1].first + line % taps[1].count,
                            taps[2].first + line / taps[1].count},
                           some.first + col});
      }
    }
    return slices;
  }

  void list_pieces(const Range& steps, const Window& window, Workspace& w) const {
    const bool shared = shares_lines();
    w.boxes.clear();
    w.pieces.clear();
    for (int64_t step = steps.first; step < steps.end();) {
      const int64_t line = step / order_.line_steps, first = step % order_.line_steps;
      const int64_t count = std::min(order_.line_steps - first, steps.end() - step);
      const int64_t round = line / order_.lines;
      const int64_t j = line % order_.lines % c_.a.extents[1];
      const int64_t k = line % order_.lines / c_.a.extents[1];
      if (shared && !w.boxes.empty() && w.boxes.back().k == k && w.boxes.back().round == round)
        ++w.boxes.back().lines;
      else if (shared)
        w.boxes.push_back({round, k, j, 1, 0, order_.line_steps});
      else
        w.boxes.push_back({round, k, j, 1, first, count});
      const Box& box = w.boxes.back();
      const int64_t at = (static_cast<int64_t>(w.boxes.size()) - 1) * window.size() +
                         (j - box.j) * window.line() + (first - box.first) * line_pixels_;
      w.pieces.push_back({round, j, k, first, count, step, at});
      step += count;
    }
  }

  // The samples of a round.
  int64_t samples_of(int64_t round) const {
    return order_.by_pixel ? 1 : std::min(order_.lanes, samples_ - round * order_.lanes);
  }
  int64_t first_sample(int64_t round) const {
    return order_.by_pixel ? round : round * order_.lanes;
  }

  void pack_window(const Block& block, const Window& window, const std::vector<Box>& boxes,
                   T* to) const {
    const AxisWindow* const axes = window.axes;
    const int64_t pitch = row_pitch(window);
    int64_t base = 0;
    for (const Box& box : boxes) {
      axes[2].for_positions(box.k, 1, [&](int64_t z, int64_t k) {
        axes[1].for_positions(box.j, box.lines, [&](int64_t y, int64_t j) {
          const int64_t line = base + (z * axes[1].size() + y) * window.line();
          axes[0].for_runs(
              box.first * line_pixels_, box.steps * line_pixels_,
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

  void clear_positions(const Block& block, int64_t at, int64_t count, T* to, int64_t pitch) const {
    const int64_t rows = block.cols.count * rows_of_a_col(block);
    for (int64_t row = 0; row < rows; ++row) {
      T* const first = to + row * pitch + at * position_size();
      std::fill(first, first + count * position_size(), T(0));
    }
  }

  // `count` positions of the window, from number `at` on: pixels a stride apart.
  void pack_positions(const Block& block, int64_t round, int64_t pixel, int64_t count, int64_t at,
                      T* to, int64_t pitch) const {
    const Operand& b = c_.b;
    const int64_t samples = samples_of(round), stride = c_.axes[0].stride;
    const int64_t first = block.groups.first * b.group + block.cols.first * b.lane +
                          first_sample(round) * b.term + pixel * b.pixel;
    to += at * position_size();
    if (by_lanes_ && !order_.by_pixel) {
      for (int64_t col = 0; col < block.cols.count; ++col)
        pack_lanes(b, block, samples, b.array.data + first + col * b.lane, stride * b.pixel, count,
                   to + col * units_of(block) * pitch, pitch);
      return;
    }
    const int64_t rows = rows_of_a_col(block);
    if (pairing_ == 2) {
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
  void pack_lanes(const Operand& operand, const Block& block, int64_t samples, const double* from,
                  int64_t from_step, int64_t count, T* to, int64_t unit_pitch) const {
    const bool together = samples == order_.lanes && operand.group == samples;
    const int64_t all = order_.lanes * block.groups.count;
    const LaneRuns lanes = {
        together ? 1 : block.groups.count, operand.group, together ? all : samples,
        together ? all : order_.lanes,     height_,       unit_pitch};
    table_.packing.deal(from, from_step, count, lanes, to);
  }

  // The steps of a piece, the first of which is the step `at` of the chunk.
  void pack_panels(const Block& block, const Piece& piece, int64_t at, T* panels) const {
    const Operand& a = c_.a;
    const int64_t width = a.width();
    const int64_t pixel = a.pixel_number(piece.first * line_pixels_, piece.j, piece.k);
    const double* const from = a.array.data + (block.groups.first * a.group + pixel * a.pixel +
                                               first_sample(piece.round) * a.term) *
                                                  width;
    if (!by_lanes_) {
      for (const RowTile& tile : row_tiles(block))
        pack_channels(tile, piece, from, at, panels + panel_of(tile, block));
      return;
    }
    for (int64_t row = 0; row < block.rows.count; ++row) {
      const double* const from_row = from + (block.rows.first + row) * a.lane;
      T* const to = panels + row * units_of(block) * unit_pitch() + at * height_;
      if (order_.by_pixel)
        pack_line(piece, from_row, to);
      else
        pack_lanes(a, block, samples_of(piece.round), from_row, a.pixel, piece.steps, to,
                   unit_pitch());
    }
  }

  // Pixels of a line into lanes.
  void pack_line(const Piece& piece, const double* from, T* to) const {
    const int64_t pixels =
        std::min(piece.steps * order_.lanes, c_.a.extents[0] - piece.first * order_.lanes);
    const int64_t whole = c_.a.pixel == 1 ? pixels / order_.lanes : 0;
    for (int64_t unit = 0; unit < lanes_of_order / height_; ++unit)
      table_.packing.copy_lines(from + unit * height_, order_.lanes, whole, height_,
                                to + unit * unit_pitch(), height_);
    for (int64_t i = whole * order_.lanes; i < piece.steps * order_.lanes; ++i) {
      const int64_t lane = i % order_.lanes;
      to[lane / height_ * unit_pitch() + i / order_.lanes * height_ + lane % height_] =
          i < pixels ? static_cast<T>(from[i * c_.a.pixel]) : T(0);
    }
  }

  // Channels of a tile's rows, lane by lane.
  void pack_channels(const RowTile& tile, const Piece& piece, const double* from, int64_t at,
                     T* to) const {
    const Operand& a = c_.a;
    const int64_t height = static_cast<int64_t>(tile.mv) * table_.vector;
    const int64_t samples = samples_of(piece.round);
    const int64_t lane_pitch = lane_terms() * height;
    const int64_t pixels =
        std::min(piece.steps * line_pixels_, a.extents[0] - piece.first * line_pixels_);
    const bool plain = !c_.complex_result && !a.array.is_complex && pairing_ == 1;
    if (plain && a.lane == 1 && !order_.by_pixel) {
      table_.packing.copy_lines(from + tile.first, a.pixel, pixels, tile.count, to + at * height,
                                height);
      return;
    }
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t lane = order_.by_pixel ? i % order_.lanes : 0;
      const int64_t step = at + (order_.by_pixel ? i / order_.lanes : i);
      const double* const pixel = from + i * a.pixel * a.width();
      T* const term = to + lane * lane_pitch + step * pairing_ * height;
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
    for (int64_t pair = 0; pair < pairing_; ++pair, to += height)
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

  // ---- by channels ----

  std::vector<RowTile> row_tiles(const Block& block) const {
    int tallest = 1;
    while (table_.widest(TileKind::channels, tallest + 1) != nullptr) ++tallest;
    const int64_t vectors = quotient_up(block.rows.count, table_.vector);
    std::vector<RowTile> tiles;
    for (const Range& some : cut({0, vectors}, quotient_up(vectors, tallest))) {
      const int64_t first = some.first * table_.vector;
      tiles.push_back({block.rows.first + first,
                       std::min(some.count * table_.vector, block.rows.count - first),
                       static_cast<int>(some.count)});
    }
    return tiles;
  }

  // Where the panel of a tile starts.
  int64_t panel_of(const RowTile& tile, const Block& block) const {
    return (tile.first - block.rows.first) * order_.lanes * lane_terms();
  }

  void add_by_channels(const Slice& slice, const Window& window, const Range& steps,
                       const T* panels, const T* input, T* sums, Workspace& w,
                       Worker& worker) const {
    const Block& block = slice.block;
    const int64_t pitch = row_pitch(window), rows = padded_rows(block);
    const Range& columns = slice.columns;
    for (const RowTile& tile : row_tiles(block)) {
      if (worker.stopped()) return;
      const TileKernel<T>& k = *table_.widest(TileKind::channels, tile.mv);
      const int64_t height = static_cast<int64_t>(tile.mv) * table_.vector;
      const int64_t run =
          exact_ ? block.cols.count : columns.count;  // of columns with the same terms
      const T* const panel = panels + panel_of(tile, block);
      for (int64_t first = columns.first, count; first < columns.end(); first += count) {
        count = std::min<int64_t>(k.nr, run - (first - columns.first) % run);
        list_terms(steps, pitch, first, count, w);
        T* const tiles = w.tile.template get<T>(w.terms.max_depth() * height * k.nr);
        const T* at[max_tile_columns];
        for (int64_t j = 0; j < k.nr; ++j) {
          const Column& column = w.columns[first + std::min(j, count - 1)];
          at[j] = input + (column.col - block.cols.first) * rows_of_a_col(block) * pitch +
                  window.at(column.tap[0], column.tap[1], column.tap[2]) * pairing_;
        }
        k.sum(at, 1, panel, w.terms.segments().data(),
              static_cast<int64_t>(w.terms.segments().size()), tiles);
        for (int64_t j = 0; j < count; ++j)
          std::copy(tiles + j * height, tiles + (j + 1) * height,
                    sums + (first + j) * rows + tile.first - block.rows.first);
      }
    }
  }

  // The terms of some columns, made anew where they are not those of the last ones: without lines
  // that none of them reads; where sums must be exact, without all that is not there.
  void list_terms(const Range& steps, int64_t pitch, int64_t first, int64_t count,
                  Workspace& w) const {
    const int64_t lines[2] = {line_of(w.columns[first]), line_of(w.columns[first + count - 1])};
    std::vector<char> skipped;
    for (const Piece& piece : w.pieces) skipped.push_back(is_skipped(piece, lines[0], lines[1]));
    if (!exact_ && skipped == w.skipped) return;
    w.skipped = skipped;
    w.terms.clear();
    std::size_t begin = 0, end;
    for (int64_t block = steps.first; block < steps.end(); block += block_steps_) {
      const int64_t block_end = block + block_steps_;
      while (w.pieces[begin].step + w.pieces[begin].steps <= block) ++begin;
      for (end = begin; end < w.pieces.size() && w.pieces[end].step < block_end;) ++end;
      for (int64_t place = 0; place < lanes_of_order; ++place) {
        // In the order of their blocks.
        const int64_t lane = GradientOrder::index(0, place) / block_terms;
        if (lane >= order_.lanes) continue;
        for (std::size_t p = begin; p < end; ++p)
          if (!skipped[p] && lane_is_there(w.pieces[p], lane))
            add_terms(steps, {block, block_steps_}, w.pieces[p], lane, pitch, w.columns[first],
                      w.terms);
      }
    }
    w.terms.finish();
  }

  int64_t line_of(const Column& column) const {
    return column.tap[1] + c_.out_extents[1] * column.tap[2];
  }

  // Whether no tap of these lines of taps reads there.
  bool is_skipped(const Piece& piece, int64_t first_line, int64_t last_line) const {
    for (int64_t line = first_line; line <= last_line; ++line)
      if (c_.axes[1].source(piece.j, line % c_.out_extents[1]) >= 0 &&
          c_.axes[2].source(piece.k, line / c_.out_extents[1]) >= 0)
        return false;
    return true;
  }

  bool lane_is_there(const Piece& piece, int64_t lane) const {
    return order_.by_pixel || lane < samples_of(piece.round);
  }

  void add_terms(const Range& steps, const Range& block, const Piece& piece, int64_t lane,
                 int64_t pitch, const Column& column, TermList& terms) const {
    const int64_t end = std::min(block.end(), piece.step + piece.steps);
    const bool all = !exact_ && !order_.by_pixel;
    for (int64_t step = std::max(block.first, piece.step), run; step < end; step += run) {
      run = all ? end - step : 1;
      if (!all && !is_there(piece, step, lane, column)) continue;
      const int64_t position = piece.at + (step - piece.step) * line_pixels_;
      const int64_t a =
          order_.by_pixel ? (position + lane) * pairing_ : position * pairing_ + lane * pitch;
      const int64_t b = lane * lane_terms() + (step - steps.first) * pairing_;
      terms.add(GradientOrder::index(step * pairing_, lane), a, b, run * pairing_);
    }
  }

  bool is_there(const Piece& piece, int64_t step, int64_t lane, const Column& column) const {
    const int64_t in_line = piece.first + step - piece.step;
    const int64_t pixel = order_.by_pixel ? in_line * order_.lanes + lane : in_line;
    return pixel < c_.a.extents[0] && (!exact_ || c_.axes[0].source(pixel, column.tap[0]) >= 0);
  }

  // ---- by lanes ----

  // The pieces of a block of steps, for all columns alike.
  void list_steps(const Range& some, const Range& steps, Workspace& w) const {
    w.segments.clear();
    for (const Piece& piece : w.pieces) {
      const int64_t from = std::max(some.first, piece.step);
      const int64_t end = std::min(some.end(), piece.step + piece.steps);
      if (from < end)
        w.segments.push_back({piece.at / line_pixels_ + from - piece.step, from - steps.first,
                              static_cast<int32_t>(end - from), -1});
    }
    w.segments.back().merges = 0;
  }

  void add_by_lanes(const Slice& slice, const Window& window, const T* panels, const T* input,
                    T* sums, Workspace& w) const {
    const Block& block = slice.block;
    const int64_t columns = slice.columns.count, units = units_of(block);
    const int64_t pitch = row_pitch(window), all_columns = static_cast<int64_t>(w.columns.size());
    const int widest = table_.widest(TileKind::lanes, mv_)->nr;
    const int64_t step = constant_input() ? 0 : order_.by_pixel ? order_.lanes : height_;
    T* const lane_sums =
        w.lane_sums.template get<T>(units * columns * height_ + table_.vector * max_tile_vectors);
    const std::vector<Range> tiles = cut({0, columns}, quotient_up(columns, widest));
    for (int64_t row = 0; row < block.rows.count; ++row) {
      for (int64_t unit = 0; unit < units; ++unit) {
        const T* const panel = panels + (row * units + unit) * unit_pitch();
        for (const Range& some : tiles) {
          const T* at[max_tile_columns];
          for (int64_t j = 0; j < some.count; ++j) {
            const Column& column = w.columns[slice.columns.first + some.first + j];
            const int64_t col = column.col - block.cols.first;
            const int64_t from = window.at(column.tap[0], column.tap[1], column.tap[2]);
            at[j] = constant_input()  ? input
                    : order_.by_pixel ? input + col * pitch + from + unit * height_
                                      : input + (col * units + unit) * pitch + from * height_;
          }
          table_.find(TileKind::lanes, mv_, static_cast<int>(some.count))
              ->sum(at, step, panel, w.segments.data(), static_cast<int64_t>(w.segments.size()),
                    lane_sums + (unit * columns + some.first) * height_);
        }
      }
      join_lanes(lane_sums, columns, block.groups.count,
                 sums + (row * all_columns + slice.columns.first) * block.groups.count);
    }
  }

  // From [unit, column, lane of the unit] to [column, group].
  void join_lanes(const T* lane_sums, int64_t columns, int64_t groups, T* sums) const {
    T lanes[lanes_of_order];
    for (int64_t column = 0; column < columns; ++column) {
      const T* unit = lane_sums + column * height_;
      int64_t in_unit = 0;
      for (int64_t group = 0; group < groups; ++group) {
        // Those of a group may stand in several units.
        for (int64_t done = 0; done < order_.lanes;) {
          const int64_t part = std::min(order_.lanes - done, height_ - in_unit);
          for (int64_t lane = 0; lane < part; ++lane) lanes[done + lane] = unit[in_unit + lane];
          done += part;
          in_unit += part;
          if (in_unit < height_) continue;
          in_unit = 0;
          unit += columns * height_;
        }
        *sums++ = order_.lanes == lanes_of_order ? joined(lanes, lanes_of_order)
                                                 : joined(lanes, order_.lanes);
      }
    }
  }

  static inline T joined(T* lanes, int64_t count) {
    if (count == 1) return lanes[0];
    for (int64_t apart = lanes_of_order / 2; apart > 0; apart /= 2)
      for (int64_t lane = 0; lane < apart && lane + apart < count; ++lane)
        lanes[lane] += lanes[lane + apart];
    return lanes[0];
  }

  // ---- sums of parts ----

  // The sums of a job are the result, or wait for those of the other parts.
  void leave_sums(const Job& job, const std::vector<Column>& columns, const T* sums) {
    const Block& block = job.block;
    const int64_t n_columns = static_cast<int64_t>(columns.size()), rows = padded_rows(block);
    for (int64_t number = 0; number < n_columns; ++number) {
      const Column& column = columns[number];
      const int64_t out =
          c_.out_number(column.tap[0], column.tap[1], column.tap[2]) * c_.out_pixel +
          column.col * c_.out_col;
      for (int64_t g = 0; g < block.groups.count; ++g)
        for (int64_t r = 0; r < block.rows.count; ++r) {
          const T sum = by_lanes_ ? sums[(r * n_columns + number) * block.groups.count + g]
                                  : sums[number * rows + r];
          const int64_t at = out + (block.groups.first + g) * c_.out_group + block.rows.first + r;
          if (partial_ == nullptr)
            c_.out[at] = static_cast<double>(sum + T(0));
          else
            partial_[job.part * outputs_ + at] = sum;
        }
    }
  }

  void join_parts(int64_t begin, int64_t end) const {
    SumTree tree;
    std::vector<T*> stack;
    const auto join = [&](int joins) {
      for (; joins > 0; --joins) {
        const T* const right = stack.back();
        stack.pop_back();
        for (int64_t i = begin; i < end; ++i) stack.back()[i] += right[i];
      }
    };
    for (int64_t part = 0; part < parts(); ++part) {
      join(tree.joins_before(part));
      tree.push(part);
      stack.push_back(partial_ + part * outputs_);
    }
    join(tree.joins_at_end());
    for (int64_t i = begin; i < end; ++i) c_.out[i] = static_cast<double>(stack[0][i] + T(0));
  }

  const Contraction& c_;
  const Context& context_;
  const KernelTable<T>& table_;
  const int64_t pairing_, samples_;
  const GradientOrder order_;
  const bool exact_, by_lanes_;
  const int64_t taps_, outputs_;
  const int64_t block_steps_;  // steps of a block of terms
  const int64_t line_pixels_;  // pixels of a step
  int mv_ = 1;                 // of a unit of lanes
  int64_t height_ = 1;
  int64_t chunk_blocks_ = 1;
  int64_t part_chunks_ = int64_t(1) << 40;
  T* partial_ = nullptr;  // sums of all parts, where there are several
  Buffer partial_buffer_;
};

template <class T>
void compute(const Contraction& c, const Plan& plan, const Context& context) {
  WeightGradient<T> gradient(c, plan, context, false);
  gradient.run();
  if (gradient.must_be_exact()) WeightGradient<T>(c, plan, context, true).run();
}

}  // namespace

void weight_gradient(const Contraction& c, bool single, const Plan& plan, const Context& context) {
  if (single)
    compute<float>(c, plan, context);
  else
    compute<double>(c, plan, context);
}

}  // namespace nnconv
