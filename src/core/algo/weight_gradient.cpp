// Gradient of the weight: for every tap, a sum of outer products over output pixels and samples.
// Rows are output channels, columns input channels; the index of a term is
// (number of the output pixel) * (terms of a pixel) + (term).
//
//   for each job = (group, range of row tiles, range of panels, range of taps)        [threads]
//     for each chunk of the terms
//       pack the rows of its pixels, once for all taps
//       for each tap: pack the columns of the pixels that it reads
//         for each panel, for each row tile: kernel, join chunks
//     store
#include <algorithm>
#include <cmath>

#include "../scratch.hpp"
#include "algo.hpp"
#include "pack.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t chunk_terms = 512;  // a power of 2 of blocks
constexpr int64_t stack_bytes = 8 << 20;
constexpr double wanted_jobs = 16, min_job = 2.5e5;

struct Job {
  int64_t group;
  Range tiles, panels, taps;
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

// What one thread keeps from job to job.
struct Workspace {
  Buffer rows, columns, stack;
  std::vector<Piece> row_pieces, column_pieces;
  TermList terms;
  std::vector<SumTree> trees;  // over the chunks of each tap of the job
};

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Contraction& c, const Plan& plan, const Context& context)
      : c_(c),
        tiling_(plan.tiling),
        context_(context),
        table_(plan.isa->table<T>()),
        kernels_{table_.find(tiling_.mv, tiling_.nr), table_.find(tiling_.mv, tiling_.nr - 1)},
        tiles_((c.rows + tiling_.height() - 1) / tiling_.height()),
        taps_(c.out_pixels()),
        pixels_(c.a.extents[0] * c.a.extents[1] * c.a.extents[2]),
        no_bias_(static_cast<std::size_t>(tiling_.nr) * tiling_.vector, T(0)) {
    const double chunks = static_cast<double>(pixels_) * c.terms / chunk_terms + 1;
    depth_ = static_cast<int64_t>(std::ceil(std::log2(chunks))) + 2;
  }

  void run() {
    const std::vector<Job> jobs = cut_jobs();
    const double work = 2.0 * c_.terms * pixels_ * c_.rows * c_.cols * taps_ * c_.groups;
    parallel_for(context_, static_cast<int64_t>(jobs.size()), work,
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
  }

 private:
  int64_t pairing() const { return c_.paired_terms() ? 2 : 1; }
  int64_t tile_size() const { return tiling_.height() * tiling_.nr; }
  // Tiles of the kernel's own stack stand above those of the tree over chunks.
  int64_t stack_size() const { return (depth_ + 5) * tile_size(); }

  // Cuts by the problem alone. Panels first, down to two: the rows, packed for each job, serve
  // all taps; then taps; then rows. Until there are jobs for many threads and stacks are small.
  std::vector<Job> cut_jobs() const {
    int64_t panel_parts = 1, tap_parts = 1, tile_parts = 1;
    const double work = 2.0 * c_.terms * pixels_ * c_.rows * c_.cols * taps_ * c_.groups;
    const auto too_large = [&] {
      const int64_t parts = panel_parts * tap_parts * tile_parts;
      const double stacks =
          static_cast<double>(stack_size()) * sizeof(T) * tiles_ * tiling_.panels * taps_ / parts;
      const double jobs = static_cast<double>(parts) * c_.groups;
      return stacks > stack_bytes || (jobs < wanted_jobs && work / jobs > min_job);
    };
    while (too_large()) {
      if (tiling_.panels / panel_parts > 2)
        panel_parts = std::min(2 * panel_parts, tiling_.panels);
      else if (tap_parts < taps_)
        tap_parts = std::min(2 * tap_parts, taps_);
      else if (tile_parts < tiles_)
        tile_parts = std::min(2 * tile_parts, tiles_);
      else if (panel_parts < tiling_.panels)
        panel_parts = tiling_.panels;
      else
        break;
    }
    std::vector<Job> jobs;
    for (int64_t group = 0; group < c_.groups; ++group)
      for (const Range& tiles : cut(tiles_, tile_parts))
        for (const Range& taps : cut(taps_, tap_parts))
          for (const Range& panels : cut(tiling_.panels, panel_parts))
            jobs.push_back({group, tiles, panels, taps});
    return jobs;
  }

  void run_job(const Job& job, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    const int64_t stacks = job.taps.count * job.panels.count * job.tiles.count;
    T* const stack = w.stack.template get<T>(stacks * stack_size());
    w.trees.assign(job.taps.count, SumTree());
    const int64_t all_terms = pixels_ * c_.terms;
    for (int64_t first = 0; first < all_terms; first += chunk_terms) {
      if (worker.stopped()) return;
      const Range chunk{first, std::min(chunk_terms, all_terms - first)};
      const T* const rows = pack_chunk_rows(job, chunk, w);
      for (int64_t tap = 0; tap < job.taps.count; ++tap) add_chunk(job, chunk, tap, rows, stack, w);
    }
    for (int64_t tap = 0; tap < job.taps.count; ++tap) store(job, tap, stack, w);
  }

  // Calls each(pixel, first term, count) for the pixels that a chunk of terms belongs to.
  template <class Each>
  void each_pixel(const Range& chunk, const Each& each) const {
    for (int64_t index = chunk.first; index < chunk.end();) {
      const int64_t pixel = index / c_.terms, term = index % c_.terms;
      const int64_t count = std::min(c_.terms - term, chunk.end() - index);
      each(pixel, term, count);
      index += count;
    }
  }

  const T* pack_chunk_rows(const Job& job, const Range& chunk, Workspace& w) const {
    T* const rows = w.rows.template get<T>(job.tiles.count * tiling_.height() * chunk.count);
    w.row_pieces.clear();
    int64_t at = 0;
    each_pixel(chunk, [&](int64_t pixel, int64_t term, int64_t count) {
      add_piece(w.row_pieces, pixel * c_.a.terms_apart() + term / pairing(), count, at, pairing());
      at += count;
    });
    for (int64_t tile = 0; tile < job.tiles.count; ++tile)
      pack_rows(c_, job.group, {rows_of(job.tiles.first + tile)}, w.row_pieces, tiling_.height(),
                rows + tile * tiling_.height() * chunk.count);
    return rows;
  }

  RowRun rows_of(int64_t tile) const {
    const int64_t first = tile * tiling_.height();
    return {0, first, std::min(tiling_.height(), c_.rows - first), 0};
  }

  // The terms of one tap in one chunk: those whose pixel reads a pixel of the input.
  void list_terms(const Range& chunk, int64_t tap, Workspace& w) const {
    w.terms.clear();
    w.column_pieces.clear();
    const int64_t* const kernel = c_.out_extents;
    const int64_t t[max_spatial] = {tap % kernel[0], tap / kernel[0] % kernel[1],
                                    tap / kernel[0] / kernel[1]};
    int64_t rows_at = 0, columns_at = 0;
    each_pixel(chunk, [&](int64_t pixel, int64_t term, int64_t count) {
      const int64_t* const out = c_.a.extents;
      const int64_t i = c_.axes[0].source(pixel % out[0], t[0]);
      const int64_t j = c_.axes[1].source(pixel / out[0] % out[1], t[1]);
      const int64_t k = c_.axes[2].source(pixel / out[0] / out[1], t[2]);
      if (i >= 0 && j >= 0 && k >= 0) {
        cut_at_blocks(pixel * c_.terms + term, count, [&](int64_t done, int64_t part) {
          w.terms.add(pixel * c_.terms + term + done, rows_at + done, columns_at + done, part);
        });
        add_piece(w.column_pieces,
                  c_.b.pixel_number(i, j, k) * c_.b.terms_apart() + term / pairing(), count,
                  columns_at, pairing());
        columns_at += count;
      }
      rows_at += count;
    });
    w.terms.finish();
  }

  void add_chunk(const Job& job, const Range& chunk, int64_t tap, const T* rows, T* stack,
                 Workspace& w) const {
    list_terms(chunk, job.taps.first + tap, w);
    if (w.column_pieces.empty()) return;
    const TreeStep step(w.trees[tap], chunk.first / chunk_terms, false);
    T* const columns = w.columns.template get<T>(chunk.count * tiling_.nr);
    for (int64_t panel = 0; panel < job.panels.count; ++panel) {
      const int64_t number = job.panels.first + panel;
      const TileKernel<T>& kernel = kernel_of(number);
      pack_columns(c_, job.group, tiling_.first_col(number), kernel.nr, w.column_pieces, columns);
      for (int64_t tile = 0; tile < job.tiles.count; ++tile) {
        T* const sums =
            stack + ((tap * job.panels.count + panel) * job.tiles.count + tile) * stack_size();
        const T* vectors[max_tile_vectors];
        for (int i = 0; i < tiling_.mv; ++i)
          vectors[i] = rows + tile * tiling_.height() * chunk.count + i * tiling_.vector;
        add_to_stack(kernel, tiling_.vector, step, vectors, tiling_.height(), columns, w.terms,
                     sums);
      }
    }
  }

  void store(const Job& job, int64_t tap, T* stack, Workspace& w) const {
    SumTree& tree = w.trees[tap];
    const int depth = tree.depth();
    const int joins = tree.joins_at_end();
    TileRows rows;
    for (int64_t panel = 0; panel < job.panels.count; ++panel) {
      const int64_t number = job.panels.first + panel;
      const TileKernel<T>& kernel = kernel_of(number);
      double* const out = c_.out + job.group * c_.out_group +
                          (job.taps.first + tap) * c_.out_pixel +
                          tiling_.first_col(number) * c_.out_col;
      for (int64_t tile = 0; tile < job.tiles.count; ++tile) {
        T* const sums =
            stack + ((tap * job.panels.count + panel) * job.tiles.count + tile) * stack_size();
        const int64_t size = tiling_.height() * kernel.nr;
        if (depth == 0) std::fill(sums, sums + size, T(0));
        join_top(sums, size, depth, joins);
        const RowRun run = rows_of(job.tiles.first + tile);
        std::vector<int64_t> offsets(run.count);
        for (int64_t r = 0; r < run.count; ++r) offsets[r] = run.row + r;
        rows.place(offsets, tiling_.vector, tiling_.mv);
        store_tile(kernel, tiling_.vector, sums, no_bias_.data(), rows, out, c_.out_col);
      }
    }
  }

  const TileKernel<T>& kernel_of(int64_t panel) const {
    return *kernels_[tiling_.width(panel) == tiling_.nr ? 0 : 1];
  }

  const Contraction& c_;
  const Tiling& tiling_;
  const Context& context_;
  const KernelTable<T>& table_;
  const TileKernel<T>* const kernels_[2];  // of the wide panels, of the narrow ones
  const int64_t tiles_, taps_, pixels_;
  const std::vector<T> no_bias_;
  int64_t depth_;
};

}  // namespace

void weight_gradient(const Contraction& c, bool single, const Plan& plan, const Context& context) {
  if (single)
    WeightGradient<float>(c, plan, context).run();
  else
    WeightGradient<double>(c, plan, context).run();
}

}  // namespace nnconv
