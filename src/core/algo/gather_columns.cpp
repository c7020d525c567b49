// Forward and gradient of the input by tiles whose columns are read where they stand. Vectors are
//
//   channels  output channels of a group; a column is a sample of a position, the same number for
//             all of them
//   lanes     the rows of all channels of a pixel, where each channel reads itself alone; a column
//             is a position, a number for each lane
//
// and the weight is packed into panels of them.
//
//   for each slab of panels (whose packed B fits the scratch)
//     pack the slab
//     for each job = (range of panels, class of positions, range of tiles)            [threads]
//       for each block of tiles, for each panel, for each chunk of the terms, for each tile
//         kernel, join chunks; after the last chunk: store
//
// or, where what is read is copied first: jobs are boxes, and a block is a box with its window.
// Lanes go from panel to panel before the next tile: what a pixel has is read in one go.
#include <algorithm>
#include <numeric>

#include "gather.hpp"

namespace nnconv {

namespace {

constexpr int64_t block_bytes = 512 << 10;  // what a block of tiles reads
constexpr int64_t least_tiles = 16;  // of a box, which share a panel on its way through the cache
constexpr int64_t least_lane_tiles = 4;  // likewise, of short panels
constexpr int64_t slab_bytes = 2 << 20;  // packed B that stays in a cache
constexpr int64_t job_lanes = 256;       // what a job reads of a pixel by lane, in numbers
constexpr int64_t page_bytes = 4 << 10;

// A column of a tile: where it is read, as an offset in A; where it goes, as one in the result,
// or -1 where it only fills up the tile.
struct Column {
  int64_t from, to;
};

// What one thread keeps from job to job.
template <class T>
struct Workspace {
  int64_t position_class = -1;
  Reading<T> reading;
  ChunkList terms;
  std::vector<TreeStep> steps;                // of each chunk
  int64_t step = 0;                           // from one term to the next
  std::vector<Column> columns;                // of a block of tiles
  std::vector<const TileKernel<T>*> kernels;  // of its tiles
  Buffer stack;
};

template <class T>
class GatherColumns : Gather<T> {
 public:
  GatherColumns(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : Gather<T>(c, side, plan, context),
        by_lane_(plan.algorithm == Algorithm::lanes),
        kernel_(*plan.isa->table<T>().find(by_lane_ ? TileKind::lanes : TileKind::channels,
                                           tiling_.mv, tiling_.nr)),
        groups_(by_lane_ ? 1 : c.groups),
        samples_(by_lane_ ? 1 : c.rows) {
    for (int width = least_line_columns; by_lane_ && width <= tiling_.nr; ++width)
      lines_[width] = plan.isa->table<T>().find(TileKind::lines, tiling_.mv, width);
  }

  void run() {
    this->fill_where_nothing_is_read(false);
    place_boxes();
    this->place_operand();
    expand_biases();
    this->for_each_slab(units(), unit_size(), slab_bytes, [&] {
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

  int64_t height() const { return tiling_.height(); }
  int64_t units() const { return groups_ * tiling_.panels; }
  int64_t unit_size() const { return taps_ * c_.terms * height(); }  // of packed B
  int64_t group_of(int64_t unit) const { return unit / tiling_.panels; }
  T* packed_unit(int64_t unit) const {
    return this->slab_ + (unit - slab_units_.first) * unit_size();
  }

  // The lanes of the group that a unit computes. The last ones of a pixel start early so as to end
  // with it, and are stored from `fresh_of` on; channels beyond the last are zeros.
  Range lanes_of(int64_t unit) const {
    const int64_t first = unit % tiling_.panels * height();
    if (by_lane_) return {std::min(first, tiling_.cols - height()), height()};
    return {first, std::min(height(), tiling_.cols - first)};
  }
  int64_t fresh_of(int64_t unit) const {
    return unit % tiling_.panels * height() - lanes_of(unit).first;
  }
  // The channel, of all groups, of a lane.
  int64_t channel_of(int64_t unit, int64_t lane) const {
    return by_lane_ ? lane / c_.rows : group_of(unit) * c_.cols + lane;
  }

  void expand_biases() {
    bias_ = bias_buffer_.template get<T>(units() * height());
    for (int64_t unit = 0; unit < units(); ++unit) {
      const Range lanes = lanes_of(unit);
      for (int64_t i = 0; i < height(); ++i)
        bias_[unit * height() + i] =
            i < lanes.count ? bias_of<T>(c_, channel_of(unit, lanes.first + i), 0) : T(0);
    }
  }

  // B of a unit: [height, terms, taps].
  void pack_unit(int64_t unit, Range taps) const {
    const Range lanes = lanes_of(unit);
    for (int64_t tap = taps.first; tap < taps.end(); ++tap) {
      const double* from = c_.b.array.data + tap * c_.b.pixel + group_of(unit) * c_.b.group;
      T* to = packed_unit(unit) + tap * c_.terms * height();
      if (by_lane_) {
        for (int64_t i = 0; i < height(); ++i)
          to[i] = static_cast<T>(from[(lanes.first + i) / c_.rows * c_.b.group]);
        continue;
      }
      from += lanes.first * c_.b.lane;
      for (int64_t k = 0; k < c_.terms; ++k, from += c_.b.term, to += height()) {
        for (int64_t i = 0; i < lanes.count; ++i) to[i] = static_cast<T>(from[i * c_.b.lane]);
        std::fill(to + lanes.count, to + height(), T(0));
      }
    }
  }

  // ---- boxes and jobs ----

  // Of a tile and a unit.
  double tile_work(const PositionClass& positions) const {
    return 2.0 * (positions.entries() * c_.terms + 8) * tile_size();
  }

  // Whether tiles are parts of lines, whose positions read pixels side by side.
  bool cuts_lines(const PositionClass& positions) const {
    const AxisClass& line = *positions.axes[0];
    return by_lane_ && line.count >= least_line_columns && (this->windows_ || line.base_step == 1);
  }
  int64_t tiles_of(int64_t columns) const { return (columns + tiling_.nr - 1) / tiling_.nr; }
  int64_t tiles_of(const PositionClass& positions) const {
    const int64_t length = positions.axes[0]->count;
    return cuts_lines(positions) ? tiles_of(length) * (positions.positions() / length)
                                 : tiles_of(positions.positions() * samples_);
  }

  int64_t most_units() const {
    const int64_t bytes = unit_size() * static_cast<int64_t>(sizeof(T));
    const int64_t most = by_lane_ ? job_lanes / height() : slab_bytes / bytes;
    return std::max<int64_t>(1, std::min(most, units()));
  }

  // What the given units read of a pixel.
  Range content_of(Range units) const {
    if (by_lane_) {
      const int64_t first = lanes_of(units.first).first;
      return {first, lanes_of(units.end() - 1).end() - first};
    }
    const int64_t first = group_of(units.first), end = group_of(units.end() - 1) + 1;
    return {first * c_.a.group, (end - first - 1) * c_.a.group + c_.a.term * c_.terms};
  }

  // How often windows may pack a number. Channels read few of many taps with a stride; doubles need
  // no rounding, but lanes of pixels that lie pages apart, which share sets of a cache, are copied.
  double most_packed() const {
    constexpr bool rounds = sizeof(T) < sizeof(double);
    const bool strided = c_.axes[0].stride * c_.axes[1].stride * c_.axes[2].stride > 1;
    if (!by_lane_) return rounds && !(strided && taps_ > 1) ? 1.25 : 0;
    const bool near = c_.a.pixel * static_cast<int64_t>(sizeof(double)) < page_bytes;
    return near && !rounds ? 0 : 2;
  }

  void place_boxes() {
    const double all = 2.0 * c_.rows * c_.cols * c_.groups * c_.terms * taps_ * c_.out_pixels();
    // As many units need not start with those of a group.
    const int64_t groups = std::min(groups_, (most_units() - 1) / tiling_.panels + 2);
    const int64_t content = by_lane_ ? std::min(c_.a.pixel, most_units() * height())
                                     : (groups - 1) * c_.a.group + c_.a.term * c_.terms;
    const int64_t least =
        std::max<int64_t>(1, (by_lane_ ? least_lane_tiles : least_tiles) * tiling_.nr / samples_);
    Gather<T>::place_boxes(
        most_packed(), content, by_lane_ ? 1 : tiling_.panels, [&](const PositionClass& positions) {
          const double tiles = 4 * Jobs::job_work(all) / (tile_work(positions) * most_units());
          return this->boxes_of(positions, content, tiles * tiling_.nr / samples_, least,
                                tiling_.nr / std::gcd<int64_t>(tiling_.nr, samples_));
        });
  }

  void run_slab() const {
    std::vector<Jobs::ClassWork> work;
    work.reserve(classes_.size());
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const double of_tile = tile_work(classes_[i]);
      if (this->windows_)  // the first box is as large as any
        work.push_back(
            {boxes_[i].count(), of_tile * tiles_of(boxes_[i].box(classes_[i], 0).positions())});
      else
        work.push_back({tiles_of(classes_[i]), of_tile});
    }
    const Jobs jobs(
        work, slab_units_,
        by_lane_ ? Jobs::Limits{1, most_units()} : this->units_of_job(slab_units_.count),
        Jobs::Inner::tiles);
    parallel_for(context_, jobs.count(), jobs.work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
  }

  void run_job(const Job& job, Worker& worker) const {
    Workspace<T>& w = worker.local<Workspace<T>>();
    list_terms(job.position_class, w);
    if (!this->windows_) return run_blocks(job, worker, w);
    for (int64_t box = job.tiles.first; box < job.tiles.end(); ++box) {
      this->read_box(job.position_class, box, content_of(job.units), w.reading);
      const PositionClass positions = w.reading.box.positions();
      run_block(positions, {0, tiles_of(positions)}, job.units, worker, w);
    }
  }

  void run_blocks(const Job& job, Worker& worker, Workspace<T>& w) const {
    const int64_t block =
        std::max(least_tiles, block_bytes / (std::max<int64_t>(1, w.terms.largest()) * tiling_.nr *
                                             static_cast<int64_t>(sizeof(T))));
    for (int64_t tile = job.tiles.first; tile < job.tiles.end(); tile += block)
      run_block(classes_[job.position_class], {tile, std::min(block, job.tiles.end() - tile)},
                job.units, worker, w);
  }

  void run_block(const PositionClass& positions, Range tiles, Range units, Worker& worker,
                 Workspace<T>& w) const {
    cuts_lines(positions) ? place_lines(positions, tiles, w) : place_columns(positions, tiles, w);
    if (by_lane_ && !w.terms.several())
      run_tiles(units, worker, w);
    else
      run_units(units, worker, w);
  }

  // ---- terms and tiles of a class ----

  // From one term to the next, channels go past the samples of one. Lanes have a term for each tap:
  // they go to the next pixel, or, in a gradient, to the one before.
  int64_t step(const Reading<T>& r) const {
    if (!by_lane_) return r.a.term;
    const AxisEntries& line = r.lists[0];
    const bool falls = line.size() > 1 && line[1].position < line[0].position;
    return falls ? -r.a.pixel : r.a.pixel;
  }

  void list_terms(int64_t position_class, Workspace<T>& w) const {
    if (w.position_class == position_class) return;
    w.position_class = position_class;
    w.terms.start(this->chunk_terms_);
    this->read_class(position_class, w.reading);
    w.step = step(w.reading);
    const int64_t pixel_steps = w.reading.a.pixel / w.step;
    this->for_each_slot(
        classes_[position_class], w.reading, [&](int64_t index, int64_t tap, int64_t pixel) {
          w.terms.add(index, c_.terms, [&](Chunk& chunk, int64_t term, int64_t count) {
            chunk.terms.add(index + term, pixel * pixel_steps + term, tap * c_.terms + term, count);
          });
        });
    w.terms.finish();
    w.steps.clear();
    SumTree tree;
    for (const Chunk& chunk : w.terms.chunks())
      w.steps.emplace_back(tree, chunk.number, &chunk == &w.terms.chunks().back());
  }

  void place_columns(const PositionClass& positions, Range tiles, Workspace<T>& w) const {
    const Operand& a = w.reading.a;
    const int64_t first = tiles.first * tiling_.nr;
    w.columns.resize(tiles.count * tiling_.nr);
    w.kernels.assign(tiles.count, &kernel_);
    Column* column = w.columns.data();
    Column* const all = column + w.columns.size();
    Column* const end = std::min(all, column + positions.positions() * samples_ - first);
    const int64_t from_step = positions.axes[0]->base_step * a.pixel;
    const int64_t to_step = positions.axes[0]->step * c_.out_pixel;
    int64_t sample = first % samples_;
    for (PositionWalk at(positions, first / samples_); column != end; at.next_line()) {
      int64_t from = a.pixel_number(at.base(0), at.base(1), at.base(2)) * a.pixel;
      int64_t to = c_.out_number(at.out(0), at.out(1), at.out(2)) * c_.out_pixel;
      for (int64_t i = at.left_of_line(); i > 0 && column != end; --i) {
        for (; sample < samples_ && column != end; ++sample)
          *column++ = {from + sample, to + sample};
        sample = 0;
        from += from_step;
        to += to_step;
      }
    }
    std::fill(end, all, Column{end[-1].from, -1});
  }

  // Lines in parts as long as each other, or nearly; each column reads a step after the one before.
  void place_lines(const PositionClass& positions, Range tiles, Workspace<T>& w) const {
    const Operand& a = w.reading.a;
    const int64_t length = positions.axes[0]->count, parts = tiles_of(length);
    const int64_t to_step = positions.axes[0]->step * c_.out_pixel;
    w.columns.resize(tiles.count * tiling_.nr);
    w.kernels.resize(tiles.count);
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int64_t line = (tiles.first + t) / parts, part = (tiles.first + t) % parts;
      const int64_t begin = part * length / parts, width = (part + 1) * length / parts - begin;
      const PositionWalk at(positions, line * length + begin);
      int64_t from = a.pixel_number(at.base(0), at.base(1), at.base(2)) * a.pixel;
      int64_t to = c_.out_number(at.out(0), at.out(1), at.out(2)) * c_.out_pixel;
      Column* const columns = w.columns.data() + t * tiling_.nr;
      for (int64_t i = 0; i < width; ++i, from += a.pixel, to += to_step)
        columns[w.step < 0 ? width - 1 - i : i] = {from, to};
      w.kernels[t] = lines_[width];
    }
  }

  // ---- sums ----

  // The tiles of a box, tile by tile, so that what a pixel has is written in one go.
  void run_tiles(Range units, Worker& worker, Workspace<T>& w) const {
    T* const stack = w.stack.template get<T>(w.terms.kernel_depth() * tile_size());
    const int64_t tiles = static_cast<int64_t>(w.columns.size()) / tiling_.nr;
    for (int64_t t = 0; t < tiles && !worker.stopped(); ++t)
      for (int64_t unit = units.first; unit < units.end(); ++unit) add_chunk(unit, t, 0, stack, w);
  }

  // Likewise, unit by unit. Where there are several chunks, the sums of a tile wait on a
  // stack of their own.
  void run_units(Range units, Worker& worker, Workspace<T>& w) const {
    const bool several = w.terms.several();
    const int64_t tiles = static_cast<int64_t>(w.columns.size()) / tiling_.nr;
    const int64_t stack_size =
        (w.terms.kernel_depth() + (several ? max_chunk_depth : 0)) * tile_size();
    T* const stacks = w.stack.template get<T>(stack_size * (several ? tiles : 1));
    for (int64_t unit = units.first; unit < units.end(); ++unit)
      for (std::size_t chunk = 0; chunk < w.steps.size() && !worker.stopped(); ++chunk)
        for (int64_t t = 0; t < tiles; ++t)
          add_chunk(unit, t, chunk, stacks + (several ? t * stack_size : 0), w);
  }

  void add_chunk(int64_t unit, int64_t tile, std::size_t chunk, T* stack,
                 const Workspace<T>& w) const {
    const Column* const columns = w.columns.data() + tile * tiling_.nr;
    const TileKernel<T>& kernel = *w.kernels[tile];
    const T* const from =
        w.reading.data +
        ((by_lane_ ? lanes_of(unit).first : group_of(unit) * c_.a.group) - w.reading.first);
    const T* at[max_tile_columns];
    for (int j = 0; j < kernel.nr; ++j) at[j] = from + columns[j].from;
    add_to_stack(kernel, tiling_.vector, w.steps[chunk], at, w.step, packed_unit(unit),
                 w.terms.chunks()[chunk].terms, stack);
    if (w.steps[chunk].is_last) store(kernel, unit, stack, columns);
  }

  void store(const TileKernel<T>& kernel, int64_t unit, const T* sums,
             const Column* columns) const {
    const Range lanes = lanes_of(unit);
    const int64_t lane_step = by_lane_ ? 1 : c_.out_col;
    double* const out = c_.out + group_of(unit) * c_.out_group + lanes.first * lane_step;
    double* to[max_tile_columns];
    for (int j = 0; j < kernel.nr; ++j) to[j] = columns[j].to < 0 ? nullptr : out + columns[j].to;
    kernel.store_columns(sums, bias_ + unit * height(), to, fresh_of(unit), lanes.count, lane_step,
                         this->streams_);
  }

  const bool by_lane_;
  const TileKernel<T>& kernel_;                            // of columns that stand anywhere
  const TileKernel<T>* lines_[max_tile_columns + 1] = {};  // of parts of lines, by width
  const int64_t groups_, samples_;
  T* bias_ = nullptr;  // of all units
  Buffer bias_buffer_;
};

}  // namespace

void gather_columns(const Contraction& c, MapSide side, bool single, const Plan& plan,
                    const Context& context) {
  if (single)
    GatherColumns<float>(c, side, plan, context).run();
  else
    GatherColumns<double>(c, side, plan, context).run();
}

}  // namespace nnconv
