// Forward and gradient of the input: every result position gathers what its axis map lists.
//
//   for each slab of column panels (whose packed B fits the scratch)
//     pack the slab
//     for each job = (class of positions, range of row vectors, range of panels)      [threads]
//       for each block of row tiles, for each group of channels
//         for each chunk of the terms
//           pack the rows, or point at them
//           for each panel, for each tile: kernel, join chunks; after the last chunk: store
#include <algorithm>

#include "../scratch.hpp"
#include "algo.hpp"
#include "rows.hpp"

namespace nnconv {

namespace {

constexpr int64_t block_bytes = 512 << 10;          // packed rows of a block of tiles
constexpr int64_t chunk_bytes = 1 << 20;            // packed rows of one tile and one chunk
constexpr double min_job = 2.5e5, max_job = 1.6e7;  // operations
constexpr double wanted_jobs = 64;

// An aligned part of the terms of a class: what the kernel sums, and what is packed for it.
struct Chunk {
  int64_t number = 0;
  int64_t packed_terms = 0;
  TermList terms;
  std::vector<Piece> pieces;
};

// A unit is one panel of one group.
struct Job {
  int64_t position_class;
  Range vectors, units;
};

// What one thread keeps from job to job.
template <class T>
struct Workspace {
  int64_t position_class = -1;
  std::vector<Chunk> chunks;
  int64_t chunk_terms = 0;  // packed terms of the largest chunk
  int kernel_depth = 0;     // tiles of a kernel's stack
  std::vector<Tile> tiles;  // of the block of rows
  Buffer panels, stack;
};

template <class T>
class Gather {
 public:
  Gather(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : c_(c),
        side_(side),
        tiling_(plan.tiling),
        context_(context),
        kernels_{plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr),
                 plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr - 1)},
        taps_(c.b.extents[0] * c.b.extents[1] * c.b.extents[2]),
        pairing_(c.paired_terms() ? 2 : 1),
        layout_(c, plan) {
    for (int i = 0; i < max_spatial; ++i) maps_[i] = axis_map(c.axes[i], side, context);
    for (const AxisClass& k : maps_[2].classes)
      for (const AxisClass& j : maps_[1].classes)
        for (const AxisClass& i : maps_[0].classes) classes_.push_back(layout_.class_of(i, j, k));
    // A chunk is 2^m blocks, so that the tree over chunks is the tree over blocks.
    while (chunk_terms_ * 2 * tiling_.height() * static_cast<int64_t>(sizeof(T)) <= chunk_bytes)
      chunk_terms_ *= 2;
  }

  void run() {
    if (!(maps_[0].complete && maps_[1].complete && maps_[2].complete)) fill_with_bias();
    place_operand();
    expand_biases();
    const int64_t unit_bytes = unit_size() * static_cast<int64_t>(sizeof(T));
    const int64_t slab_units = std::max<int64_t>(1, packed_columns_bytes / unit_bytes);
    for (int64_t first = 0; first < units(); first += slab_units) {
      slab_units_ = {first, std::min(slab_units, units() - first)};
      pack_slab();
      run_slab();
    }
  }

 private:
  // ---- units, panels, kernels ----

  int64_t units() const { return c_.groups * tiling_.panels; }
  int64_t group_of(int64_t unit) const { return unit / tiling_.panels; }
  int64_t panel_of(int64_t unit) const { return unit % tiling_.panels; }
  int width_of(int64_t unit) const { return tiling_.width(panel_of(unit)); }
  int64_t first_col_of(int64_t unit) const { return tiling_.first_col(panel_of(unit)); }
  const TileKernel<T>& kernel_of(int64_t unit) const {
    return *kernels_[width_of(unit) == tiling_.nr ? 0 : 1];
  }
  int64_t unit_size() const { return taps_ * c_.terms * tiling_.nr; }  // of packed B
  int64_t bias_size() const { return static_cast<int64_t>(tiling_.nr) * tiling_.vector; }
  int64_t tile_size() const { return tiling_.height() * tiling_.nr; }
  T* packed_unit(int64_t unit) const { return slab_ + (unit - slab_units_.first) * unit_size(); }

  // ---- operands ----

  // Where vectors are read in place: the array itself, or its copy in single precision.
  void place_operand() {
    const bool any = std::any_of(classes_.begin(), classes_.end(),
                                 [](const PositionClass& one) { return one.in_place; });
    if (!any) return;
    if constexpr (sizeof(T) == sizeof(double)) {
      in_place_ = c_.a.array.data;
    } else {
      const int64_t size =
          c_.a.pixel * c_.a.width() * c_.a.extents[0] * c_.a.extents[1] * c_.a.extents[2];
      T* const copy = copy_buffer_.template get<T>(size);
      const double* const data = c_.a.array.data;
      parallel_ranges(context_, size, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) copy[i] = static_cast<T>(data[i]);
      });
      in_place_ = copy;
    }
  }

  // For the positions that read nothing, which are in no class.
  void fill_with_bias() const {
    const int64_t channels = c_.groups * c_.cols;
    parallel_ranges(context_, c_.rows * channels * c_.out_pixels(), [&](int64_t i, int64_t end) {
      while (i < end) {
        const int64_t column = i / c_.rows;
        const double bias[] = {T(0) + bias_of<T>(c_, column % channels, 0),
                               T(0) + bias_of<T>(c_, column % channels, 1)};
        for (const int64_t stop = std::min(end, (column + 1) * c_.rows); i < stop; ++i)
          c_.out[i] = bias[(i - column * c_.rows) % 2];
      }
    });
  }

  void expand_biases() {
    bias_ = bias_buffer_.template get<T>(units() * bias_size());
    for (int64_t unit = 0; unit < units(); ++unit)
      expand_bias(c_, group_of(unit) * c_.cols + first_col_of(unit), width_of(unit), tiling_.vector,
                  bias_ + unit * bias_size());
  }

  // B of the units of the slab, by unit: [width, terms, taps].
  void pack_slab() {
    slab_ = slab_buffer_.template get<T>(slab_units_.count * unit_size());
    // Parts small enough for a poll between them.
    const int64_t part_taps = std::max<int64_t>(1, (1 << 20) / (c_.terms * tiling_.nr));
    const int64_t parts = (taps_ + part_taps - 1) / part_taps;
    const double work = static_cast<double>(slab_units_.count * unit_size());
    parallel_for(context_, slab_units_.count * parts, work, [&](int64_t chunk, Worker&) {
      const int64_t unit = slab_units_.first + chunk / parts;
      const int64_t first = chunk % parts * part_taps;
      std::vector<Piece> pieces;
      for (int64_t tap = first; tap < std::min(taps_, first + part_taps); ++tap)
        add_piece(pieces, tap * c_.b.terms_apart(), c_.terms, tap * c_.terms, pairing_);
      pack_columns(c_, group_of(unit), first_col_of(unit), width_of(unit), pieces,
                   packed_unit(unit));
    });
  }

  // ---- classes and jobs ----

  // The jobs of a class are a grid of ranges of vectors by ranges of units.
  struct JobGrid {
    int64_t first_job, vectors, units;  // of the whole; of one job
  };

  struct Jobs {
    std::vector<JobGrid> grids;
    int64_t count = 0;
    double work = 0;
  };

  // Cuts by the problem alone: rows first, then units, into jobs that are worth a thread's while
  // and short enough for a poll between them.
  Jobs cut_jobs() const {
    Jobs jobs;
    const int64_t units = slab_units_.count;
    const auto tile_work = [&](const PositionClass& positions) {
      return 2.0 * (positions.entries() * c_.terms + 8) * tile_size();
    };
    for (const PositionClass& positions : classes_)
      jobs.work += tile_work(positions) * (positions.vectors / tiling_.mv + 1) * units;
    const double target = std::min(max_job, std::max(min_job, jobs.work / wanted_jobs));

    for (const PositionClass& positions : classes_) {
      const double work = tile_work(positions);
      const int64_t tiles = std::max<int64_t>(1, static_cast<int64_t>(target / (work * units)));
      const JobGrid grid{
          jobs.count, tiles * tiling_.mv,
          std::max<int64_t>(1, std::min(units, static_cast<int64_t>(target / work)))};
      jobs.grids.push_back(grid);
      jobs.count += parts(positions.vectors, grid.vectors) * parts(units, grid.units);
    }
    return jobs;
  }

  static int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

  Job job_of(const Jobs& jobs, int64_t number) const {
    const auto after =
        std::upper_bound(jobs.grids.begin(), jobs.grids.end(), number,
                         [](int64_t job, const JobGrid& grid) { return job < grid.first_job; });
    const JobGrid& grid = *(after - 1);
    const int64_t position_class = after - 1 - jobs.grids.begin();
    const int64_t across = parts(slab_units_.count, grid.units);
    const int64_t v = (number - grid.first_job) / across * grid.vectors;
    const int64_t u = (number - grid.first_job) % across * grid.units;
    return {position_class,
            {v, std::min(grid.vectors, classes_[position_class].vectors - v)},
            {slab_units_.first + u, std::min(grid.units, slab_units_.count - u)}};
  }

  void run_slab() const {
    const Jobs jobs = cut_jobs();
    parallel_for(context_, jobs.count, jobs.work,
                 [&](int64_t job, Worker& worker) { run_job(job_of(jobs, job), worker); });
  }

  void run_job(const Job& job, Worker& worker) const {
    Workspace<T>& w = worker.local<Workspace<T>>();
    list_terms(job.position_class, w);
    const PositionClass& positions = classes_[job.position_class];
    const int64_t block_vectors = tiling_.mv * block_tiles(job, positions, w);
    for (int64_t v = job.vectors.first; v < job.vectors.end(); v += block_vectors) {
      place_tiles(positions, {v, std::min(block_vectors, job.vectors.end() - v)}, w);
      for (Range units{job.units.first, 0}; units.first < job.units.end();
           units.first = units.end()) {
        if (worker.stopped()) return;
        const int64_t group_end = (group_of(units.first) + 1) * tiling_.panels;
        units.count = std::min(job.units.end(), group_end) - units.first;
        run_block(positions, units, worker, w);
      }
    }
  }

  // So many that what they read stays in a cache: for all groups of the job where rows are read in
  // place, for the groups of a pixel stand side by side; else what is packed for one group.
  int64_t block_tiles(const Job& job, const PositionClass& positions, const Workspace<T>& w) const {
    if (w.chunks.size() > 1) return 1;
    const int64_t groups =
        positions.in_place ? group_of(job.units.end() - 1) - group_of(job.units.first) + 1 : 1;
    const int64_t tile_bytes = std::max<int64_t>(1, w.chunk_terms) * groups * tiling_.height() *
                               static_cast<int64_t>(sizeof(T));
    return std::max<int64_t>(1, block_bytes / tile_bytes);
  }

  // ---- terms of a class ----

  // For each slot in the written order, the terms of its pixel.
  void list_terms(int64_t position_class, Workspace<T>& w) const {
    if (w.position_class == position_class) return;
    w.position_class = position_class;
    const PositionClass& positions = classes_[position_class];
    const auto& axes = positions.axes;
    std::vector<AxisEntry> lists[max_spatial];
    for (int i = 0; i < max_spatial; ++i) lists[i] = entries_of(c_.axes[i], side_, *axes[i]);
    w.chunks.assign(1, Chunk());
    for (const AxisEntry& k : lists[2])
      for (const AxisEntry& j : lists[1])
        for (const AxisEntry& i : lists[0]) {
          const int64_t slot = i.slot + axes[0]->slots * (j.slot + axes[1]->slots * k.slot);
          const int64_t tap = c_.b.pixel_number(i.tap, j.tap, k.tap);
          const int64_t pixel = c_.a.pixel_number(i.position, j.position, k.position);
          add_terms(positions.in_place, slot * c_.terms, tap, pixel, w);
        }
    w.kernel_depth = 1;
    w.chunk_terms = 0;
    for (Chunk& chunk : w.chunks) {
      chunk.terms.finish();
      w.kernel_depth = std::max(w.kernel_depth, chunk.terms.max_depth());
      w.chunk_terms = std::max(w.chunk_terms, chunk.packed_terms);
    }
  }

  void add_terms(bool in_place, int64_t index, int64_t tap, int64_t pixel, Workspace<T>& w) const {
    cut_at_blocks(index, c_.terms, [&](int64_t term, int64_t count) {
      const int64_t number = (index + term) / chunk_terms_;
      if (w.chunks.back().number != number) {
        if (w.chunks.back().packed_terms > 0) w.chunks.emplace_back();
        w.chunks.back().number = number;
      }
      Chunk& chunk = w.chunks.back();
      const int64_t from = pixel * c_.a.terms_apart() + term / pairing_;
      chunk.terms.add(index + term, in_place ? from : chunk.packed_terms, tap * c_.terms + term,
                      count);
      if (!in_place) add_piece(chunk.pieces, from, count, chunk.packed_terms, pairing_);
      chunk.packed_terms += count;
    });
  }

  // ---- sums ----

  void place_tiles(const PositionClass& positions, Range vectors, Workspace<T>& w) const {
    w.tiles.resize((vectors.count + tiling_.mv - 1) / tiling_.mv);
    for (std::size_t t = 0; t < w.tiles.size(); ++t) {
      const int64_t before = static_cast<int64_t>(t) * tiling_.mv;
      if (positions.in_place)
        layout_.place_in_place(
            positions,
            {vectors.first + before, std::min<int64_t>(tiling_.mv, vectors.count - before)},
            w.tiles[t]);
      else
        layout_.place_packed(positions, vectors.first + before, t * panel_size(w), w.tiles[t]);
    }
  }

  int64_t panel_size(const Workspace<T>& w) const { return tiling_.height() * w.chunk_terms; }

  // The tiles of a block of rows times the given units of one group.
  void run_block(const PositionClass& positions, Range units, Worker& worker,
                 Workspace<T>& w) const {
    const int64_t group = group_of(units.first);
    const int64_t tiles = static_cast<int64_t>(w.tiles.size());
    T* const panels =
        positions.in_place ? nullptr : w.panels.template get<T>(tiles * panel_size(w));
    const T* const rows =
        positions.in_place ? in_place_ + group * c_.a.group * c_.a.width() : panels;
    const int64_t row_step = positions.in_place ? c_.a.term * c_.a.width() : tiling_.height();

    // Where there are several chunks, the sums of a tile and unit wait on a stack of their own.
    const bool several = w.chunks.size() > 1;
    const int64_t stack_size = (w.kernel_depth + (several ? max_chunk_depth : 0)) * tile_size();
    T* const stacks = w.stack.template get<T>(stack_size * (several ? tiles * units.count : 1));
    SumTree tree;
    for (const Chunk& chunk : w.chunks) {
      if (worker.stopped()) return;
      if (!positions.in_place)
        for (int64_t t = 0; t < tiles; ++t)
          pack_rows(c_, group, w.tiles[t].runs, chunk.pieces, tiling_.height(),
                    panels + t * panel_size(w));
      const TreeStep step(tree, chunk.number, &chunk == &w.chunks.back());
      for (int64_t unit = units.first; unit < units.end(); ++unit)
        for (int64_t t = 0; t < tiles; ++t) {
          T* const stack =
              several ? stacks + ((unit - units.first) * tiles + t) * stack_size : stacks;
          const T* vectors[max_tile_vectors];
          for (int i = 0; i < tiling_.mv; ++i) vectors[i] = rows + w.tiles[t].vectors[i];
          add_to_stack(kernel_of(unit), tiling_.vector, step, vectors, row_step, packed_unit(unit),
                       chunk.terms, stack);
          if (step.is_last) store(unit, stack, w.tiles[t].rows);
        }
    }
  }

  void store(int64_t unit, const T* sums, const TileRows& rows) const {
    double* const out = c_.out + group_of(unit) * c_.out_group + first_col_of(unit) * c_.out_col;
    store_tile(kernel_of(unit), tiling_.vector, sums, bias_ + unit * bias_size(), rows, out,
               c_.out_col);
  }

  const Contraction& c_;
  const MapSide side_;
  const Tiling& tiling_;
  const Context& context_;
  const TileKernel<T>* const kernels_[2];  // of the wide panels, of the narrow ones
  const int64_t taps_, pairing_;
  const RowLayout layout_;
  int64_t chunk_terms_ = block_terms;
  AxisMap maps_[max_spatial];
  std::vector<PositionClass> classes_;
  const T* in_place_ = nullptr;  // A, as far as it is read where it stands
  T* bias_ = nullptr;            // of all units
  T* slab_ = nullptr;            // packed B of slab_units_
  Range slab_units_{0, 0};
  Buffer copy_buffer_, bias_buffer_, slab_buffer_;
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
