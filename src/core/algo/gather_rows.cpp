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
#include <numeric>

#include "gather.hpp"
#include "rows.hpp"

namespace nnconv {

namespace {

constexpr int64_t block_bytes = 512 << 10;  // packed rows of a block of tiles
constexpr int64_t least_tiles = 8;          // of a box

// What one thread keeps from job to job.
template <class T>
struct Workspace {
  int64_t position_class = -1;
  Reading<T> reading;
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
        layout_(c, plan) {}

  void run() {
    this->fill_where_nothing_is_read(repairs_);
    place_boxes();
    lines_.reserve(classes_.size());
    for (const PositionClass& one : classes_)
      lines_.push_back(layout_.lines_of(one, c_.a, layout_.is_in_place(one)));
    if (std::any_of(lines_.begin(), lines_.end(), [](const RowClass& one) { return one.in_place; }))
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
  using Gather<T>::classes_;
  using Gather<T>::boxes_;

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

  // ---- boxes and jobs ----

  // Of a tile and a unit.
  double tile_work(const PositionClass& positions) const {
    return 2.0 * (positions.entries() * c_.terms + 8) * tile_size();
  }

  int64_t tiles_of(int64_t positions) const {
    return (positions * c_.rows + tiling_.height() - 1) / tiling_.height();
  }

  // What the given units read of a pixel.
  Range content_of(Range units) const {
    const int64_t first = group_of(units.first), end = group_of(units.end() - 1) + 1;
    return {first * c_.a.group, (end - first) * c_.a.group};
  }

  void place_boxes() {
    const double all = 2.0 * c_.rows * c_.cols * c_.groups * c_.terms * taps_ * c_.out_pixels();
    const int64_t content = c_.groups * c_.a.group;
    const int64_t least = std::max<int64_t>(1, least_tiles * tiling_.height() / c_.rows);
    const int64_t grain = tiling_.height() / std::gcd(tiling_.height(), c_.rows);  // a whole tile
    Gather<T>::place_boxes(
        sizeof(T) < sizeof(double) && layout_.samples_are_in_place() && !repairs_ ? 1.25 : 0,
        content, tiling_.panels, [&](const PositionClass& positions) {
          const double tiles = 4 * Jobs::job_work(all) / (tile_work(positions) * units());
          return this->boxes_of(positions, content, tiles * tiling_.height() / c_.rows, least,
                                grain);
        });
  }

  void run_slab() const {
    std::vector<Jobs::ClassWork> work;
    work.reserve(classes_.size());
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const double of_tile = tile_work(classes_[i]);
      if (this->windows_)
        work.push_back({boxes_[i].count(), of_tile * tiles_of(boxes_[i].largest(classes_[i]))});
      else
        work.push_back({(lines_[i].vectors + tiling_.mv - 1) / tiling_.mv, of_tile});
    }
    const Jobs jobs(work, slab_units_, this->units_of_job(slab_units_.count), Jobs::Inner::units);
    parallel_for(context_, jobs.count(), jobs.work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
  }

  void run_job(const Job& job, Worker& worker) const {
    Workspace<T>& w = worker.local<Workspace<T>>();
    list_terms(job.position_class, w);
    const RowClass& lines = lines_[job.position_class];
    if (!this->windows_)
      return run_vectors(lines, job.tiles.first * tiling_.mv,
                         std::min(job.tiles.end() * tiling_.mv, lines.vectors), job.units, worker,
                         w);
    for (int64_t box = job.tiles.first; box < job.tiles.end(); ++box) {
      this->read_box(job.position_class, box, content_of(job.units), w.reading);
      const RowClass part = layout_.lines_of(w.reading.box.positions(), w.reading.a, true);
      run_vectors(part, 0, part.vectors, job.units, worker, w);
    }
  }

  void run_vectors(const RowClass& positions, int64_t first, int64_t end, Range all_units,
                   Worker& worker, Workspace<T>& w) const {
    const int64_t block_vectors = tiling_.mv * block_tiles(all_units, positions, w);
    for (int64_t v = first; v < end; v += block_vectors) {
      place_tiles(positions, {v, std::min(block_vectors, end - v)}, w);
      if (repairs_) drop_finite_tiles(all_units, w);
      if (w.tiles.empty()) continue;
      for (Range units{all_units.first, 0}; units.first < all_units.end();
           units.first = units.end()) {
        if (worker.stopped()) return;
        const int64_t group_end = (group_of(units.first) + 1) * tiling_.panels;
        units.count = std::min(all_units.end(), group_end) - units.first;
        run_block(positions, units, worker, w);
      }
    }
  }

  // So many that what they read stays in a cache: for all groups of the job where rows are read in
  // place, for the groups of a pixel stand side by side; else what is packed for one group.
  int64_t block_tiles(Range units, const RowClass& positions, const Workspace<T>& w) const {
    if (w.terms.several()) return 1;
    const int64_t groups =
        positions.in_place ? group_of(units.end() - 1) - group_of(units.first) + 1 : 1;
    const int64_t tile_bytes = std::max<int64_t>(1, w.terms.largest()) * groups * tiling_.height() *
                               static_cast<int64_t>(sizeof(T));
    return std::max<int64_t>(1, block_bytes / tile_bytes);
  }

  // ---- terms and tiles of a class ----

  void list_terms(int64_t position_class, Workspace<T>& w) const {
    if (w.position_class == position_class) return;
    w.position_class = position_class;
    const bool in_place = lines_[position_class].in_place;
    w.terms.start(this->chunk_terms_);
    this->read_class(position_class, w.reading);
    const int64_t terms_apart = w.reading.a.terms_apart();
    this->for_each_slot(
        classes_[position_class], w.reading, [&](int64_t index, int64_t tap, int64_t pixel) {
          w.terms.add(index, c_.terms, [&](Chunk& chunk, int64_t term, int64_t count) {
            const int64_t from = pixel * terms_apart + term / pairing_;
            chunk.terms.add(index + term, in_place ? from : chunk.packed_terms,
                            tap * c_.terms + term, count);
            if (!in_place) add_piece(chunk.pieces, from, count, chunk.packed_terms, pairing_);
          });
        });
    w.terms.finish();
  }

  void place_tiles(const RowClass& positions, Range vectors, Workspace<T>& w) const {
    w.tiles.resize((vectors.count + tiling_.mv - 1) / tiling_.mv);
    for (std::size_t t = 0; t < w.tiles.size(); ++t) {
      const int64_t before = static_cast<int64_t>(t) * tiling_.mv;
      if (positions.in_place)
        layout_.place_in_place(
            positions, w.reading.a,
            {vectors.first + before, std::min<int64_t>(tiling_.mv, vectors.count - before)},
            w.tiles[t]);
      else
        layout_.place_packed(positions, vectors.first + before, t * panel_size(w), w.tiles[t]);
    }
  }

  // Tiles whose results in all units are finite need no repair.
  void drop_finite_tiles(Range units, Workspace<T>& w) const {
    const auto is_finite = [&](const Tile& tile) {
      bool finite = true;
      for (int64_t unit = units.first; unit < units.end(); ++unit)
        for_each_stored(tile.rows, tiling_.vector, width_of(unit), out_of(unit), c_.out_col,
                        [&](double value, int64_t, int64_t) { finite &= std::isfinite(value); });
      return finite;
    };
    w.tiles.erase(std::remove_if(w.tiles.begin(), w.tiles.end(), is_finite), w.tiles.end());
  }

  int64_t panel_size(const Workspace<T>& w) const { return tiling_.height() * w.terms.largest(); }

  // ---- sums ----

  // The tiles of a block of rows times the given units of one group.
  void run_block(const RowClass& positions, Range units, Worker& worker, Workspace<T>& w) const {
    const int64_t group = group_of(units.first);
    const int64_t tiles = static_cast<int64_t>(w.tiles.size());
    T* const panels = positions.in_place
                          ? nullptr
                          : w.panels.template get<T>(w.tiles.back().vectors[0] + panel_size(w));
    const T* const rows =
        positions.in_place ? w.reading.data + (group * c_.a.group - w.reading.first) * c_.a.width()
                           : panels;
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
  std::vector<RowClass> lines_;  // of each class
  T* bias_ = nullptr;            // of all units
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
