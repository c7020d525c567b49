// Kernels that are outer products: a pass along one axis after the other, each a contraction of its
// own that a direct loop nest sums.
//
//   for each job = (some samples, positions of the result along the last axis)         [threads]
//     for each axis of several taps, the last one first
//       the sums along it, of what the pass before made
//
// What a job leaves for its next pass is small enough to stay in a cache. A result that is not
// finite is computed anew by the caller: the passes multiply what is infinite by other numbers.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "../scratch.hpp"
#include "../separable_shape.hpp"
#include "algo.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t strip_bytes = 512 << 10;        // of a pass's results
constexpr int64_t largest_strip_bytes = 8 << 20;  // of one position of the last axis
constexpr double wanted_jobs = 16;
constexpr double long_job = 1e8;  // operations

// What one thread keeps: the results of a pass, those of the pass before it.
struct Strips {
  Buffer buffers[2];
};

// x * 0 is 0 or NaN. In parts of a constant length, which compilers turn into vectors.
bool all_finite(const double* values, int64_t count) {
  constexpr int part = 16;
  double zeros[part] = {};
  for (; count >= part; count -= part, values += part)
    for (int i = 0; i < part; ++i) zeros[i] += values[i] * 0.0;
  for (int64_t i = 0; i < count; ++i) zeros[i] += values[i] * 0.0;
  return std::all_of(zeros, zeros + part, [](double x) { return x == 0; });
}

class Separable {
 public:
  Separable(const Contraction& c, MapSide side, bool single, const Context& context,
            const DirectPass& pass)
      : c_(c),
        context_(context),
        pass_(pass),
        pairs_(c.terms * c.cols),
        strip_axis_(strip_axis(c)) {
    separate(c, side, single, factors_);
    for (int i = 0; i < max_spatial; ++i) axes_[i] = output_map(c.axes[i], side);
    if (axes_[strip_axis_].kernel > 1) order_.push_back(strip_axis_);
    for (int i = max_spatial - 1; i >= 0; --i)
      if (axes_[i].kernel > 1 && i != strip_axis_) order_.push_back(i);
    cut_work();
  }

  // Whether all results are finite.
  bool run() {
    double work = 0;
    for (const int i : order_) work += 2.0 * static_cast<double>(c_.rows * axes_[i].kernel);
    work *= static_cast<double>(c_.groups * pairs_ * c_.out_pixels());
    polls_ = work > long_job * static_cast<double>(sample_parts_ * strips_);
    parallel_for(context_, sample_parts_ * strips_, work, [&](int64_t job, Worker& worker) {
      run_job(part(c_.rows, job / strips_, sample_parts_),
              part(axes_[strip_axis_].out, job % strips_, strips_), worker);
    });
    return finite_;
  }

 private:
  static Range part(int64_t whole, int64_t number, int64_t parts) {
    const int64_t first = whole * number / parts;
    return {first, whole * (number + 1) / parts - first};
  }

  int64_t channels() const { return c_.groups * pairs_; }

  void cut_work() {
    const int64_t line = static_cast<int64_t>(strip_line(c_));
    const int64_t positions = axes_[strip_axis_].out;
    const int64_t samples = std::max<int64_t>(1, std::min(c_.rows, largest_strip_bytes / line));
    sample_parts_ = (c_.rows + samples - 1) / samples;
    const double fitting = static_cast<double>(strip_bytes) / static_cast<double>(samples * line);
    const double fair = static_cast<double>(positions * sample_parts_) / wanted_jobs;
    const double count = std::max(1.0, std::min(fitting, fair));
    strips_ = static_cast<int64_t>(std::ceil(static_cast<double>(positions) / count));
  }

  void run_job(const Range& samples, const Range& strip, Worker& worker) {
    Strips& strips = worker.local<Strips>();
    const Range reads = reads_of(strip);
    Operand from = c_.a;
    from.array.data += samples.first + reads.first * pixels_of(&Axis::in) * from.pixel;
    from.extents[strip_axis_] = reads.count;
    const Context alone{1, polls_ && worker.index() == 0 ? context_.poll : nullptr};
    Axis axes[max_spatial];
    for (std::size_t number = 0; number < order_.size() && !worker.stopped(); ++number) {
      place_axes(number, strip, reads, axes);
      const bool is_last = number + 1 == order_.size();
      Contraction pass = is_last ? to_result(samples, strip)
                                 : to_strip(samples.count, axes, strips.buffers[number % 2]);
      set_channels(number, pass);
      from.group = pass.terms * from.term;
      pass.a = from;
      pass.axes = axes;
      pass_(pass, samples.count == c_.rows, alone);
      if (!is_last) from = strip_operand(pass);
    }
    if (!is_finite(samples, strip)) finite_ = false;
  }

  // What a strip reads along its axis: a part, or, where a border shows other positions, all.
  Range reads_of(const Range& strip) const {
    const Axis& axis = axes_[strip_axis_];
    const int64_t first = strip.first * axis.stride - axis.pad_lo;
    const int64_t end =
        first + (strip.count - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
    if (axis.mode != PadMode::zeros && (first < 0 || end > axis.in)) return {0, axis.in};
    const int64_t begin = std::min(std::max<int64_t>(0, first), axis.in - 1);
    return {begin, std::max<int64_t>(1, std::min(end, axis.in) - begin)};
  }

  // The axes of a pass: its own; those of one tap go with the first; the others stay as they are.
  void place_axes(std::size_t number, const Range& strip, const Range& reads,
                  Axis (&axes)[max_spatial]) const {
    for (int i = 0; i < max_spatial; ++i) {
      const auto place = std::find(order_.begin(), order_.end(), i) - order_.begin();
      const bool is_own = i == order_[number] || (number == 0 && axes_[i].kernel == 1);
      const bool waits = axes_[i].kernel > 1 && place > static_cast<std::ptrdiff_t>(number);
      axes[i] = is_own ? axes_[i] : Axis();
      if (!is_own) axes[i].in = axes[i].out = waits ? axes_[i].in : axes_[i].out;
    }
    Axis& axis = axes[strip_axis_];
    axis.out = strip.count;
    axis.in = number == 0 ? reads.count : strip.count;
    if (number == 0) axis.pad_lo += reads.first - strip.first * axis.stride;
  }

  // A channel of each group meets the channels of the other side in the first pass, or, where
  // those are summed over, in the last; in the others each channel meets itself.
  void set_channels(std::size_t number, Contraction& pass) const {
    const bool spreads = number == 0 && c_.terms == 1;
    const bool sums = number + 1 == order_.size() && c_.cols == 1;
    pass.cols = spreads ? c_.cols : 1;
    pass.terms = sums ? c_.terms : 1;
    pass.groups = channels() / (pass.cols * pass.terms);
    pass.out_group = pass.cols * pass.out_col;
    const int i = order_[number];
    pass.b = {{factors_[i].data()}, 1, 1, channels(), pass.cols * pass.terms, {1, 1, 1}};
    pass.b.extents[i] = axes_[i].kernel;
  }

  Contraction to_strip(int64_t samples, const Axis (&axes)[max_spatial], Buffer& buffer) const {
    Contraction pass{};
    pass.rows = samples;
    pass.out_col = samples;
    pass.out_pixel = samples * channels();
    for (int i = 0; i < max_spatial; ++i) pass.out_extents[i] = axes[i].out;
    pass.out = buffer.get<double>(pass.out_pixel * pass.out_pixels());
    return pass;
  }

  Contraction to_result(const Range& samples, const Range& strip) const {
    Contraction pass = c_;
    pass.rows = samples.count;
    pass.out_extents[strip_axis_] = strip.count;
    pass.out = result_of(samples, strip);
    return pass;
  }

  double* result_of(const Range& samples, const Range& strip) const {
    return c_.out + samples.first + strip.first * pixels_of(&Axis::out) * c_.out_pixel;
  }

  // Pixels of one position along the axis of strips: of those axes that come before it.
  int64_t pixels_of(int64_t Axis::*extent) const {
    int64_t pixels = 1;
    for (int i = 0; i < strip_axis_; ++i) pixels *= axes_[i].*extent;
    return pixels;
  }

  Operand strip_operand(const Contraction& pass) const {
    Operand operand{{pass.out}, 1, pass.rows, pass.out_pixel, 0, {}};
    std::copy(pass.out_extents, pass.out_extents + max_spatial, operand.extents);
    return operand;
  }

  bool is_finite(const Range& samples, const Range& strip) const {
    const double* const first = result_of(samples, strip);
    const int64_t channels = c_.groups * c_.cols;
    const int64_t pixels = strip.count * pixels_of(&Axis::out);
    if (samples.count == c_.rows) return all_finite(first, pixels * channels * c_.rows);
    bool finite = true;
    for (int64_t i = 0; i < pixels * channels; ++i)
      finite = finite && all_finite(first + i * c_.rows, samples.count);
    return finite;
  }

  const Contraction& c_;
  const Context& context_;
  const DirectPass& pass_;
  const int64_t pairs_;  // of channels, in a group
  const int strip_axis_;
  Factors factors_[max_spatial];
  Axis axes_[max_spatial];
  std::vector<int> order_;  // of the axes that have a pass
  int64_t sample_parts_ = 1, strips_ = 1;
  bool polls_ = false;  // between the parts of a job: on the calling thread
  std::atomic<bool> finite_{true};
};

}  // namespace

bool separable(const Contraction& c, MapSide side, bool single, const Context& context,
               const DirectPass& pass) {
  return Separable(c, side, single, context, pass).run();
}

}  // namespace nnconv
