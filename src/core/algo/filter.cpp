// Forward, and gradient of the input for stride 1, where lines are long and channels few.
//
//   pack the weights: for every term of a tile, the factors of its columns
//   for each job = (group, box of the result)                                          [threads]
//     pack the strip of padded lines that the box reads
//     for each tile of vectors, for each panel of channels: kernel
//
// Padding is packed as zeros, which adds nothing to a sum while the weights are finite; where they
// are not, the other loop nest takes over.
#include <algorithm>
#include <cmath>

#include "../filter_shape.hpp"
#include "../scratch.hpp"
#include "algo.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

// The terms of a tile for panels of one width.
struct FilterTerms {
  std::vector<FilterRun> runs;
  std::vector<int32_t> offsets;
  std::vector<int64_t> weights;  // of each term and line, where B has it; -1: nowhere
  int depth = 1;
};

// Collects them in the order in which every line meets its own.
class TermWalk {
 public:
  TermWalk(const FilterShape& shape, int channels, FilterTerms& terms)
      : channels_(channels), terms_(terms), met_(shape.lines, 0) {
    total_ = shape.terms * shape.taps();
    SumTree tree;
    for (int64_t block = 0; block * block_terms < total_; ++block) {
      tree.push(block);
      terms_.depth = std::max(terms_.depth, tree.depth());
      const bool is_last = (block + 1) * block_terms >= total_;
      merges_.push_back(is_last ? tree.joins_at_end() : tree.joins_before(block + 1));
    }
  }

  // The next term, which the lines first to last have.
  void add(int64_t offset, int64_t first, int64_t last) {
    FilterRun run{1,
                  static_cast<uint8_t>(first * channels_),
                  static_cast<uint8_t>((last + 1) * channels_ - 1),
                  0,
                  0,
                  {}};
    for (int64_t line = first; line <= last; ++line) {
      const int64_t met = ++met_[line];
      if (met % block_terms != 0 && met != total_) continue;
      for (int64_t j = line * channels_; j < (line + 1) * channels_; ++j) {
        run.ends |= 1 << j;
        run.kept |= (met == total_) << j;
        run.merges[j] = static_cast<int8_t>(merges_[(met - 1) / block_terms]);
      }
    }
    terms_.offsets.push_back(static_cast<int32_t>(offset));
    if (!terms_.runs.empty()) {
      const FilterRun& before = terms_.runs.back();
      if (before.ends == 0 && before.first == run.first && before.last == run.last) {
        run.count += before.count;
        terms_.runs.pop_back();
      }
    }
    terms_.runs.push_back(run);
  }

 private:
  const int channels_;
  FilterTerms& terms_;
  std::vector<int64_t> met_;  // terms of each line
  std::vector<int> merges_;   // of each block
  int64_t total_;
};

// What a thread keeps from job to job.
struct FilterWorkspace {
  Buffer strip, stack;
};

template <class T>
class Filter {
 public:
  Filter(const Contraction& c, const FilterShape& shape, const Plan& plan, const Context& context)
      : c_(c),
        shape_(shape),
        context_(context),
        streams_(plan.streams),
        vector_(plan.isa->table<T>().vector),
        kernel_(plan.isa->table<T>().filter),
        packing_(plan.isa->table<T>().packing) {
    const int64_t wide = shape.channels;
    list_terms(wide, terms_[0]);
    if (shape.panels * wide > c.cols) list_terms(wide - 1, terms_[1]);
    pixel_ = c.a.pixel * c.a.width();
    position_step_ = shape.period * c.out_pixel;
    adjoin_ = position_step_ == c.rows;
    const Axis& first = shape.axes[0].axis;
    last_read_ = shape.axes[0].reads(first.out) - first.pad_lo;
  }

  // False, and nothing done, where weights are not finite and padding must not meet them.
  bool run() {
    if (!pack_weights()) return false;
    const double work = 2.0 * c_.rows * c_.cols * c_.groups * c_.out_pixels() *
                        static_cast<double>(shape_.sum_terms);
    parallel_for(context_, c_.groups * shape_.boxes(), work, [&](int64_t job, Worker& worker) {
      run_box(job / shape_.boxes(), job % shape_.boxes(), worker);
    });
    return true;
  }

 private:
  // The positions of a box of the result, and where it starts.
  struct Box {
    Range at[max_spatial];
    int64_t out;
  };

  // Neighbouring lines of the result: where they read in a strip, and where the first of them
  // goes, from the start of the box.
  struct LineGroup {
    int64_t at, out;
  };

  int64_t wide_panels() const { return c_.cols - shape_.panels * (shape_.channels - 1); }
  bool is_wide(int64_t panel) const { return panel < wide_panels(); }
  int64_t width(int64_t panel) const { return shape_.channels - (is_wide(panel) ? 0 : 1); }
  int64_t first_channel(int64_t panel) const {
    return panel * (shape_.channels - 1) + std::min(panel, wide_panels());
  }

  // ---- terms ----

  int64_t strip_offset(int64_t i, int64_t j, int64_t k, int64_t term) const {
    const int64_t lines = shape_.axes[1].reads(shape_.axes[1].largest());
    return (k * lines + j) * shape_.line_pitch() + term * shape_.channel_pitch() +
           i % shape_.phases() * shape_.pitch + i / shape_.phases() * c_.rows;
  }

  // Along the axis of neighbouring lines, steps that some of them have in common.
  struct Step {
    int64_t distance, first,
        last;  // lines that have a tap at this distance from the first one's start
  };

  std::vector<Step> steps_of(const FilterAxis& axis) const {
    std::vector<Step> steps;
    const int64_t taps = axis.axis.kernel, shift = axis.shift();
    const int64_t count = taps + shift * (axis.lines - 1);
    for (int64_t s = 0; s < count; ++s) {
      const int64_t at = axis.reversed ? count - 1 - s : s;
      const int64_t first = at < taps ? 0 : (at - taps) / shift + 1;
      const int64_t last = std::min(axis.lines - 1, at / std::max<int64_t>(1, shift));
      if (first <= last) steps.push_back({at, first, last});
    }
    return steps;
  }

  void list_terms(int64_t channels, FilterTerms& terms) const {
    TermWalk walk(shape_, static_cast<int>(channels), terms);
    const FilterAxis* const axes = shape_.axes;
    const int shared = axes[0].lines > 1 ? 0 : 1;
    const std::vector<Step> first = steps_of(axes[0]), second = steps_of(axes[1]),
                            third = steps_of(axes[2]);
    // The tap of a step for a line; only along the shared axis do lines differ.
    const auto tap = [](const FilterAxis& axis, const Step& step, int64_t line) {
      const int64_t forward = step.distance - line * axis.shift();
      return axis.reversed ? axis.axis.kernel - 1 - forward : forward;
    };
    for (const Step& k : third)
      for (const Step& j : second)
        for (const Step& i : first) {
          const Step& of_lines = shared == 0 ? i : j;
          for (int64_t term = 0; term < c_.terms; ++term) {
            walk.add(
                strip_offset(i.distance * axes[0].axis.dilation, j.distance * axes[1].axis.dilation,
                             k.distance * axes[2].axis.dilation, term),
                of_lines.first, of_lines.last);
            for (int64_t line = 0; line < shape_.lines; ++line) {
              const bool met = line >= of_lines.first && line <= of_lines.last;
              const int64_t number =
                  met ? c_.b.pixel_number(tap(axes[0], i, shared == 0 ? line : 0),
                                          tap(axes[1], j, shared == 0 ? 0 : line),
                                          tap(axes[2], k, 0))
                      : 0;
              terms.weights.push_back(met ? number * c_.b.pixel + term * c_.b.term : -1);
            }
          }
        }
  }

  const FilterTerms& terms_of(int64_t panel) const { return terms_[is_wide(panel) ? 0 : 1]; }

  // ---- weights ----

  int64_t panel_size() const { return shape_.sum_terms * filter_columns; }
  int64_t panel_number(int64_t group, int64_t panel) const { return group * shape_.panels + panel; }

  bool pack_weights() {
    const int64_t panels = c_.groups * shape_.panels;
    weights_ = weight_buffer_.template get<T>(panels * panel_size());
    bias_ = bias_buffer_.template get<T>(panels * filter_columns);
    column_steps_.resize(panels * filter_columns);
    bool finite = true;
    for (int64_t group = 0; group < c_.groups; ++group)
      for (int64_t panel = 0; panel < shape_.panels; ++panel) {
        finite = pack_panel(group, panel) && finite;
        add_sum(group, panel);
      }
    return finite || !pads();
  }

  void add_sum(int64_t group, int64_t panel) {
    const FilterTerms& terms = terms_of(panel);
    const int64_t number = panel_number(group, panel), columns = shape_.lines * width(panel);
    const FilterAxis& second = shape_.axes[1];
    const int64_t line_step =
        second.lines > 1 ? c_.out_number(0, second.apart, 0) * c_.out_pixel : c_.out_pixel;
    int64_t* const steps = column_steps_.data() + number * filter_columns;
    for (int64_t j = 0; j < columns; ++j)
      steps[j] =
          (first_channel(panel) + j % width(panel)) * c_.out_col + j / width(panel) * line_step;
    sums_.push_back({terms.runs.data(), static_cast<int64_t>(terms.runs.size()),
                     terms.offsets.data(), weights_ + number * panel_size(),
                     bias_ + number * filter_columns, steps, static_cast<int>(columns), streams_});
  }

  bool pads() const {
    return std::any_of(shape_.axes, shape_.axes + max_spatial, [](const FilterAxis& axis) {
      return axis.axis.mode == PadMode::zeros &&
             (axis.axis.pad_lo > 0 || axis.reads(axis.axis.out) - axis.axis.pad_lo > axis.axis.in);
    });
  }

  bool pack_panel(int64_t group, int64_t panel) {
    const FilterTerms& terms = terms_of(panel);
    const int64_t channel = first_channel(panel);
    const double* const from = c_.b.array.data + group * c_.b.group + channel * c_.b.lane;
    T* to = weights_ + panel_number(group, panel) * panel_size();
    T* const bias = bias_ + panel_number(group, panel) * filter_columns;
    bool finite = true;
    for (std::size_t k = 0; k < terms.offsets.size(); ++k, to += filter_columns)
      for (int64_t line = 0; line < shape_.lines; ++line) {
        const int64_t at = terms.weights[k * shape_.lines + line];
        for (int64_t j = 0; j < width(panel) && at >= 0; ++j) {
          const T weight = static_cast<T>(from[at + j * c_.b.lane]);
          to[line * width(panel) + j] = weight;
          finite = finite && std::isfinite(weight);
        }
      }
    for (int64_t line = 0; line < shape_.lines; ++line)
      for (int64_t j = 0; j < width(panel); ++j)
        bias[line * width(panel) + j] = bias_of<T>(c_, group * c_.cols + channel + j, 0);
    return finite;
  }

  // ---- strips ----

  void pack_strip(const Box& box, int64_t group, T* strip) const {
    const FilterAxis& second = shape_.axes[1];
    const FilterAxis& third = shape_.axes[2];
    const double* const data = c_.a.array.data + group * c_.a.group * c_.a.width();
    const int64_t lines = second.reads(box.at[1].count), planes = third.reads(box.at[2].count);
    for (int64_t k = 0; k < planes; ++k)
      for (int64_t j = 0; j < lines; ++j) {
        const int64_t y = source(second.axis, box.at[1].first, j);
        const int64_t z = source(third.axis, box.at[2].first, k);
        for (int64_t term = 0; term < c_.terms; ++term) {
          T* const to = strip + strip_offset(0, j, k, term);
          if (y < 0 || z < 0)
            std::fill(to, to + shape_.channel_pitch(), T(0));
          else
            pack_line(data + c_.a.pixel_number(0, y, z) * pixel_ + term * c_.a.term * c_.a.width(),
                      box.at[0], to);
        }
      }
  }

  // Of the padded input, position `at` counted from where the box starts to read.
  static int64_t source(const Axis& axis, int64_t first, int64_t at) {
    return axis.inside(first * axis.stride + at - axis.pad_lo);
  }

  void pack_line(const double* line, Range box, T* to) const {
    const Axis& axis = shape_.axes[0].axis;
    const int64_t phases = shape_.phases();
    for (int64_t phase = 0; phase < phases; ++phase, to += shape_.pitch) {
      // Slot m holds position v + m * phases, the input's own from `begin` to `end`.
      const int64_t v = box.first * axis.stride + phase - axis.pad_lo;
      const int64_t slots = shape_.pitch / c_.rows;
      const auto slot_from = [&](int64_t position) {
        const int64_t slot = position <= v ? 0 : (position - v + phases - 1) / phases;
        return std::min(slot, slots);
      };
      const int64_t begin = slot_from(0), end = std::max(begin, slot_from(axis.in));
      pack_border(line, v, 0, begin, to);
      copy(line + (v + begin * phases) * pixel_, end - begin, to + begin * c_.rows);
      pack_border(line, v, end, slots, to);
      std::fill(to + slots * c_.rows, to + shape_.pitch, T(0));
    }
  }

  // Beyond what any sum reads there are zeros.
  void pack_border(const double* line, int64_t v, int64_t slot, int64_t end, T* to) const {
    const Axis& axis = shape_.axes[0].axis;
    for (; slot < end; ++slot) {
      const int64_t position = v + slot * shape_.phases();
      const int64_t x = position < last_read_ ? axis.inside(position) : -1;
      T* const target = to + slot * c_.rows;
      if (x < 0)
        std::fill(target, target + c_.rows, T(0));
      else
        copy_line(line + x * pixel_, c_.rows, target);
    }
  }

  void copy_line(const double* from, int64_t count, T* to) const {
    packing_.copy_lines(from, 0, 1, count, to, 0);
  }

  void copy(const double* from, int64_t count, T* to) const {
    if (count <= 0) return;
    const int64_t step = shape_.phases() * pixel_;
    if (step == c_.rows)
      copy_line(from, count * c_.rows, to);
    else if (c_.rows == 1)
      for (int64_t m = 0; m < count; ++m) to[m] = static_cast<T>(from[m * step]);
    else
      for (int64_t m = 0; m < count; ++m, from += step, to += c_.rows)
        for (int64_t n = 0; n < c_.rows; ++n) to[n] = static_cast<T>(from[n]);
  }

  // ---- tiles ----

  Box box_of(int64_t number) const {
    Box box;
    int64_t first[max_spatial];
    for (int i = 0; i < max_spatial; ++i) {
      const FilterAxis& axis = shape_.axes[i];
      box.at[i] = {axis.first(number % axis.boxes), axis.count(number % axis.boxes)};
      first[i] = box.at[i].first;
      number /= axis.boxes;
    }
    box.out = c_.out_number(first[0], first[1], first[2]) * c_.out_pixel;
    return box;
  }

  // The last lines start early, so that every group has all of its lines.
  std::vector<LineGroup> line_groups(const Box& box) const {
    std::vector<LineGroup> groups;
    const FilterAxis& axis = shape_.axes[1];
    for (int64_t k = 0; k < box.at[2].count; ++k)
      for (int64_t phase = 0; phase < axis.apart; ++phase) {
        const int64_t lines = (box.at[1].count - phase + axis.apart - 1) / axis.apart;
        for (int64_t line = 0; line < lines; line += axis.lines) {
          const int64_t j = phase + std::min(line, lines - axis.lines) * axis.apart;
          groups.push_back(
              {strip_offset(0, j * axis.axis.stride, k * shape_.axes[2].axis.stride, 0),
               c_.out_number(0, j, k) * c_.out_pixel});
        }
      }
    return groups;
  }

  // A vector of a tile: row `sample` of position `m` of a line and those after it. They go to
  // `out` together, or part in the result: regularly where a vector is whole positions.
  struct Place {
    double* out;
    int64_t m, sample;
    bool together, regular;
  };

  struct FilterTile {
    const T* at[max_tile_vectors];
    double* out[max_tile_vectors];  // null for those that part
    Place places[max_tile_vectors];
    int count = 0;
  };

  // A box with its packed strip.
  struct Source {
    const Box& box;
    const T* strip;
    double* out;
    int64_t rows;  // of a line
  };

  void add_vector(const Source& source, const LineGroup& lines, int64_t number,
                  FilterTile& tile) const {
    const int64_t first = std::max<int64_t>(0, std::min(number * vector_, source.rows - vector_));
    const int i = tile.count++;
    tile.at[i] = source.strip + lines.at + first;
    tile.out[i] = nullptr;
    double* const line = source.out + lines.out;
    const bool whole = source.rows >= vector_;
    if (adjoin_ && whole) {
      tile.out[i] = line + first;
      return;
    }
    Place& place = tile.places[i];
    place.m = first / c_.rows;
    place.sample = first % c_.rows;
    place.out = line + place.m * position_step_ + place.sample;
    if (whole && shape_.period == 1 && place.sample + vector_ <= c_.rows) tile.out[i] = place.out;
    place.regular = whole && place.sample == 0 && c_.rows <= 4 && vector_ % c_.rows == 0 &&
                    (place.m + vector_ / c_.rows) * shape_.period <= source.box.at[0].count;
  }

  void run_box(int64_t group, int64_t number, Worker& worker) const {
    FilterWorkspace& w = worker.local<FilterWorkspace>();
    const Box box = box_of(number);
    T* const strip = w.strip.get<T>(static_cast<int64_t>(shape_.strip) + vector_);
    pack_strip(box, group, strip);
    const Source source{box, strip, c_.out + group * c_.out_group + box.out,
                        shape_.line_rows(box.at[0].count)};
    const std::vector<LineGroup> groups = line_groups(box);
    const int64_t line_vectors = (source.rows + vector_ - 1) / vector_;
    const int mv = kernel_.mv;
    // Tiles within lines, down the lines that share what they read; then what is left of lines.
    FilterTile tile;
    const int64_t whole = line_vectors / mv * mv;
    for (int64_t v = 0; v < whole; v += mv)
      for (const LineGroup& lines : groups) {
        for (int i = 0; i < mv; ++i) add_vector(source, lines, v + i, tile);
        if (worker.stopped()) return;
        run_tile(group, source, tile, w);
      }
    for (const LineGroup& lines : groups)
      for (int64_t v = whole; v < line_vectors; ++v) {
        add_vector(source, lines, v, tile);
        if (tile.count < mv) continue;
        if (worker.stopped()) return;
        run_tile(group, source, tile, w);
      }
    if (tile.count > 0) run_tile(group, source, tile, w);
  }

  // All panels of a tile, which is then empty again.
  void run_tile(int64_t group, const Source& source, FilterTile& tile, FilterWorkspace& w) const {
    for (int i = tile.count; i < kernel_.mv; ++i) {
      tile.at[i] = tile.at[i - 1];
      tile.out[i] = tile.out[i - 1];
    }
    const int64_t size = static_cast<int64_t>(kernel_.mv) * vector_ * filter_columns;
    T* const parted = w.stack.get<T>((1 + terms_[0].depth) * size);
    for (int64_t panel = 0; panel < shape_.panels; ++panel) {
      const FilterSum<T>& sum = sums_[panel_number(group, panel)];
      kernel_.sum(tile.at, sum, parted + size, tile.out, parted);
      for (int i = 0; i < tile.count; ++i)
        if (tile.out[i] == nullptr) store_parted(source, tile.places[i], sum, parted + i * vector_);
    }
    tile.count = 0;
  }

  void store_parted(const Source& source, const Place& place, const FilterSum<T>& sum,
                    const T* values) const {
    if (place.regular)
      return kernel_.store_parts(values, c_.rows, position_step_, sum.columns, sum.column_steps,
                                 place.out);
    const int64_t height = static_cast<int64_t>(kernel_.mv) * vector_;
    const int64_t line_columns = sum.columns / shape_.lines;
    const int64_t lanes = std::min<int64_t>(vector_, source.rows);
    double* out = place.out;
    int64_t m = place.m, part = c_.rows - place.sample;
    for (int64_t lane = 0; lane < lanes; lane += part, part = c_.rows, ++m) {
      part = std::min(part, lanes - lane);
      // The last position may be one of some lines only.
      const int64_t columns =
          shape_.period == 1
              ? sum.columns
              : std::min<int64_t>(sum.columns,
                                  line_columns * (source.box.at[0].count - m * shape_.period));
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t r = 0; r < part; ++r)
          out[sum.column_steps[j] + r] = static_cast<double>(values[j * height + lane + r]);
      out += position_step_ - (m == place.m ? place.sample : 0);
    }
  }

  const Contraction& c_;
  const FilterShape& shape_;
  const Context& context_;
  const bool streams_;
  const int vector_;
  const FilterKernel<T>& kernel_;
  const PackKernels<T>& packing_;
  FilterTerms terms_[2];            // of wide panels, of narrow ones
  std::vector<FilterSum<T>> sums_;  // of each group and panel
  std::vector<int64_t> column_steps_;
  int64_t pixel_;
  int64_t position_step_;  // of the result, from one position of a vector to the next
  bool adjoin_;            // they stand side by side
  int64_t last_read_;      // end of the padded input, as far as it is read
  T* weights_ = nullptr;
  T* bias_ = nullptr;
  Buffer weight_buffer_, bias_buffer_;
};

template <class T>
bool run_filter(const Contraction& c, MapSide side, const Plan& plan, const Context& context) {
  const KernelTable<T>& table = plan.isa->table<T>();
  FilterShape shape;
  filter_shape(c, side, table.vector, table.filter.mv, sizeof(T), shape);
  return Filter<T>(c, shape, plan, context).run();
}

}  // namespace

bool filter(const Contraction& c, MapSide side, bool single, const Plan& plan,
            const Context& context) {
  return single ? run_filter<float>(c, side, plan, context)
                : run_filter<double>(c, side, plan, context);
}

}  // namespace nnconv
