// Gradient of the weight: for every tap, a sum of outer products over output pixels and samples.
// Rows are output channels, columns input channels; the index of a term is
// (number of the output pixel) * (terms of a pixel) + (term).
//
//   for each job = (group, row tiles, panels, tap groups, part of the chunks of terms)  [threads]
//     for each chunk
//       pack the rows of its pixels
//       for each tap group, for each panel
//         pack the columns of the pixels that its taps read
//         for each tap, for each row tile: kernel, join chunks
//     leave the sums of the part
//   join the sums of the parts, store                                                   [threads]
//
// The taps of a group differ along the first dimension alone, so what they read of a line of the
// input is one window, packed once. Where dilation would make windows of holes, a tap is a group.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "../scratch.hpp"
#include "algo.hpp"
#include "pack.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t chunk_terms = 512;         // a power of 2 of blocks
constexpr int64_t stack_bytes = 8 << 20;     // sums of a job
constexpr int64_t partial_bytes = 16 << 20;  // sums of all parts
constexpr int64_t widest_window = 8;         // pixels packed for each that a tap reads
constexpr double wanted_jobs = 16, min_job = 2.5e5;

struct Job {
  int64_t group, part;
  Range tiles, panels, tap_groups;
};

// Cuts [0, count) into the given number of ranges whose sizes differ by one at most.
std::vector<Range> cut(int64_t count, int64_t parts) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t first = count * i / parts;
    ranges.push_back({first, count * (i + 1) / parts - first});
  }
  return ranges;
}

// Output pixels of a chunk that stand along the first dimension: `pixels` of them from (i, j, k)
// on, the first of whose terms has the given index.
struct Line {
  int64_t i, j, k, pixels, index;
};

// Positions of the padded input along the first dimension, first, first + step, ..., whose
// columns are packed from term `at` of a panel on; nothing where count is 0.
struct Window {
  int64_t first, count, at;
};

// What one thread keeps from job to job.
struct Workspace {
  Buffer rows, columns, stack;
  std::vector<Piece> row_pieces, column_pieces;
  std::vector<Line> lines;
  std::vector<Window> windows;  // of each line
  std::vector<TermList> terms;  // of each tap of a group
  std::vector<TreeStep> steps;  // likewise
  std::vector<SumTree> trees;   // over the chunks of each tap of the job
};

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Contraction& c, const Plan& plan, const Context& context)
      : c_(c),
        tiling_(plan.tiling),
        context_(context),
        kernels_{plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr),
                 plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr - 1)},
        pairing_(c.paired_terms() ? 2 : 1),
        tiles_((c.rows + tiling_.height() - 1) / tiling_.height()),
        taps_(c.out_pixels()),
        all_terms_(c.a.extents[0] * c.a.extents[1] * c.a.extents[2] * c.terms),
        chunks_((all_terms_ + chunk_terms - 1) / chunk_terms),
        no_bias_(static_cast<std::size_t>(tiling_.nr) * tiling_.vector, T(0)) {}

  void run() {
    if (all_terms_ == 0) return store_zeros();
    choose_tap_groups();
    const std::vector<Job> jobs = cut_jobs();
    if (parts() > 1) {
      partial_ = partial_buffer_.template get<T>(parts() * units() * tile_size());
      is_present_.assign(parts() * units(), 0);
    }
    parallel_for(context_, static_cast<int64_t>(jobs.size()), work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
    if (parts() > 1)
      parallel_for(context_, units(), static_cast<double>(parts() * units() * tile_size()),
                   [&](int64_t unit, Worker&) { join_parts(unit); });
  }

 private:
  // ---- units: tiles of the result, by (group, tap, panel, row tile) ----

  int64_t units() const { return c_.groups * taps_ * tiling_.panels * tiles_; }
  int64_t unit_of(int64_t group, int64_t tap, int64_t panel, int64_t tile) const {
    return ((group * taps_ + tap) * tiling_.panels + panel) * tiles_ + tile;
  }
  int64_t tile_size() const { return tiling_.height() * tiling_.nr; }
  const TileKernel<T>& kernel_of(int64_t panel) const {
    return *kernels_[tiling_.width(panel) == tiling_.nr ? 0 : 1];
  }
  RowRun rows_of(int64_t tile) const {
    const int64_t first = tile * tiling_.height();
    return {0, first, std::min(tiling_.height(), c_.rows - first), 0};
  }

  // ---- tap groups, jobs ----

  double work() const { return 2.0 * all_terms_ * c_.rows * c_.cols * taps_ * c_.groups; }
  int64_t parts() const { return (chunks_ + part_chunks_ - 1) / part_chunks_; }

  void choose_tap_groups() {
    const Axis& axis = c_.axes[0];
    const int64_t pixels = std::max<int64_t>(1, std::min(axis.out, chunk_terms / c_.terms));
    const int64_t step = std::gcd(axis.stride, axis.dilation);
    const int64_t span =
        ((pixels - 1) * axis.stride + (axis.kernel - 1) * axis.dilation) / step + 1;
    const bool shares = span <= pixels * std::min(axis.kernel, widest_window);
    group_taps_ = shares ? axis.kernel : 1;
    window_step_ = shares ? step : axis.stride;
  }

  // Cuts by the problem alone, until the sums of a job fit its stacks; then, for there to be jobs
  // for many threads, by parts of the terms where sums are few, else further.
  std::vector<Job> cut_jobs() {
    const int64_t tap_groups = taps_ / group_taps_;
    int64_t panel_parts = 1, tap_parts = 1, tile_parts = 1;
    const auto jobs_of_a_part = [&] {
      return static_cast<double>(panel_parts * tap_parts * tile_parts * c_.groups);
    };
    const auto stacks_fit = [&] {
      return static_cast<double>(stack_size()) * sizeof(T) * units() / jobs_of_a_part() <=
             stack_bytes;
    };
    const auto too_few = [&] {
      return jobs_of_a_part() < wanted_jobs && work() / jobs_of_a_part() > min_job;
    };
    // Panels down to two: the rows, packed for each job, serve all its panels and taps.
    const auto cut_further = [&] {
      if (tiling_.panels / panel_parts > 2)
        panel_parts = std::min(2 * panel_parts, tiling_.panels);
      else if (tap_parts < tap_groups)
        tap_parts = std::min(2 * tap_parts, tap_groups);
      else if (tile_parts < tiles_)
        tile_parts = std::min(2 * tile_parts, tiles_);
      else if (panel_parts < tiling_.panels)
        panel_parts = tiling_.panels;
      else
        return false;
      return true;
    };
    while (!stacks_fit() && cut_further()) continue;
    if (too_few()) choose_parts(wanted_jobs / jobs_of_a_part());
    while (parts() == 1 && too_few() && cut_further()) continue;

    std::vector<Job> jobs;
    for (int64_t group = 0; group < c_.groups; ++group)
      for (int64_t part = 0; part < parts(); ++part)
        for (const Range& tiles : cut(tiles_, tile_parts))
          for (const Range& some_taps : cut(tap_groups, tap_parts))
            for (const Range& panels : cut(tiling_.panels, panel_parts))
              jobs.push_back({group, part, tiles, panels, some_taps});
    return jobs;
  }

  // Parts are 2^m chunks, so that the tree over parts is that over chunks: about as many as
  // wanted, as far as their sums are small and each is worth a job.
  void choose_parts(double wanted) {
    const double room = static_cast<double>(partial_bytes) / (units() * tile_size() * sizeof(T));
    const double most = std::min({wanted, room, work() / min_job, static_cast<double>(chunks_)});
    if (most < 2) return;
    part_chunks_ = 1;
    while (parts() > most) part_chunks_ *= 2;
  }

  // Of the tree over the chunks of a part, and of the kernel's own above it.
  int64_t stack_size() const {
    const double most = static_cast<double>(std::min(chunks_, part_chunks_));
    return (static_cast<int64_t>(std::ceil(std::log2(most + 1))) + 7) * tile_size();
  }

  void run_job(const Job& job, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    const int64_t job_taps = job.tap_groups.count * group_taps_;
    T* const stacks =
        w.stack.template get<T>(job_taps * job.panels.count * job.tiles.count * stack_size());
    w.trees.assign(job_taps, SumTree());
    const int64_t end_chunk = std::min(chunks_, (job.part + 1) * part_chunks_);
    for (int64_t number = job.part * part_chunks_; number < end_chunk; ++number) {
      if (worker.stopped()) return;
      const int64_t first = number * chunk_terms;
      const Range chunk{first, std::min(chunk_terms, all_terms_ - first)};
      list_lines(chunk, w.lines);
      const T* const rows = pack_chunk_rows(job, chunk, w);
      for (int64_t i = 0; i < job.tap_groups.count && !worker.stopped(); ++i)
        add_chunk(job, chunk, number, i, rows, stacks, w);
    }
    if (worker.stopped()) return;
    leave_sums(job, stacks, w);
  }

  // ---- one chunk ----

  void list_lines(const Range& chunk, std::vector<Line>& lines) const {
    const int64_t* const out = c_.a.extents;
    lines.clear();
    const int64_t end = (chunk.end() - 1) / c_.terms + 1;
    for (int64_t pixel = chunk.first / c_.terms; pixel < end;) {
      const int64_t i = pixel % out[0];
      const int64_t pixels = std::min(out[0] - i, end - pixel);
      lines.push_back(
          {i, pixel / out[0] % out[1], pixel / out[0] / out[1], pixels, pixel * c_.terms});
      pixel += pixels;
    }
  }

  const T* pack_chunk_rows(const Job& job, const Range& chunk, Workspace& w) const {
    T* const rows = w.rows.template get<T>(job.tiles.count * tiling_.height() * chunk.count);
    w.row_pieces.clear();
    for (int64_t index = chunk.first; index < chunk.end();) {
      const int64_t pixel = index / c_.terms, term = index % c_.terms;
      const int64_t count = std::min(c_.terms - term, chunk.end() - index);
      add_piece(w.row_pieces, pixel * c_.a.terms_apart() + term / pairing_, count,
                index - chunk.first, pairing_);
      index += count;
    }
    for (int64_t tile = 0; tile < job.tiles.count; ++tile)
      pack_rows(c_, job.group, {rows_of(job.tiles.first + tile)}, w.row_pieces, tiling_.height(),
                rows + tile * tiling_.height() * chunk.count);
    return rows;
  }

  // The windows of the lines for a group of taps that starts with tap t, and what is packed for
  // them; returns the terms of a panel.
  int64_t list_windows(const int64_t (&t)[max_spatial], Workspace& w) const {
    const Axis& axis = c_.axes[0];
    const int64_t beyond = (group_taps_ - 1) * axis.dilation;
    int64_t at = 0;
    w.windows.clear();
    w.column_pieces.clear();
    for (const Line& line : w.lines) {
      const int64_t j = c_.axes[1].source(line.j, t[1]);
      const int64_t k = c_.axes[2].source(line.k, t[2]);
      Window window{line.i * axis.stride + t[0] * axis.dilation - axis.pad_lo, 0, at};
      if (j >= 0 && k >= 0)
        window.count = ((line.pixels - 1) * axis.stride + beyond) / window_step_ + 1;
      for (int64_t n = 0; n < window.count; ++n) {
        const int64_t i = axis.inside(window.first + n * window_step_);
        if (i >= 0)
          add_piece(w.column_pieces, c_.b.pixel_number(i, j, k) * c_.b.terms_apart(), c_.terms,
                    at + n * c_.terms, pairing_);
      }
      at += window.count * c_.terms;
      w.windows.push_back(window);
    }
    return at;
  }

  // The terms of the tap that is `beyond` positions after the first of its group.
  void list_terms(const Range& chunk, int64_t beyond, const Workspace& w, TermList& terms) const {
    const Axis& axis = c_.axes[0];
    terms.clear();
    for (std::size_t l = 0; l < w.lines.size(); ++l) {
      const Line& line = w.lines[l];
      const Window& window = w.windows[l];
      if (window.count == 0) continue;
      for (int64_t m = 0, run; m < line.pixels; m += run) {
        run = 1;
        const int64_t v = window.first + m * axis.stride + beyond;
        if (axis.inside(v) < 0) continue;
        // Pixels whose columns follow each other in the window go together.
        if (axis.stride == window_step_)
          while (m + run < line.pixels && axis.inside(v + run * axis.stride) >= 0) ++run;
        const int64_t begin = line.index + m * c_.terms;
        const int64_t first = std::max(begin, chunk.first);
        const int64_t end = std::min(begin + run * c_.terms, chunk.end());
        const int64_t b = window.at + (v - window.first) / window_step_ * c_.terms + first - begin;
        cut_at_blocks(first, end - first, [&](int64_t done, int64_t part) {
          terms.add(first + done, first - chunk.first + done, b + done, part);
        });
      }
    }
    terms.finish();
  }

  void add_chunk(const Job& job, const Range& chunk, int64_t number, int64_t group_in_job,
                 const T* rows, T* stacks, Workspace& w) const {
    const int64_t first_tap = (job.tap_groups.first + group_in_job) * group_taps_;
    const int64_t* const kernel = c_.out_extents;
    const int64_t t[max_spatial] = {first_tap % kernel[0], first_tap / kernel[0] % kernel[1],
                                    first_tap / kernel[0] / kernel[1]};
    const int64_t panel_terms = list_windows(t, w);
    if (w.column_pieces.empty()) return;
    w.terms.resize(group_taps_);
    w.steps.clear();
    for (int64_t tap = 0; tap < group_taps_; ++tap) {
      list_terms(chunk, tap * c_.axes[0].dilation, w, w.terms[tap]);
      SumTree& tree = w.trees[group_in_job * group_taps_ + tap];
      // A tap that reads nothing in this chunk has no sum of it.
      w.steps.push_back(w.terms[tap].empty() ? TreeStep() : TreeStep(tree, number, false));
    }
    T* const columns = w.columns.template get<T>(panel_terms * tiling_.nr);
    for (int64_t panel = 0; panel < job.panels.count; ++panel) {
      const TileKernel<T>& k = kernel_of(job.panels.first + panel);
      pack_columns(c_, job.group, tiling_.first_col(job.panels.first + panel), k.nr,
                   w.column_pieces, columns);
      for (int64_t tap = 0; tap < group_taps_; ++tap) {
        if (w.terms[tap].empty()) continue;
        for (int64_t tile = 0; tile < job.tiles.count; ++tile) {
          const T* vectors[max_tile_vectors];
          for (int i = 0; i < tiling_.mv; ++i)
            vectors[i] = rows + tile * tiling_.height() * chunk.count + i * tiling_.vector;
          add_to_stack(k, tiling_.vector, w.steps[tap], vectors, tiling_.height(), columns,
                       w.terms[tap],
                       stack_of(job, group_in_job * group_taps_ + tap, panel, tile, stacks));
        }
      }
    }
  }

  T* stack_of(const Job& job, int64_t tap, int64_t panel, int64_t tile, T* stacks) const {
    return stacks + ((tap * job.panels.count + panel) * job.tiles.count + tile) * stack_size();
  }

  // ---- sums of parts ----

  // The sums of a job are the result, or wait for those of the other parts.
  void leave_sums(const Job& job, T* stacks, Workspace& w) {
    for (std::size_t tap = 0; tap < w.trees.size(); ++tap) {
      SumTree& tree = w.trees[tap];
      const int depth = tree.depth();
      const int joins = tree.joins_at_end();
      for (int64_t panel = 0; panel < job.panels.count; ++panel)
        for (int64_t tile = 0; tile < job.tiles.count; ++tile) {
          T* const sums = stack_of(job, tap, panel, tile, stacks);
          join_top(sums, tiling_.height() * kernel_of(job.panels.first + panel).nr, depth, joins);
          if (depth == 0) std::fill(sums, sums + tile_size(), T(0));
          const int64_t unit = unit_of(job.group, job.tap_groups.first * group_taps_ + tap,
                                       job.panels.first + panel, job.tiles.first + tile);
          if (parts() == 1) {
            store(unit, sums);
          } else {
            std::copy(sums, sums + tile_size(), partial(job.part, unit));
            is_present_[job.part * units() + unit] = depth > 0;
          }
        }
    }
  }

  T* partial(int64_t part, int64_t unit) const {
    return partial_ + (part * units() + unit) * tile_size();
  }

  void join_parts(int64_t unit) const {
    SumTree tree;
    std::vector<T*> sums;
    const auto join = [&](int joins) {
      for (; joins > 0; --joins) {
        const T* const right = sums.back();
        sums.pop_back();
        for (int64_t i = 0; i < tile_size(); ++i) sums.back()[i] += right[i];
      }
    };
    for (int64_t part = 0; part < parts(); ++part) {
      if (!is_present_[part * units() + unit]) continue;
      join(tree.joins_before(part));
      tree.push(part);
      sums.push_back(partial(part, unit));
    }
    join(tree.joins_at_end());
    // A part without terms has left zeros.
    store(unit, sums.empty() ? partial(0, unit) : sums.back());
  }

  // The gradient where there are no samples.
  void store_zeros() const {
    const std::vector<T> zeros(tile_size(), T(0));
    for (int64_t unit = 0; unit < units(); ++unit) store(unit, zeros.data());
  }

  void store(int64_t unit, const T* sums) const {
    const int64_t tile = unit % tiles_, panel = unit / tiles_ % tiling_.panels;
    const int64_t tap = unit / tiles_ / tiling_.panels % taps_;
    const int64_t group = unit / tiles_ / tiling_.panels / taps_;
    const RowRun run = rows_of(tile);
    std::vector<int64_t> offsets(run.count);
    std::iota(offsets.begin(), offsets.end(), run.row);
    TileRows rows;
    rows.place(offsets, tiling_.vector, tiling_.mv);
    double* const out =
        c_.out + group * c_.out_group + tap * c_.out_pixel + tiling_.first_col(panel) * c_.out_col;
    store_tile(kernel_of(panel), tiling_.vector, sums, no_bias_.data(), rows, out, c_.out_col);
  }

  const Contraction& c_;
  const Tiling& tiling_;
  const Context& context_;
  const TileKernel<T>* const kernels_[2];  // of the wide panels, of the narrow ones
  const int64_t pairing_, tiles_, taps_, all_terms_, chunks_;
  const std::vector<T> no_bias_;
  int64_t group_taps_ = 1, window_step_ = 1;
  int64_t part_chunks_ = int64_t(1) << 62;
  T* partial_ = nullptr;  // sums of all parts, where there are several
  Buffer partial_buffer_;
  std::vector<char> is_present_;
};

}  // namespace

void weight_gradient(const Contraction& c, bool single, const Plan& plan, const Context& context) {
  if (single)
    WeightGradient<float>(c, plan, context).run();
  else
    WeightGradient<double>(c, plan, context).run();
}

}  // namespace nnconv
