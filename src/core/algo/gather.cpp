// Forward and gradient of the input: every result position gathers what its axis map lists.
//
//   for each slab of column panels (their packed B fits the scratch)
//     pack the slab
//     for each job = (class of positions, range of row vectors, range of panels)      [threads]
//       for each group of row tiles
//         for each chunk of the terms
//           pack the rows (or point at them)
//           for each panel, for each tile: kernel, join chunks; after the last chunk: store
#include <algorithm>
#include <memory>

#include "../scratch.hpp"
#include "algo.hpp"
#include "pack.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t slab_bytes = 32 << 20;    // packed B, shared by all threads
constexpr int64_t rows_bytes = 512 << 10;   // packed rows of a group of tiles
constexpr int64_t chunk_bytes = 1 << 20;    // packed rows of one tile and one chunk
constexpr double min_job = 2.5e5, max_job = 1.6e7;  // operations
constexpr double wanted_jobs = 64;

// Positions of the result whose lists are the same up to a shift: a product of axis classes.
struct PositionClass {
  const AxisClass* axes[max_spatial];

  int64_t positions() const { return axes[0]->count * axes[1]->count * axes[2]->count; }
};

// Walks the positions of a class, first dimension fastest.
class PositionWalk {
 public:
  PositionWalk(const PositionClass& positions, int64_t at) : axes_(positions.axes) {
    for (int i = 0; i < max_spatial; ++i) {
      at_[i] = at % axes_[i]->count;
      at /= axes_[i]->count;
    }
  }
  void next() {
    for (int i = 0; i < max_spatial && ++at_[i] == axes_[i]->count && i + 1 < max_spatial; ++i)
      at_[i] = 0;
  }
  int64_t out(int i) const { return axes_[i]->first + at_[i] * axes_[i]->step; }
  int64_t base(int i) const { return axes_[i]->base + at_[i] * axes_[i]->base_step; }

 private:
  const AxisClass* const* axes_;
  int64_t at_[max_spatial];
};

// An aligned part of the terms of a class: what the kernel sums, and what is packed for it.
struct Chunk {
  int64_t number = 0;
  int64_t packed_terms = 0;
  TermList terms;
  std::vector<Piece> pieces;
};

struct Job {
  int64_t position_class;
  int64_t first_vector, vectors;  // of the class's rows
  int64_t first_unit, units;      // a unit is one panel of one group
};

// What one thread keeps from job to job.
template <class T>
struct Workspace {
  int64_t position_class = -1;
  std::vector<Chunk> chunks;
  int depth = 0;  // tiles of a kernel's stack
  std::vector<TileRows> tile_rows;
  std::vector<std::vector<const T*>> tile_vectors;
  Buffer rows, stack;
};

template <class T>
class Gather {
 public:
  Gather(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : c_(c),
        plan_(plan),
        tiling_(plan.tiling),
        context_(context),
        table_(plan.isa->table<T>()),
        kernels_{table_.find(tiling_.mv, tiling_.nr), table_.find(tiling_.mv, tiling_.nr - 1)} {
    for (int i = 0; i < max_spatial; ++i) axes_[i] = axis_classes(c.axes[i], side);
    for (const AxisClass& k : axes_[2])
      for (const AxisClass& j : axes_[1])
        for (const AxisClass& i : axes_[0]) classes_.push_back({{&i, &j, &k}});
    taps_ = c.b.extents[0] * c.b.extents[1] * c.b.extents[2];
    // A chunk is 2^m blocks, so that the tree over chunks is the tree over blocks.
    chunk_terms_ = block_terms;
    while (chunk_terms_ * 2 * tiling_.height() * static_cast<int64_t>(sizeof(T)) <= chunk_bytes)
      chunk_terms_ *= 2;
    for (int i = 0; i < std::max(1, context.threads); ++i)
      workspaces_.push_back(std::make_unique<Workspace<T>>());
  }

  void run() {
    const int64_t units = c_.groups * tiling_.panels;
    const int64_t bias_size = static_cast<int64_t>(tiling_.nr) * tiling_.vector;
    bias_ = bias_buffer_.template get<T>(units * bias_size);
    for (int64_t unit = 0; unit < units; ++unit)
      expand_bias(c_, group_of(unit), tiling_.first_col(panel_of(unit)),
                  tiling_.width(panel_of(unit)), tiling_.vector, bias_ + unit * bias_size);
    const int64_t unit_bytes = taps_ * c_.terms * tiling_.nr * static_cast<int64_t>(sizeof(T));
    const int64_t slab_units = std::max<int64_t>(1, slab_bytes / std::max<int64_t>(1, unit_bytes));
    for (int64_t first = 0; first < units; first += slab_units) {
      const int64_t count = std::min(slab_units, units - first);
      pack_slab(first, count);
      run_slab(first, count);
    }
  }

 private:
  int64_t group_of(int64_t unit) const { return unit / tiling_.panels; }
  int64_t panel_of(int64_t unit) const { return unit % tiling_.panels; }
  const TileKernel<T>& kernel_of(int64_t panel) const {
    return *kernels_[tiling_.width(panel) == tiling_.nr ? 0 : 1];
  }
  int64_t tile_size() const { return tiling_.height() * tiling_.nr; }
  T* packed_unit(int64_t unit) {
    return slab_ + (unit - first_unit_) * taps_ * c_.terms * tiling_.nr;
  }

  // The weights of all taps, by panel: [width, terms, taps].
  void pack_slab(int64_t first, int64_t count) {
    first_unit_ = first;
    const int64_t per_unit = taps_ * c_.terms * tiling_.nr;
    slab_ = slab_buffer_.template get<T>(count * per_unit);
    // Parts small enough for an interrupt between them.
    const int64_t part_taps =
        std::max<int64_t>(1, (1 << 20) / std::max<int64_t>(1, c_.terms * tiling_.nr));
    const int64_t parts = (taps_ + part_taps - 1) / part_taps;
    parallel_for(context_, count * parts, static_cast<double>(count * per_unit),
                 [&](int64_t chunk, Worker&) {
                   const int64_t unit = first + chunk / parts;
                   const int64_t first_tap = chunk % parts * part_taps;
                   std::vector<Piece> pieces;
                   for (int64_t tap = first_tap; tap < std::min(taps_, first_tap + part_taps); ++tap)
                     pieces.push_back({tap, 0, c_.terms, tap * c_.terms});
                   const int64_t panel = panel_of(unit);
                   pack_columns(c_, group_of(unit), tiling_.first_col(panel), tiling_.width(panel),
                                pieces, packed_unit(unit));
                 });
  }

  void run_slab(int64_t first, int64_t count) {
    double work = 0;
    const std::vector<Job> jobs = cut_jobs(first, count, work);
    parallel_for(context_, static_cast<int64_t>(jobs.size()), work,
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
  }

  int64_t vectors_of(const PositionClass& positions) const {
    return (positions.positions() * c_.rows + tiling_.vector - 1) / tiling_.vector;
  }

  // Cuts by the problem alone: rows first, then panels, into jobs that are worth a thread's
  // while and short enough for an interrupt.
  std::vector<Job> cut_jobs(int64_t first, int64_t count, double& work) const {
    const auto tile_work = [&](const PositionClass& positions) {
      double terms = static_cast<double>(c_.terms);
      for (const AxisClass* axis : positions.axes) terms *= axis->entries.size();
      return 2.0 * (terms + 8) * tiling_.height() * tiling_.nr;
    };
    const auto tiles_of = [&](const PositionClass& positions) {
      return (vectors_of(positions) + tiling_.mv - 1) / tiling_.mv;
    };
    for (const PositionClass& positions : classes_)
      work += tile_work(positions) * tiles_of(positions) * count;
    const double target = std::min(max_job, std::max(min_job, work / wanted_jobs));

    std::vector<Job> jobs;
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const int64_t vectors = vectors_of(classes_[i]);
      const double row_work = tile_work(classes_[i]) * count;
      const int64_t job_tiles = std::max<int64_t>(1, static_cast<int64_t>(target / row_work));
      const int64_t job_units = std::max<int64_t>(
          1, std::min<int64_t>(count, static_cast<int64_t>(target / tile_work(classes_[i]))));
      for (int64_t v = 0; v < vectors; v += job_tiles * tiling_.mv)
        for (int64_t u = 0; u < count; u += job_units)
          jobs.push_back({static_cast<int64_t>(i), v, std::min(job_tiles * tiling_.mv, vectors - v),
                          first + u, std::min(job_units, count - u)});
    }
    return jobs;
  }

  // The lists of a class: for each slot in the written order, the terms of its pixel.
  void list_terms(int64_t position_class, Workspace<T>& w) {
    if (w.position_class == position_class) return;
    w.position_class = position_class;
    w.chunks.clear();
    const auto& axes = classes_[position_class].axes;
    for (const AxisEntry& k : axes[2]->entries)
      for (const AxisEntry& j : axes[1]->entries)
        for (const AxisEntry& i : axes[0]->entries) {
          const int64_t slot = i.slot + axes[0]->slots * (j.slot + axes[1]->slots * k.slot);
          const int64_t tap = c_.b.pixel_number(i.tap, j.tap, k.tap);
          const int64_t pixel = c_.a.pixel_number(i.position, j.position, k.position);
          add_entry(slot * c_.terms, tap, pixel, w);
        }
    w.depth = 1;
    for (Chunk& chunk : w.chunks) {
      chunk.terms.finish();
      w.depth = std::max(w.depth, chunk.terms.max_depth());
    }
  }

  void add_entry(int64_t index, int64_t tap, int64_t pixel, Workspace<T>& w) {
    cut_at_blocks(index, c_.terms, [&](int64_t term, int64_t count) {
      const int64_t number = (index + term) / chunk_terms_;
      if (w.chunks.empty() || w.chunks.back().number != number) {
        w.chunks.emplace_back();
        w.chunks.back().number = number;
      }
      Chunk& chunk = w.chunks.back();
      const int64_t in_place = pixel * (c_.a.pixel / c_.a.term) + term;
      chunk.terms.add(index + term, plan_.packs_rows ? chunk.packed_terms : in_place,
                      tap * c_.terms + term, count);
      chunk.pieces.push_back({pixel, term, count, chunk.packed_terms});
      chunk.packed_terms += count;
    });
  }

  void run_job(const Job& job, Worker& worker) {
    Workspace<T>& w = *workspaces_[worker.index()];
    list_terms(job.position_class, w);
    int64_t most_terms = 1;
    for (const Chunk& chunk : w.chunks) most_terms = std::max(most_terms, chunk.packed_terms);
    const int64_t tile_bytes = most_terms * tiling_.height() * static_cast<int64_t>(sizeof(T));
    const bool one_chunk = w.chunks.size() <= 1;
    const int64_t block_tiles = one_chunk ? std::max<int64_t>(1, rows_bytes / tile_bytes) : 1;

    const int64_t end_unit = job.first_unit + job.units;
    for (int64_t unit = job.first_unit; unit < end_unit;) {
      const int64_t group_end = std::min(end_unit, (group_of(unit) + 1) * tiling_.panels);
      for (int64_t v = 0; v < job.vectors && !worker.stopped(); v += block_tiles * tiling_.mv) {
        const int64_t vectors = std::min(block_tiles * tiling_.mv, job.vectors - v);
        run_block(job, job.first_vector + v, vectors, unit, group_end, most_terms, worker, w);
      }
      unit = group_end;
    }
  }

  // Some tiles of rows times the panels [unit, end_unit) of one group.
  void run_block(const Job& job, int64_t first_vector, int64_t vectors, int64_t unit,
                 int64_t end_unit, int64_t most_terms, Worker& worker, Workspace<T>& w) {
    const int64_t tiles = (vectors + tiling_.mv - 1) / tiling_.mv;
    const int64_t group = group_of(unit);
    const PositionClass& positions = classes_[job.position_class];
    T* const rows = plan_.packs_rows
                        ? w.rows.template get<T>(tiles * tiling_.height() * most_terms)
                        : nullptr;
    std::vector<std::vector<RowRun>> runs(tiles);
    w.tile_rows.resize(tiles);
    w.tile_vectors.resize(tiles);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t first = first_vector + tile * tiling_.mv;
      if (plan_.packs_rows)
        place_packed(positions, first, runs[tile], w.tile_rows[tile]);
      else
        place_in_place(positions, group, first, std::min<int64_t>(tiling_.mv, vectors - tile * tiling_.mv),
                       w.tile_vectors[tile], w.tile_rows[tile]);
    }

    // With several chunks a tile's sums wait on a stack of their own; depth: of the tree over
    // chunks and, above it, of the kernel's own.
    const int64_t stack_depth = (w.chunks.size() > 1 ? 48 : 0) + w.depth + 1;
    const int64_t stacks = w.chunks.size() > 1 ? tiles * (end_unit - unit) : 1;
    T* const stack = w.stack.template get<T>(stacks * stack_depth * tile_size());
    SumTree tree;
    const auto each_tile = [&](const auto& body) {
      for (int64_t u = unit; u < end_unit; ++u)
        for (int64_t tile = 0; tile < tiles; ++tile) {
          const int64_t number = stacks == 1 ? 0 : (u - unit) * tiles + tile;
          body(u, tile, stack + number * stack_depth * tile_size());
        }
    };
    for (const Chunk& chunk : w.chunks) {
      if (worker.stopped()) return;
      if (plan_.packs_rows)
        for (int64_t tile = 0; tile < tiles; ++tile)
          pack_rows(c_, group, runs[tile], chunk.pieces, tiling_.height(),
                    rows + tile * tiling_.height() * most_terms);
      const int depth = tree.depth();
      const int joins = tree.joins_before(chunk.number);
      const bool last = &chunk == &w.chunks.back();
      tree.push(chunk.number);
      const int final_depth = tree.depth();
      const int final_joins = last ? tree.joins_at_end() : 0;
      each_tile([&](int64_t u, int64_t tile, T* tiles_of_stack) {
        const TileKernel<T>& kernel = kernel_of(panel_of(u));
        const int64_t size = tiling_.height() * kernel.nr;
        const T* vectors_of_tile[max_tile_vectors];
        for (int i = 0; i < tiling_.mv; ++i)
          vectors_of_tile[i] = plan_.packs_rows ? rows + tile * tiling_.height() * most_terms + i * tiling_.vector
                                                : w.tile_vectors[tile][i];
        join_top(tiles_of_stack, size, depth, joins);
        kernel.sum(vectors_of_tile, plan_.packs_rows ? tiling_.height() : c_.a.term * c_.a.width(),
                   packed_unit(u), chunk.terms.segments().data(),
                   static_cast<int64_t>(chunk.terms.segments().size()),
                   tiles_of_stack + (depth - joins) * size);
        join_top(tiles_of_stack, size, final_depth, final_joins);
        if (last) store(u, tiles_of_stack, w.tile_rows[tile]);
      });
    }
    if (w.chunks.empty())
      each_tile([&](int64_t u, int64_t tile, T* zeros) {
        std::fill(zeros, zeros + tile_size(), T(0));
        store(u, zeros, w.tile_rows[tile]);
      });
  }

  void store(int64_t unit, const T* sums, const TileRows& rows) const {
    const int64_t group = group_of(unit), panel = panel_of(unit);
    const TileKernel<T>& kernel = kernel_of(panel);
    const T* const bias = bias_ + unit * tiling_.nr * tiling_.vector;
    double* const out = c_.out + group * c_.out_group + tiling_.first_col(panel) * c_.out_col;
    store_tile(kernel, tiling_.vector, sums, bias, rows, out, c_.out_col);
  }

  int64_t out_offset(const PositionWalk& at) const {
    return c_.out_number(at.out(0), at.out(1), at.out(2)) * c_.out_pixel;
  }
  int64_t base_pixel(const PositionWalk& at) const {
    return c_.a.pixel_number(at.base(0), at.base(1), at.base(2));
  }

  // Rows of a tile where whole vectors are read in place. A tile at the end of its class reads
  // its last vector again and stores it once.
  void place_in_place(const PositionClass& positions, int64_t group, int64_t first, int64_t count,
                      std::vector<const T*>& vectors, TileRows& rows) const {
    const int64_t per_position = c_.rows / tiling_.vector;
    PositionWalk at(positions, first / per_position);
    int64_t part = first % per_position;
    vectors.resize(tiling_.mv);
    rows.clear(tiling_.mv);
    for (int64_t i = 0; i < tiling_.mv; ++i) {
      if (i >= count) {
        vectors[i] = vectors[i - 1];
        continue;
      }
      const double* data = c_.a.array.data;
      vectors[i] = reinterpret_cast<const T*>(
          data + (base_pixel(at) * c_.a.pixel + group * c_.a.group) * c_.a.width() +
          part * tiling_.vector);
      rows.vectors[i] = out_offset(at) + part * tiling_.vector;
      if (++part < per_position) continue;
      part = 0;
      at.next();
    }
  }

  // Rows of a tile to be packed: runs of the rows of one position after the other.
  void place_packed(const PositionClass& positions, int64_t first_vector,
                    std::vector<RowRun>& runs, TileRows& rows) const {
    const int64_t first = first_vector * tiling_.vector;
    const int64_t count =
        std::min(tiling_.height(), positions.positions() * c_.rows - first);
    std::vector<int64_t> offsets;
    PositionWalk at(positions, first / c_.rows);
    int64_t row = first % c_.rows;
    for (int64_t done = 0; done < count; at.next(), row = 0) {
      const int64_t here = std::min(c_.rows - row, count - done);
      runs.push_back({base_pixel(at), row, here, done});
      for (int64_t r = 0; r < here; ++r) offsets.push_back(out_offset(at) + row + r);
      done += here;
    }
    rows.place(offsets, tiling_.vector, tiling_.mv);
  }

  const Contraction& c_;
  const Plan& plan_;
  const Tiling& tiling_;
  const Context& context_;
  const KernelTable<T>& table_;
  const TileKernel<T>* const kernels_[2];  // of the wide panels, of the narrow ones
  std::vector<AxisClass> axes_[max_spatial];
  std::vector<PositionClass> classes_;
  int64_t taps_, chunk_terms_, first_unit_ = 0;
  Buffer slab_buffer_, bias_buffer_;
  T* slab_ = nullptr;  // packed B of the units from first_unit_ on
  T* bias_ = nullptr;  // of all units
  std::vector<std::unique_ptr<Workspace<T>>> workspaces_;
};

}  // namespace

void gather(const Contraction& c, MapSide side, bool single, const Plan& plan,
            const Context& context) {
  if (single)
    Gather<float>(c, side, plan, context).run();
  else
    Gather<double>(c, side, plan, context).run();
}

}  // namespace nnconv
