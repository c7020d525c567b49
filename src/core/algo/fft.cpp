// Forward, and gradient of the input for stride 1, of long kernels by Fourier transforms.
//
//   for each slab of units (columns of groups, whose transformed weights fit the scratch)
//     transform the weights                                                             [threads]
//     for each job = (group, some places)                                               [threads]
//       transform what the places read, of every term, along the first axis
//       for some frequencies of the first axis at a time
//         transform along the others, multiply and sum over terms, transform back
//       transform back along the first axis, store
//
// A place is two tiles of one sample: the parts of complex numbers, which a real kernel keeps
// apart. Lines along the first axis, then frequencies of it, are lanes of vectors, so spectra are,
// in numbers, [lanes, part, position along the other axes, place, term or unit, frequency of the
// first axis / lanes]. A place that reads what is not finite is set to NaN, to be computed anew by
// the caller: no sum is made of what one tile reads beyond it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "../scratch.hpp"
#include "algo.hpp"
#include "fft_lanes.hpp"
#include "tiles.hpp"

namespace nnconv {

namespace {

constexpr int64_t most_places = 8;  // of a job, which read the same weights
constexpr int64_t wanted_jobs = 16;

template <class T>
class Fft {
 public:
  Fft(const Contraction& c, MapSide side, const Context& context)
      : c_(c), context_(context), reversed_(side == MapSide::inputs) {
    double operations;
    fft_shape(c, side, shape_, operations);
    work_ = operations * static_cast<double>(c.rows);
    for (int i = 0; i < max_spatial; ++i) {
      const int axis = shape_.order[i];
      from_step_[i] = pixel_step(c.a.extents, axis) * c.a.pixel;
      tap_step_[i] = pixel_step(c.b.extents, axis) * c.b.pixel;
      to_step_[i] = pixel_step(c.out_extents, axis) * c.out_pixel;
    }
  }

  // Whether all results are finite.
  bool run() {
    const int64_t units = c_.groups * c_.cols;
    for (int64_t first = 0; first < units; first += shape_.slab_units) {
      slab_ = {first, std::min(shape_.slab_units, units - first)};
      transform_weights();
      sum_slab();
    }
    return finite_;
  }

 private:
  using Complex = std::complex<Lanes<T>>;
  static constexpr int64_t lanes = fft_lanes<T>;

  struct Workspace {
    Eigen::FFT<Lanes<T>> fft;
    Buffer spectra, line;
    std::vector<char> finite;  // what each place reads
  };

  // Two tiles of a sample, the second of which may be missing.
  struct Place {
    int64_t sample;
    Range at[2][max_spatial];
    bool both;
  };

  static int64_t pixel_step(const int64_t* extents, int axis) {
    return axis == 0 ? 1 : axis == 1 ? extents[0] : extents[0] * extents[1];
  }

  int64_t length() const { return shape_.axes[0].size; }
  int64_t groups_of_frequencies() const { return (length() + lanes - 1) / lanes; }
  int64_t plane() const { return shape_.axes[1].size * shape_.axes[2].size; }
  // Lines of so many planes, as many as fill vectors.
  static int64_t whole(int64_t lines) { return (lines + lanes - 1) / lanes * lanes; }

  // ---- lines along the first axis ----

  // Transforms lines, some at a time: load(line, numbers) sets one, of complex numbers whose
  // parts are `lanes` apart, or says that it has none. Frequencies go `pitch` apart.
  template <class Load>
  void transform_lines(int64_t lines, const Load& load, Complex* spectrum, int64_t pitch,
                       Workspace& w) const {
    Complex* const from = line_of(w);
    Complex* const to = from + length();
    for (int64_t line = 0; line < lines; line += lanes) {
      std::fill(from, from + length(), Complex(0.0, 0.0));
      bool any = false;
      for (int64_t lane = 0; lane < lanes; ++lane)
        any |= load(line + lane, reinterpret_cast<T*>(from) + lane);
      if (any) transform(to, from, length(), w);
      exchange(any ? to : from, spectrum + line, pitch);
    }
  }

  // From lines in lanes to frequencies in lanes.
  void exchange(const Complex* from, Complex* spectrum, int64_t pitch) const {
    for (int64_t f = 0; f < length(); f += lanes, from += lanes, spectrum += pitch)
      turn(reinterpret_cast<const T*>(from), reinterpret_cast<T*>(spectrum));
  }

  // And back.
  void gather(const Complex* spectrum, int64_t pitch, Complex* to) const {
    for (int64_t f = 0; f < length(); f += lanes, to += lanes, spectrum += pitch)
      turn(reinterpret_cast<const T*>(spectrum), reinterpret_cast<T*>(to));
  }

  // Of a square of complex vectors.
  static void turn(const T* from, T* to) {
    for (int64_t i = 0; i < lanes; ++i)
      for (int64_t j = 0; j < lanes; ++j) {
        to[j * 2 * lanes + i] = from[i * 2 * lanes + j];
        to[j * 2 * lanes + lanes + i] = from[i * 2 * lanes + lanes + j];
      }
  }

  static void transform(Complex* to, const Complex* from, int64_t size, Workspace& w) {
    if (size == 1)
      *to = *from;
    else
      w.fft.fwd(to, from, static_cast<Eigen::Index>(size));
  }

  Complex* line_of(Workspace& w) const {
    const int64_t longest = std::max({length(), shape_.axes[1].size, shape_.axes[2].size});
    return w.line.template get<Complex>(2 * longest + plane());
  }

  // ---- the other axes ----

  // In place: a plane of positions along them.
  void transform_plane(Complex* numbers, Workspace& w) const {
    if (plane() == 1) return;
    const int64_t second = shape_.axes[1].size, third = shape_.axes[2].size;
    Complex* const line = line_of(w);
    for (int64_t k = 0; k < third && second > 1; ++k) {
      transform(line, numbers + k * second, second, w);
      std::copy(line, line + second, numbers + k * second);
    }
    for (int64_t j = 0; j < second && third > 1; ++j) {
      for (int64_t k = 0; k < third; ++k) line[k] = numbers[j + k * second];
      transform(line + third, line, third, w);
      for (int64_t k = 0; k < third; ++k) numbers[j + k * second] = line[third + k];
    }
  }

  // ---- weights ----

  // Of all terms, for some frequencies of the first axis.
  int64_t weights_size() const { return c_.terms * whole(plane()); }
  Complex* weights_of(int64_t unit, int64_t f) const {
    return weights_ + ((unit - slab_.first) * groups_of_frequencies() + f) * weights_size();
  }

  // The conjugate of their transform, with the factor that transforming back leaves.
  void transform_weights() {
    weights_ = weights_buffer_.template get<Complex>(slab_.count * groups_of_frequencies() *
                                                     weights_size());
    finite_units_.assign(slab_.count, 1);
    const double share =
        static_cast<double>(slab_.count) / static_cast<double>(c_.groups * c_.cols);
    parallel_for(context_, slab_.count, work_ * share, [&](int64_t chunk, Worker& worker) {
      Workspace& w = worker.local<Workspace>();
      const int64_t unit = slab_.first + chunk;
      for (int64_t term = 0; term < c_.terms && !worker.stopped(); ++term) {
        bool finite = true;
        // Whole in a cache first: where they go, frequencies are far apart.
        Complex* const spectrum =
            w.spectra.template get<Complex>(groups_of_frequencies() * whole(plane()));
        transform_lines(
            whole(plane()),
            [&](int64_t line, T* to) { return load_taps(unit, term, line, to, finite); }, spectrum,
            whole(plane()), w);
        const double scale = 1 / static_cast<double>(shape_.size());
        for (int64_t f = 0; f < groups_of_frequencies(); ++f) {
          Complex* const from = spectrum + f * whole(plane());
          Complex* const to = weights_of(unit, f) + term * whole(plane());
          transform_plane(from, w);
          for (int64_t i = 0; i < plane(); ++i)
            to[i] = {from[i].real() * scale, from[i].imag() * -scale};
        }
        if (!finite) finite_units_[chunk] = 0;
      }
    });
  }

  bool load_taps(int64_t unit, int64_t term, int64_t line, T* to, bool& finite) const {
    const int64_t j = tap_at(1, line % shape_.axes[1].size);
    const int64_t k = tap_at(2, line / shape_.axes[1].size);
    if (j < 0 || k < 0) return false;
    const double* const taps = c_.b.array.data + unit / c_.cols * c_.b.group +
                               unit % c_.cols * c_.b.lane + term * c_.b.term + j * tap_step_[1] +
                               k * tap_step_[2];
    for (int64_t i = 0; i <= shape_.axes[0].reach(); i += shape_.axes[0].axis.dilation) {
      const T value = static_cast<T>(taps[tap_at(0, i) * tap_step_[0]]);
      to[i * 2 * lanes] = value;
      finite = finite && std::isfinite(value);
    }
    return true;
  }

  // The tap that meets what stands so far from a position, or -1.
  int64_t tap_at(int i, int64_t distance) const {
    const Axis& axis = shape_.axes[i].axis;
    const int64_t tap = distance / axis.dilation;
    if (distance % axis.dilation != 0 || tap >= axis.kernel) return -1;
    return reversed_ ? axis.kernel - 1 - tap : tap;
  }

  // ---- jobs ----

  int64_t group_of(int64_t unit) const { return unit / c_.cols; }

  // Of a group, those in the slab.
  Range units_of(int64_t group) const {
    const int64_t first = std::max(slab_.first, group * c_.cols);
    return {first, std::min(slab_.end(), (group + 1) * c_.cols) - first};
  }

  void sum_slab() {
    const int64_t places = c_.rows * shape_.pairs();
    const Range groups{group_of(slab_.first),
                       group_of(slab_.end() - 1) - group_of(slab_.first) + 1};
    const int64_t units = std::min(c_.cols, shape_.slab_units);
    const int64_t bytes = groups_of_frequencies() * plane() * (c_.terms + units) *
                          static_cast<int64_t>(sizeof(Complex));
    const int64_t fair = places * groups.count / wanted_jobs;
    const int64_t filling = (lanes + plane() - 1) / plane();
    const int64_t together =
        std::min(places, std::max(filling, std::min({most_places, fair, fft_job_bytes / bytes})));
    const int64_t parts = (places + together - 1) / together;
    const double share =
        static_cast<double>(slab_.count) / static_cast<double>(c_.groups * c_.cols);
    parallel_for(context_, groups.count * parts, work_ * share, [&](int64_t job, Worker& worker) {
      const int64_t first = job % parts * together;
      run_job(groups.first + job / parts, {first, std::min(together, places - first)}, worker);
    });
  }

  void run_job(int64_t group, const Range& numbers, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    const Range units = units_of(group);
    const int64_t lines = whole(numbers.count * plane());
    const int64_t input_pitch = c_.terms * lines, sum_pitch = units.count * lines;
    Complex* const inputs =
        w.spectra.template get<Complex>(groups_of_frequencies() * (input_pitch + sum_pitch));
    Complex* const sums = inputs + groups_of_frequencies() * input_pitch;
    std::vector<Place> places;
    for (int64_t i = 0; i < numbers.count; ++i) places.push_back(place_of(numbers.first + i));
    w.finite.assign(numbers.count, 1);
    for (int64_t term = 0; term < c_.terms && !worker.stopped(); ++term)
      transform_lines(
          lines,
          [&](int64_t line, T* to) {
            return line < numbers.count * plane() &&
                   load_line(places[line / plane()], group, term, line % plane(), to,
                             w.finite[line / plane()]);
          },
          inputs + term * lines, input_pitch, w);
    for (int64_t f = 0; f < groups_of_frequencies() && !worker.stopped(); ++f) {
      Complex* const to = sums + f * sum_pitch;
      if (lines > numbers.count * plane()) std::fill(to, to + sum_pitch, Complex(0.0, 0.0));
      for (int64_t place = 0; place < numbers.count; ++place)
        sum_terms(units, f, lines, inputs + f * input_pitch + place * plane(), to + place * plane(),
                  w);
    }
    for (int64_t unit = 0; unit < units.count && !worker.stopped(); ++unit)
      store_unit(units.first + unit, places, sums + unit * lines, sum_pitch, w);
  }

  // For every unit, of some frequencies of a place. The sums' parts are exchanged, so that the next
  // transforms are inverse ones.
  void sum_terms(const Range& units, int64_t f, int64_t lines, Complex* inputs, Complex* sums,
                 Workspace& w) const {
    for (int64_t term = 0; term < c_.terms; ++term) transform_plane(inputs + term * lines, w);
    for (int64_t unit = 0; unit < units.count; ++unit, sums += lines) {
      const Complex* const weights = weights_of(units.first + unit, f);
      int64_t i = 0;
      for (; i + 4 <= plane(); i += 4) multiply<4>(inputs + i, lines, weights + i, sums + i);
      for (; i < plane(); ++i) multiply<1>(inputs + i, lines, weights + i, sums + i);
      transform_plane(sums, w);
    }
  }

  template <int count>
  void multiply(const Complex* x, int64_t lines, const Complex* weights, Complex* sums) const {
    Complex sum[count];
    std::fill(sum, sum + count, Complex(0.0, 0.0));
    for (int64_t term = 0; term < c_.terms; ++term) {
      for (int i = 0; i < count; ++i) sum[i] += x[i] * weights[i];
      x += lines;
      weights += whole(plane());
    }
    for (int i = 0; i < count; ++i) sums[i] = {sum[i].imag(), sum[i].real()};
  }

  // ---- places ----

  Place place_of(int64_t number) const {
    Place place;
    place.sample = number / shape_.pairs();
    const int64_t tile = number % shape_.pairs() * 2;
    place.both = tile + 1 < shape_.tiles();
    for (int part = 0; part < 2; ++part) {
      int64_t rest = tile + part;
      for (int i = 0; i < max_spatial; ++i) {
        const FftAxis& axis = shape_.axes[i];
        const int64_t first = rest % axis.tiles * axis.tile;
        place.at[part][i] = {first, std::min(axis.tile, axis.axis.out - first)};
        rest /= axis.tiles;
      }
    }
    return place;
  }

  bool load_line(const Place& place, int64_t group, int64_t term, int64_t line, T* to,
                 char& finite) const {
    bool any = load_part(place, 0, group, term, line, to, finite);
    if (place.both) any |= load_part(place, 1, group, term, line, to + lanes, finite);
    return any;
  }

  bool load_part(const Place& place, int part, int64_t group, int64_t term, int64_t line, T* to,
                 char& finite) const {
    const Range* const at = place.at[part];
    const int64_t y = source(1, at[1], line % shape_.axes[1].size);
    const int64_t z = source(2, at[2], line / shape_.axes[1].size);
    if (y < 0 || z < 0) return false;
    const double* const from = c_.a.array.data + place.sample + group * c_.a.group +
                               term * c_.a.term + y * from_step_[1] + z * from_step_[2];
    const int64_t count = at[0].count + shape_.axes[0].reach();
    T zeros = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t x = source(0, at[0], i);
      if (x < 0) continue;
      const T value = static_cast<T>(from[x * from_step_[0]]);
      to[i * 2 * lanes] = value;
      zeros += value * T(0);
    }
    if (!(zeros == 0)) finite = 0;
    return true;
  }

  // The position of the input that position i of what a tile reads is, or -1.
  int64_t source(int i, const Range& at, int64_t position) const {
    const Axis& axis = shape_.axes[i].axis;
    if (position >= at.count + shape_.axes[i].reach()) return -1;
    return axis.inside(at.first + position - axis.pad_lo);
  }

  void store_unit(int64_t unit, const std::vector<Place>& places, const Complex* sums,
                  int64_t pitch, Workspace& w) {
    Complex* const from = line_of(w);
    Complex* const to = from + length();
    const T bias = bias_of<T>(c_, unit, 0);
    const int64_t lines = static_cast<int64_t>(places.size()) * plane();
    for (int64_t first = 0; first < lines; first += lanes) {
      gather(sums + first, pitch, from);
      transform(to, from, length(), w);
      for (int64_t line = first; line < std::min(lines, first + lanes); ++line) {
        const int64_t number = line / plane();
        const T* const numbers = reinterpret_cast<const T*>(to) + line - first;
        const bool finite = w.finite[number] && finite_units_[unit - slab_.first];
        store_part(places[number], 0, unit, line % plane(), numbers + lanes, bias, finite);
        if (places[number].both)
          store_part(places[number], 1, unit, line % plane(), numbers, bias, finite);
      }
    }
  }

  void store_part(const Place& place, int part, int64_t unit, int64_t line, const T* sums, T bias,
                  bool finite) {
    const Range* const at = place.at[part];
    const int64_t j = line % shape_.axes[1].size, k = line / shape_.axes[1].size;
    if (j >= at[1].count || k >= at[2].count) return;
    double* const out = c_.out + place.sample + group_of(unit) * c_.out_group +
                        unit % c_.cols * c_.out_col + at[0].first * to_step_[0] +
                        (at[1].first + j) * to_step_[1] + (at[2].first + k) * to_step_[2];
    T zeros = 0;
    for (int64_t i = 0; i < at[0].count; ++i) {
      const T value =
          finite ? (sums[i * 2 * lanes] + T(0)) + bias : std::numeric_limits<T>::quiet_NaN();
      out[i * to_step_[0]] = static_cast<double>(value);
      zeros += value * T(0);
    }
    if (!(zeros == 0)) finite_ = false;
  }

  const Contraction& c_;
  const Context& context_;
  const bool reversed_;  // taps
  FftShape shape_;
  double work_;
  // From one position of an axis of the shape to the next.
  int64_t from_step_[max_spatial], tap_step_[max_spatial], to_step_[max_spatial];
  Range slab_{0, 0};
  Complex* weights_ = nullptr;
  Buffer weights_buffer_;
  std::vector<char> finite_units_;  // whether their weights are
  std::atomic<bool> finite_{true};
};

}  // namespace

bool fft(const Contraction& c, MapSide side, bool single, const Context& context) {
  return single ? Fft<float>(c, side, context).run() : Fft<double>(c, side, context).run();
}

}  // namespace nnconv
