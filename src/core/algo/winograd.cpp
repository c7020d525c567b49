// Winograd's F(m, 3) for axes of three taps and stride 1: forward, and gradient of the input.
//
// A tile is m neighbours along each tiled axis (one axis, or the first two), dilation apart. It
// reads m + 2 positions along each; the transform of what it reads, place by place, times that of
// the weight, summed over the other axes' taps and the channels in the written order, gives the
// places of its result:
//
//   for each slab of column panels (whose transformed weights fit the scratch)
//     transform the weights of the slab
//     for each job = (group, samples, positions along other axes, tiles)       [threads]
//       transform the input
//       for each panel, for each tile of rows or columns
//         kernel for each place, results of the places, store
//
// A result that is not finite says nothing of the definition's sum: the caller computes those
// anew, directly.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "../scratch.hpp"
#include "algo.hpp"
#include "pack.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t job_rows = 96;         // of a tile, at one position
constexpr int64_t job_bytes = 16 << 20;  // transformed input and sums of a job
constexpr double wanted_jobs = 32;
constexpr int max_places = 36;

// The tiles of one axis, by number; an axis that is not tiled has its positions.
class TileAxis {
 public:
  TileAxis() = default;
  // `makes`: results of a tile, 1 where the axis is not tiled.
  TileAxis(const Axis& axis, MapSide side, int64_t makes)
      : axis_(&axis), side_(side), makes_(makes), apart_(makes > 1 ? axis.dilation : 1) {}

  int64_t results() const { return side_ == MapSide::outputs ? axis_->out : axis_->in; }
  int64_t count() const {
    const int64_t period = makes_ * apart_;
    return results() / period * apart_ + std::min(results() % period, apart_);
  }
  // The position of the first result of a tile.
  int64_t first(int64_t tile) const {
    return apart_ == 1 ? makes_ * tile : tile % apart_ + apart_ * makes_ * (tile / apart_);
  }
  // The position of result `o` of the tile that starts at `first`, or -1 where the axis has ended.
  int64_t result(int64_t first, int64_t o) const {
    const int64_t u = first + apart_ * o;
    return u < results() ? u : -1;
  }
  // The position that place p of the tile reads, or -1 where there is none.
  int64_t source(int64_t first, int64_t p) const {
    if (side_ == MapSide::inputs) {
      const int64_t q = first + axis_->pad_lo + (p - 2) * apart_;
      return q >= 0 && q < axis_->out ? q : -1;
    }
    const int64_t v = first - axis_->pad_lo + p * apart_;
    return v < axis_->in + axis_->pad_hi ? axis_->inside(v) : -1;
  }
  // The tap that meets place p of a tile's first result, p < 3.
  int64_t tap(int64_t p) const { return side_ == MapSide::outputs ? p : 2 - p; }

 private:
  const Axis* axis_ = nullptr;
  MapSide side_ = MapSide::outputs;
  int64_t makes_ = 1, apart_ = 1;
};

// A pixel that a position along the axes that are not tiled reads: its place among those that the
// job reads, and its tap and slot among theirs.
struct Link {
  int64_t source, tap, slot;
};

struct Job {
  int64_t group;
  Range samples, others, tiles;
};

// Where a kernel reads: the tile and the first sample of each of its vectors or columns.
struct KernelPlaces {
  int64_t count, tiles[max_tile_columns], samples[max_tile_columns];
};

// What one thread keeps from job to job.
struct Workspace {
  Buffer inputs, sums;
  std::vector<int64_t> sources;          // positions along the other axes that the job reads
  std::vector<std::vector<Link>> links;  // of each of its positions there
  // Pixels that the tiles of the job read, by place, and write, by result, at the first position
  // along the other axes; -1: none.
  std::vector<int64_t> reads, writes;
  TermList terms;
  std::vector<KernelPlaces> kernels;
};

template <class T>
class Winograd {
 public:
  Winograd(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : c_(c),
        side_(side),
        tiling_(plan.tiling),
        context_(context),
        table_(plan.isa->table<T>()),
        vectors_are_rows_(plan.vectors == TileKind::rows),
        streams_(plan.streams),
        dims_(plan.winograd_axes),
        kernels_of_tile_(table_.winograd[plan.winograd_results == 4 ? 1 : 0]),
        reads_(kernels_of_tile_.reads),
        makes_(kernels_of_tile_.makes),
        places_(dims_ == 2 ? reads_ * reads_ : reads_),
        zeros_(c.rows * c.terms, 0.0) {
    for (int i = 0; i < max_spatial; ++i) {
      axes_[i] = TileAxis(c.axes[i], side, i < dims_ ? makes_ : 1);
      (i < dims_ ? tiles_ : others_) *= i < dims_ ? axes_[i].count() : axes_[i].results();
      if (i >= dims_) other_taps_ *= c.b.extents[i];
    }
    choose_kernels();
    cut_work();
  }

  // Whether all results are finite.
  bool run() {
    expand_biases();
    const int64_t unit_bytes = unit_size() * static_cast<int64_t>(sizeof(T));
    const int64_t slab_units = std::max<int64_t>(1, packed_columns_bytes / unit_bytes);
    for (int64_t first = 0; first < units(); first += slab_units) {
      slab_ = {first, std::min(slab_units, units() - first)};
      transform_weights();
      const int64_t jobs = first_job_of(group_of(slab_.end() - 1) + 1);
      const int64_t first_job = first_job_of(group_of(slab_.first));
      parallel_for(context_, jobs - first_job, work(),
                   [&](int64_t job, Worker& worker) { run_job(job_of(first_job + job), worker); });
    }
    return finite_;
  }

 private:
  // ---- panels of columns ----

  void choose_kernels() {
    const int nr = tiling_.nr, mv = tiling_.mv;
    const TileKind kind = vectors_are_rows_ ? TileKind::rows : TileKind::channels;
    kernels_[0] = table_.find(kind, mv, nr);
    kernels_[1] = vectors_are_rows_ ? table_.find(TileKind::rows, mv, nr - 1) : kernels_[0];
  }

  int64_t units() const { return c_.groups * tiling_.panels; }
  int64_t group_of(int64_t unit) const { return unit / tiling_.panels; }
  int64_t panel_of(int64_t unit) const { return unit % tiling_.panels; }
  int64_t first_col_of(int64_t unit) const {
    return vectors_are_rows_ ? tiling_.first_col(panel_of(unit)) : panel_of(unit) * max_width();
  }
  // Columns of a unit; numbers that a panel has for each term.
  int64_t width_of(int64_t unit) const {
    return vectors_are_rows_ ? tiling_.width(panel_of(unit))
                             : std::min(max_width(), c_.cols - first_col_of(unit));
  }
  int64_t panel_width_of(int64_t unit) const {
    return vectors_are_rows_ ? width_of(unit) : max_width();
  }
  int64_t max_width() const { return vectors_are_rows_ ? tiling_.nr : tiling_.height(); }
  const TileKernel<T>& kernel_of(int64_t unit) const {
    return *kernels_[vectors_are_rows_ && width_of(unit) != tiling_.nr ? 1 : 0];
  }
  int64_t panel_terms() const { return other_taps_ * c_.terms; }
  int64_t unit_size() const { return places_ * panel_terms() * max_width(); }
  T* weights_of(int64_t unit) const { return weights_ + (unit - slab_.first) * unit_size(); }
  int64_t bias_size() const {
    return vectors_are_rows_ ? static_cast<int64_t>(tiling_.nr) * tiling_.vector : max_width();
  }

  void expand_biases() {
    bias_ = bias_buffer_.template get<T>(units() * bias_size());
    for (int64_t unit = 0; unit < units(); ++unit) {
      T* const to = bias_ + unit * bias_size();
      const int64_t first = group_of(unit) * c_.cols + first_col_of(unit);
      std::fill(to, to + bias_size(), T(0));
      if (vectors_are_rows_)
        expand_bias(c_, first, static_cast<int>(width_of(unit)), tiling_.vector, to);
      else
        for (int64_t j = 0; j < width_of(unit); ++j) to[j] = bias_of<T>(c_, first + j, 0);
      // A result near the largest number: what is checked is its sum without the bias.
      for (int64_t j = 0; j < bias_size(); ++j)
        if (!(std::abs(to[j]) < std::numeric_limits<T>::max() / 4)) finite_ = false;
    }
  }

  // ---- weights ----

  // Of the units of the slab, by unit: [panel width, terms, other taps, places]. Some units and
  // some terms at a time, whose transforms stay in a cache until they are put in their panels.
  void transform_weights() {
    weights_ = weights_buffer_.template get<T>(slab_.count * unit_size());
    constexpr int64_t together = 16;
    const int64_t units_together = std::max<int64_t>(1, 64 / max_width());
    const int64_t term_parts = parts(panel_terms(), together);
    const double work = 4.0 * static_cast<double>(slab_.count * unit_size());
    parallel_for(context_, parts(slab_.count, units_together) * term_parts, work,
                 [&](int64_t chunk, Worker& worker) {
                   const int64_t first_unit = slab_.first + chunk / term_parts * units_together;
                   const int64_t first_term = chunk % term_parts * together;
                   const int64_t end = std::min(slab_.end(), first_unit + units_together);
                   const Range terms{first_term, std::min(together, panel_terms() - first_term)};
                   auto& scratch = worker.local<std::vector<double>>();
                   for (int64_t unit = first_unit; unit < end; ++unit)
                     transform_weights_of(unit, terms, scratch);
                 });
  }

  void transform_weights_of(int64_t unit, const Range& terms, std::vector<double>& scratch) const {
    const int64_t width = width_of(unit), panel_width = panel_width_of(unit);
    const int64_t taps = dims_ == 2 ? 9 : 3;
    scratch.resize((taps + places_) * width);
    double* const filters = scratch.data();
    double* const places = filters + taps * width;
    for (int64_t term = terms.first; term < terms.end(); ++term) {
      const double* const data = c_.b.array.data + group_of(unit) * c_.b.group +
                                 first_col_of(unit) * c_.b.lane + term % c_.terms * c_.b.term +
                                 term / c_.terms * taps * c_.b.pixel;
      for (int64_t t = 0; t < taps; ++t) {
        const int64_t tap = axes_[0].tap(t % 3) + (dims_ == 2 ? 3 * axes_[1].tap(t / 3) : 0);
        for (int64_t j = 0; j < width; ++j)
          filters[t * width + j] = static_cast<T>(data[tap * c_.b.pixel + j * c_.b.lane]);
      }
      kernels_of_tile_.weights[dims_ - 1](filters, width, places);
      for (int64_t p = 0; p < places_; ++p) {
        T* const to = weights_of(unit) + (p * panel_terms() + term) * panel_width;
        for (int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(places[p * width + j]);
        std::fill(to + width, to + panel_width, T(0));
      }
    }
  }

  // The units of a group that are in the slab.
  Range units_of(int64_t group) const {
    const int64_t first = std::max(slab_.first, group * tiling_.panels);
    return {first, std::min(slab_.end(), (group + 1) * tiling_.panels) - first};
  }

  // ---- jobs ----

  // Cuts by the problem alone: so many rows that weights are read for many at a time, in as many
  // whole kernels as there may be.
  void cut_work() {
    // A position along the other axes reads as many as it has taps.
    const int64_t row_bytes = places_ * (panel_terms() + c_.cols) * static_cast<int64_t>(sizeof(T));
    const int64_t fitting = std::max<int64_t>(job_bytes / row_bytes, 2 * table_.vector);
    sample_parts_ = parts(c_.rows, fitting);
    const int64_t samples = parts(c_.rows, sample_parts_);
    const int64_t fair = static_cast<int64_t>(static_cast<double>(tiles_ * others_ * c_.rows) *
                                              static_cast<double>(c_.groups) / wanted_jobs);
    const int64_t together = std::max<int64_t>(1, std::min({fitting, job_rows, fair}) / samples);
    job_others_ = std::min<int64_t>(others_, std::max<int64_t>(1, together / 4));
    const int64_t of_kernel = at_once() / std::gcd(of_tile(samples), at_once());
    job_tiles_ = std::min(tiles_, parts(together / job_others_, of_kernel) * of_kernel);
  }

  static int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

  int64_t first_job_of(int64_t group) const {
    return group * sample_parts_ * parts(others_, job_others_) * parts(tiles_, job_tiles_);
  }

  double work() const {
    return 2.0 * static_cast<double>(places_ * panel_terms() * tiles_) *
           static_cast<double>(others_ * c_.rows) * static_cast<double>(c_.cols * c_.groups);
  }

  Job job_of(int64_t number) const {
    const int64_t tile_parts = parts(tiles_, job_tiles_), other_parts = parts(others_, job_others_);
    const int64_t tile = number % tile_parts * job_tiles_;
    number /= tile_parts;
    const int64_t other = number % other_parts * job_others_;
    number /= other_parts;
    const int64_t part = number % sample_parts_;
    const int64_t sample = c_.rows * part / sample_parts_;
    return {number / sample_parts_,
            {sample, c_.rows * (part + 1) / sample_parts_ - sample},
            {other, std::min(job_others_, others_ - other)},
            {tile, std::min(job_tiles_, tiles_ - tile)}};
  }

  void run_job(const Job& job, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    find_links(job, w);
    find_pixels(job.tiles, w);
    place_kernels(job, w.kernels);
    const int64_t sources = static_cast<int64_t>(w.sources.size());
    const int64_t tile_size = sources * c_.terms * job.samples.count;
    // An odd number of cache lines, or all places of a number would meet in one set of the cache.
    const int64_t line = 64 / static_cast<int64_t>(sizeof(T));
    const int64_t plane = (job.tiles.count * tile_size / line / 2 * 2 + 3) * line;
    T* const inputs = w.inputs.template get<T>(places_ * plane);
    for (int64_t t = 0; t < job.tiles.count; ++t)
      for (int64_t s = 0; s < sources; ++s)
        transform_input(job, w.reads.data() + t * places_, w.sources[s],
                        inputs + t * tile_size + s * c_.terms * job.samples.count, plane);
    for (int64_t other = 0; other < job.others.count; ++other) {
      list_terms(w.links[other], w.terms);
      sum_tiles(job, job.others.first + other, inputs, plane, tile_size, worker, w);
    }
  }

  // ---- the axes that are tiled ----

  void find_pixels(const Range& tiles, Workspace& w) const {
    w.reads.clear();
    w.writes.clear();
    for (int64_t tile = tiles.first; tile < tiles.end(); ++tile) {
      const int64_t line = tile / axes_[0].count();
      const int64_t first = axes_[0].first(tile - line * axes_[0].count());
      const int64_t second = dims_ == 2 ? axes_[1].first(line) : 0;
      for (int64_t q = 0; q < (dims_ == 2 ? reads_ : 1); ++q)
        for (int64_t p = 0; p < reads_; ++p)
          w.reads.push_back(pixel_of(axes_[0].source(first, p),
                                     dims_ == 2 ? axes_[1].source(second, q) : 0, c_.a.extents[0]));
      for (int64_t q = 0; q < (dims_ == 2 ? makes_ : 1); ++q)
        for (int64_t o = 0; o < makes_; ++o)
          w.writes.push_back(pixel_of(axes_[0].result(first, o),
                                      dims_ == 2 ? axes_[1].result(second, q) : 0,
                                      c_.out_extents[0]));
    }
  }

  static int64_t pixel_of(int64_t i, int64_t j, int64_t extent) {
    return i < 0 || j < 0 ? -1 : i + extent * j;
  }
  // Pixels from one position along the other axes to the next.
  int64_t plane_of(const int64_t* extents) const {
    return extents[0] * (dims_ == 2 ? extents[1] : 1);
  }
  int64_t results_of_tile() const { return dims_ == 2 ? makes_ * makes_ : makes_; }

  // ---- the axes that are not tiled ----

  void find_links(const Job& job, Workspace& w) const {
    w.links.resize(job.others.count);
    w.sources.clear();
    for (int64_t other = 0; other < job.others.count; ++other) {
      std::vector<Link>& links = w.links[other];
      links.assign(1, {0, 0, 0});
      int64_t position = job.others.first + other, extent = 1, taps = 1, slots = 1;
      for (int i = dims_; i < max_spatial; ++i) {
        const int64_t u = position % axes_[i].results();
        position /= axes_[i].results();
        std::vector<Link> longer;
        for (const AxisEntry& entry : entries_at(c_.axes[i], side_, u))
          for (const Link& link : links)
            longer.push_back({link.source + extent * entry.position, link.tap + taps * entry.tap,
                              link.slot + slots * entry.slot});
        links = std::move(longer);
        extent *= c_.a.extents[i];
        taps *= c_.b.extents[i];
        slots *= slots_of(c_.axes[i], side_);
      }
      for (const Link& link : links) w.sources.push_back(link.source);
    }
    std::sort(w.sources.begin(), w.sources.end());
    w.sources.erase(std::unique(w.sources.begin(), w.sources.end()), w.sources.end());
    for (std::vector<Link>& links : w.links)
      for (Link& link : links)
        link.source =
            std::lower_bound(w.sources.begin(), w.sources.end(), link.source) - w.sources.begin();
  }

  void list_terms(const std::vector<Link>& links, TermList& terms) const {
    terms.clear();
    for (const Link& link : links)
      cut_at_blocks(link.slot * c_.terms, c_.terms, [&](int64_t term, int64_t count) {
        terms.add(link.slot * c_.terms + term, link.source * c_.terms + term,
                  link.tap * c_.terms + term, count);
      });
    terms.finish();
  }

  // ---- input ----

  // Of the tile that reads these pixels, at one position along the other axes: [samples, terms] of
  // each place.
  void transform_input(const Job& job, const int64_t* reads, int64_t other, T* to,
                       int64_t plane) const {
    const double* const data = c_.a.array.data + job.group * c_.a.group +
                               other * plane_of(c_.a.extents) * c_.a.pixel + job.samples.first;
    const double* pixels[max_places];
    for (int p = 0; p < places_; ++p)
      pixels[p] = reads[p] < 0 ? zeros_.data() : data + reads[p] * c_.a.pixel;
    const auto transform = kernels_of_tile_.input[dims_ - 1];
    if (job.samples.count == c_.a.term) return transform(pixels, c_.a.term * c_.terms, to, plane);
    for (int64_t term = 0; term < c_.terms; ++term) {
      transform(pixels, job.samples.count, to + term * job.samples.count, plane);
      for (int p = 0; p < places_; ++p)
        if (pixels[p] != zeros_.data()) pixels[p] += c_.a.term;
    }
  }

  // ---- sums ----

  // What a kernel takes at once: vectors of rows, or columns; and how many a tile has.
  int64_t at_once() const { return vectors_are_rows_ ? kernels_[0]->mv : kernels_[0]->nr; }
  int64_t of_tile(int64_t samples) const {
    return vectors_are_rows_ ? parts(samples, tiling_.vector) : samples;
  }

  // Where the kernels of a job read. At its end the last vector or column is read again, and
  // stored once.
  void place_kernels(const Job& job, std::vector<KernelPlaces>& kernels) const {
    const int64_t samples = job.samples.count, each = of_tile(samples);
    const int64_t all = job.tiles.count * each;
    kernels.resize(parts(all, at_once()));
    int64_t first = 0;
    for (KernelPlaces& kernel : kernels) {
      kernel.count = std::min(at_once(), all - first);
      for (int64_t i = 0; i < at_once(); ++i) {
        const int64_t number = first + std::min(i, kernel.count - 1);
        kernel.tiles[i] = number / each;
        kernel.samples[i] = vectors_are_rows_
                                ? std::min(number % each * tiling_.vector, samples - tiling_.vector)
                                : number % each;
      }
      first += at_once();
    }
  }

  // All tiles of a job at one position along the other axes: place by place, so that the weights
  // of a place are read once for them all.
  void sum_tiles(const Job& job, int64_t other, const T* inputs, int64_t plane, int64_t tile_size,
                 Worker& worker, Workspace& w) {
    const Range units = units_of(job.group);
    const int64_t kernels = static_cast<int64_t>(w.kernels.size());
    const int64_t stack_size =
        (places_ + w.terms.max_depth() - 1) * tiling_.height() * kernels_[0]->nr;
    T* const sums = w.sums.template get<T>(units.count * kernels * stack_size);
    const auto& segments = w.terms.segments();
    for (int p = 0; p < places_; ++p)
      for (int64_t unit = units.first; unit < units.end(); ++unit) {
        if (worker.stopped()) return;
        const TileKernel<T>& kernel = kernel_of(unit);
        const T* const panel = weights_of(unit) + p * panel_terms() * panel_width_of(unit);
        T* stack =
            sums + (unit - units.first) * kernels * stack_size + p * kernel.nr * tiling_.height();
        for (const KernelPlaces& places : w.kernels) {
          const T* at[max_tile_columns];
          for (int64_t i = 0; i < at_once(); ++i)
            at[i] = inputs + p * plane + places.tiles[i] * tile_size + places.samples[i];
          // A stack of several sums reaches into places that are not summed yet.
          kernel.sum(at, job.samples.count, panel, segments.data(),
                     static_cast<int64_t>(segments.size()), stack);
          stack += stack_size;
        }
      }
    double* const out = c_.out + job.group * c_.out_group + job.samples.first +
                        other * plane_of(c_.out_extents) * c_.out_pixel;
    for (int64_t k = 0; k < kernels; ++k)
      for (int64_t unit = units.first; unit < units.end(); ++unit)
        store(unit, w.kernels[k], w.writes.data(),
              sums + ((unit - units.first) * kernels + k) * stack_size,
              out + first_col_of(unit) * c_.out_col);
  }

  void store(int64_t unit, const KernelPlaces& places, const int64_t* writes, T* sums,
             double* out) {
    const TileKernel<T>& kernel = kernel_of(unit);
    const int64_t size = tiling_.height() * kernel.nr;
    if (!kernels_of_tile_.output[dims_ - 1](sums, size, size)) finite_ = false;
    const T* const bias = bias_ + unit * bias_size();
    for (int64_t o = 0; o < results_of_tile(); ++o) {
      double* to[max_tile_columns] = {};
      for (int64_t i = 0; i < places.count; ++i) {
        const int64_t pixel = writes[places.tiles[i] * results_of_tile() + o];
        if (pixel >= 0) to[i] = out + pixel * c_.out_pixel + places.samples[i];
      }
      if (vectors_are_rows_)
        kernel.store_rows(sums + o * size, bias, to, c_.out_col, streams_);
      else
        kernel.store_columns(sums + o * size, bias, to, 0, width_of(unit), c_.out_col, streams_);
    }
  }

  const Contraction& c_;
  const MapSide side_;
  const Tiling& tiling_;
  const Context& context_;
  const KernelTable<T>& table_;
  const bool vectors_are_rows_, streams_;
  const int dims_;
  const WinogradKernels<T>& kernels_of_tile_;
  const int reads_, makes_, places_;  // along an axis; of a tile
  const std::vector<double> zeros_;   // what padding reads
  const TileKernel<T>* kernels_[2];   // of the wide panels, of the narrow ones
  TileAxis axes_[max_spatial];
  int64_t tiles_ = 1, others_ = 1, other_taps_ = 1;  // others: positions along the other axes
  int64_t sample_parts_ = 1, job_others_ = 1, job_tiles_ = 1;
  std::atomic<bool> finite_{true};
  T* bias_ = nullptr;     // of all units
  T* weights_ = nullptr;  // transformed, of slab_
  Range slab_{0, 0};
  Buffer bias_buffer_, weights_buffer_;
};

}  // namespace

bool winograd(const Contraction& c, MapSide side, bool single, const Plan& plan,
              const Context& context) {
  return single ? Winograd<float>(c, side, plan, context).run()
                : Winograd<double>(c, side, plan, context).run();
}

}  // namespace nnconv
