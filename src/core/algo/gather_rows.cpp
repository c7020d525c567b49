// Forward and gradient of the input by tiles whose vectors are rows of the result, positions and
// samples; columns (the weight) are packed.
//
//   for each slab of column panels (whose packed B fits the scratch)
//     pack the slab
//     for each job = (class of positions, range of row tiles, range of panels)        [threads]
//       for each block of row tiles, for each group of channels
//         for each chunk of the terms
//           pack the rows, or point at them
//           for each panel, for each tile: kernel, join chunks; after the last chunk: store
#include <algorithm>
#include <cmath>

#include "gather.hpp"
#include "rows.hpp"

namespace nnconv {

namespace {

constexpr int64_t block_bytes = 512 << 10;  // packed rows of a block of tiles

// What one thread keeps from job to job.
struct Workspace {
  int64_t position_class = -1;
  EntryLists entries;
  ChunkList terms;
  std::vector<Tile> tiles;  // of the block of rows
  Buffer panels, stack;
};

template <class T>
class GatherRows : Gather<T> {
 public:
  GatherRows(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : Gather<T>(c, side, plan, context),
        kernels_{plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr),
                 plan.isa->table<T>().find(TileKind::rows, tiling_.mv, tiling_.nr - 1)},
        pairing_(c.paired_terms() ? 2 : 1),
        repairs_(plan.repairs),
        layout_(c, plan) {
    classes_.reserve(this->number_of_classes());
    this->for_each_class(
        [&](const PositionClass& one) { classes_.push_back(layout_.class_of(one)); });
  }

  void run() {
    this->fill_where_nothing_is_read(repairs_);
    if (std::any_of(classes_.begin(), classes_.end(),
                    [](const RowClass& one) { return one.in_place; }))
      this->place_operand();
    expand_biases();
    this->for_each_slab(units(), unit_size(), packed_columns_bytes, [&] {
      this->pack_slab(unit_size(), [&](int64_t unit, Range taps) { pack_unit(unit, taps); });
      run_slab();
    });
  }

 private:
  using Gather<T>::c_;
  using Gather<T>::tiling_;
  using Gather<T>::context_;
  using Gather<T>::taps_;
  using Gather<T>::slab_units_;
  using Gather<T>::tile_size;

  // ---- units: panels of all groups ----

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
  T* packed_unit(int64_t unit) const {
    return this->slab_ + (unit - slab_units_.first) * unit_size();
  }

  void expand_biases() {
    bias_ = bias_buffer_.template get<T>(units() * bias_size());
    for (int64_t unit = 0; unit < units(); ++unit)
      expand_bias(c_, group_of(unit) * c_.cols + first_col_of(unit), width_of(unit), tiling_.vector,
                  bias_ + unit * bias_size());
  }

  // B of a unit: [width, terms, taps].
  void pack_unit(int64_t unit, Range taps) const {
    std::vector<Piece> pieces;
    for (int64_t tap = taps.first; tap < taps.end(); ++tap)
      add_piece(pieces, tap * c_.b.terms_apart(), c_.terms, tap * c_.terms, pairing_);
    pack_columns(c_, group_of(unit), first_col_of(unit), width_of(unit), pieces, packed_unit(unit));
  }

  // ---- jobs ----

  void run_slab() const {
    std::vector<Jobs::ClassWork> work;
    work.reserve(classes_.size());
    for (const RowClass& positions : classes_)
      work.push_back({(positions.vectors + tiling_.mv - 1) / tiling_.mv,
                      2.0 * (positions.entries() * c_.terms + 8) * tile_size()});
    const Jobs jobs(work, slab_units_, slab_units_.count, Jobs::Inner::units);
    parallel_for(context_, jobs.count(), jobs.work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
  }

  void run_job(const Job& job, Worker& worker) const {
    Workspace& w = worker.local<Workspace>();
    list_terms(job.position_class, w);
    const RowClass& positions = classes_[job.position_class];
    const int64_t end = std::min(job.tiles.end() * tiling_.mv, positions.vectors);
    const int64_t block_vectors = tiling_.mv * block_tiles(job, positions, w);
    for (int64_t v = job.tiles.first * tiling_.mv; v < end; v += block_vectors) {
      place_tiles(positions, {v, std::min(block_vectors, end - v)}, w);
      if (repairs_) drop_finite_tiles(job.units, w);
      if (w.tiles.empty()) continue;
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
  int64_t block_tiles(const Job& job, const RowClass& positions, const Workspace& w) const {
    if (w.terms.several()) return 1;
    const int64_t groups =
        positions.in_place ? group_of(job.units.end() - 1) - group_of(job.units.first) + 1 : 1;
    const int64_t tile_bytes = std::max<int64_t>(1, w.terms.largest()) * groups * tiling_.height() *
                               static_cast<int64_t>(sizeof(T));
    return std::max<int64_t>(1, block_bytes / tile_bytes);
  }

  // ---- terms and tiles of a class ----

  void list_terms(int64_t position_class, Workspace& w) const {
    if (w.position_class == position_class) return;
    w.position_class = position_class;
    const RowClass& positions = classes_[position_class];
    w.terms.start(this->chunk_terms_);
    this->for_each_slot(positions, w.entries, [&](int64_t index, int64_t tap, int64_t pixel) {
      w.terms.add(index, c_.terms, [&](Chunk& chunk, int64_t term, int64_t count) {
        const int64_t from = pixel * c_.a.terms_apart() + term / pairing_;
        chunk.terms.add(index + term, positions.in_place ? from : chunk.packed_terms,
                        tap * c_.terms + term, count);
        if (!positions.in_place) add_piece(chunk.pieces, from, count, chunk.packed_terms, pairing_);
      });
    });
    w.terms.finish();
  }

  void place_tiles(const RowClass& positions, Range vectors, Workspace& w) const {
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

  // Tiles whose results in all units are finite need no repair.
  void drop_finite_tiles(Range units, Workspace& w) const {
    const auto is_finite = [&](const Tile& tile) {
      bool finite = true;
      for (int64_t unit = units.first; unit < units.end(); ++unit)
        for_each_stored(tile.rows, tiling_.vector, width_of(unit), out_of(unit), c_.out_col,
                        [&](double value, int64_t, int64_t) { finite &= std::isfinite(value); });
      return finite;
    };
    w.tiles.erase(std::remove_if(w.tiles.begin(), w.tiles.end(), is_finite), w.tiles.end());
  }

  int64_t panel_size(const Workspace& w) const { return tiling_.height() * w.terms.largest(); }

  // ---- sums ----

  // The tiles of a block of rows times the given units of one group.
  void run_block(const RowClass& positions, Range units, Worker& worker, Workspace& w) const {
    const int64_t group = group_of(units.first);
    const int64_t tiles = static_cast<int64_t>(w.tiles.size());
    T* const panels = positions.in_place
                          ? nullptr
                          : w.panels.template get<T>(w.tiles.back().vectors[0] + panel_size(w));
    const T* const rows =
        positions.in_place ? this->in_place_ + group * c_.a.group * c_.a.width() : panels;
    const int64_t row_step = positions.in_place ? c_.a.term * c_.a.width() : tiling_.height();

    // Where there are several chunks, the sums of a tile and unit wait on a stack of their own.
    const bool several = w.terms.several();
    const int64_t stack_size =
        (w.terms.kernel_depth() + (several ? max_chunk_depth : 0)) * tile_size();
    T* const stacks = w.stack.template get<T>(stack_size * (several ? tiles * units.count : 1));
    SumTree tree;
    for (const Chunk& chunk : w.terms.chunks()) {
      if (worker.stopped()) return;
      if (!positions.in_place)
        for (int64_t t = 0; t < tiles; ++t)
          pack_rows(c_, group, w.tiles[t].runs, chunk.pieces, tiling_.height(),
                    panels + w.tiles[t].vectors[0]);
      const TreeStep step(tree, chunk.number, &chunk == &w.terms.chunks().back());
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
    const TileKernel<T>& kernel = kernel_of(unit);
    const T* const bias = bias_ + unit * bias_size();
    if (!repairs_)
      return store_tile(kernel, tiling_.vector, sums, bias, rows, out_of(unit), c_.out_col,
                        this->streams_);
    for_each_stored(rows, tiling_.vector, kernel.nr, out_of(unit), c_.out_col,
                    [&](double& value, int64_t row, int64_t col) {
                      if (!std::isfinite(value))
                        value = (sums[col * tiling_.height() + row] + T(0)) +
                                bias[col * tiling_.vector + row % tiling_.vector];
                    });
  }

  double* out_of(int64_t unit) const {
    return c_.out + group_of(unit) * c_.out_group + first_col_of(unit) * c_.out_col;
  }

  const TileKernel<T>* const kernels_[2];  // of the wide panels, of the narrow ones
  const int64_t pairing_;
  const bool repairs_;
  const RowLayout layout_;
  std::vector<RowClass> classes_;
  T* bias_ = nullptr;  // of all units
  Buffer bias_buffer_;
};

}  // namespace

void gather_rows(const Contraction& c, MapSide side, bool single, const Plan& plan,
                 const Context& context) {
  if (single)
    GatherRows<float>(c, side, plan, context).run();
  else
    GatherRows<double>(c, side, plan, context).run();
}

}  // namespace nnconv
