// Winograd's F(2, 3) and F(4, 3) by plain loops, result by result: slow, and right by reading. It
// knows nothing of the tiles, transforms and term lists of winograd.cpp.
#include <atomic>
#include <cmath>
#include <limits>

#include "../written_order.hpp"
#include "algo.hpp"
#include "naive.hpp"

namespace nnconv {

namespace {

// Along a tiled axis: which of the tile's m results u is, and the m + 2 positions that the tile
// reads (-1: none). Its own taps meet places o, o + 1, o + 2.
struct Place {
  int64_t o, sources[6];
};

Place place_of(const Axis& axis, Direction direction, int64_t m, int64_t u) {
  const int64_t d = axis.dilation, number = u / d;
  const int64_t first = u % d + d * (number / m * m);
  Place place{number % m, {}};
  for (int64_t p = 0; p < m + 2; ++p) {
    if (direction == Direction::forward) {
      const int64_t v = first + p * d - axis.pad_lo;
      place.sources[p] = v < axis.in + axis.pad_hi ? axis.inside(v) : -1;
    } else {
      const int64_t q = first + p * d + axis.pad_lo - 2 * d;
      place.sources[p] = q >= 0 && q < axis.out ? q : -1;
    }
  }
  return place;
}

// The transforms: place p of m + 2 positions x, of three taps g; and result o of m + 2 places y.
template <class T, bool fused, int m>
struct Transform;

template <class T, bool fused>
struct Transform<T, fused, 2> {
  static T input(int p, const T* x) {
    return p == 0 ? x[0] - x[2] : p == 1 ? x[1] + x[2] : p == 2 ? x[2] - x[1] : x[1] - x[3];
  }
  static double taps(int p, const double* g) {
    if (p == 0 || p == 3) return p == 0 ? g[0] : g[2];
    return ((g[0] + g[2]) + (p == 1 ? g[1] : -g[1])) * 0.5;
  }
  static T result(int64_t o, const T* y) {
    return o == 0 ? (y[0] + y[1]) + y[2] : (y[1] - y[2]) - y[3];
  }
};

template <class T, bool fused>
struct Transform<T, fused, 4> {
  static T times(double factor, T x, T y) {
    return add_product<T, fused>(static_cast<T>(factor), x, y);
  }
  static T input(int p, const T* x) {
    if (p == 0 || p == 5)
      return times(4, x[p == 0 ? 0 : 1], times(-5, x[p == 0 ? 2 : 3], x[p == 0 ? 4 : 5]));
    if (p < 3) {
      const T even = times(-4, x[2], x[4]), odd = times(-4, x[1], x[3]);
      return p == 1 ? even + odd : even - odd;
    }
    return times(p == 3 ? 2 : -2, x[3] - x[1], x[4] - x[2]);
  }
  static double taps(int p, const double* g) {
    const auto product = [](double x, double y, double z) {
      return add_product<double, fused>(x, y, z);
    };
    if (p == 0 || p == 5) return p == 0 ? product(0.25, g[0], 0) : g[2];
    if (p < 3) return product(p == 1 ? -1 / 6.0 : 1 / 6.0, g[1], product(-1 / 6.0, g[0] + g[2], 0));
    return product(p == 3 ? 1 / 12.0 : -1 / 12.0, g[1],
                   product(1 / 24.0, g[0], product(1 / 6.0, g[2], 0)));
  }
  static T result(int64_t o, const T* y) {
    const T inner = y[1] + y[2], inner_gap = y[1] - y[2];
    const T outer = y[3] + y[4], outer_gap = y[3] - y[4];
    if (o == 0) return (y[0] + inner) + outer;
    if (o == 1) return times(2, outer_gap, inner_gap);
    if (o == 2) return times(4, outer, inner);
    return times(8, outer_gap, inner_gap) + y[5];
  }
};

template <class T, bool fused, int m>
class Element {
 public:
  Element(const Contraction& c, Direction direction, int tiled, int64_t u)
      : c_(c), direction_(direction), tiled_(tiled) {
    for (int i = 0; i < max_spatial; ++i) {
      const int64_t at = u % c.out_extents[i];
      u /= c.out_extents[i];
      if (i < tiled)
        places_[i] = place_of(c.axes[i], direction, m, at);
      else
        meetings_[i] = meetings_of(c.axes[i], direction, at);
    }
  }

  T value(int64_t group, int64_t row, int64_t col) const {
    T lines[m + 2];
    for (int j = 0; j < (tiled_ == 2 ? m + 2 : 1); ++j) {
      T places[m + 2];
      for (int i = 0; i < m + 2; ++i) places[i] = sum(i, j, group, row, col);
      lines[j] = F::result(places_[0].o, places);
    }
    return tiled_ == 2 ? F::result(places_[1].o, lines) : lines[0];
  }

 private:
  using F = Transform<T, fused, m>;

  // The sum of place (i, j), over the other axes' taps and the terms, in the written order.
  T sum(int i, int j, int64_t group, int64_t row, int64_t col) const {
    static const Meetings nothing{{{0, 0, 0}}, 1};
    const Meetings& second = tiled_ == 2 ? nothing : meetings_[1];
    std::map<int64_t, T> blocks;
    for (const Meeting& n : meetings_[2].list)
      for (const Meeting& k : second.list)
        for (int64_t term = 0; term < c_.terms; ++term) {
          const int64_t slot = k.slot + second.slots * n.slot;
          T& block = blocks.emplace((slot * c_.terms + term) / block_terms, T(0)).first->second;
          block = add_product<T, fused>(input(i, j, k.a, n.a, group, row, term),
                                        weight(i, j, k.b, n.b, group, col, term), block);
        }
    T total = 0;
    sum_of_blocks(blocks, 0, 62, total);
    return total;
  }

  T input(int i, int j, int64_t at_1, int64_t at_2, int64_t group, int64_t row,
          int64_t term) const {
    T lines[m + 2];
    for (int n = 0; n < (tiled_ == 2 ? m + 2 : 1); ++n) {
      T line[m + 2];
      const int64_t second = tiled_ == 2 ? places_[1].sources[n] : at_1;
      for (int k = 0; k < m + 2; ++k) {
        const int64_t first = places_[0].sources[k];
        const int64_t pixel = c_.a.pixel_number(first, second, at_2);
        line[k] = first < 0 || second < 0
                      ? T(0)
                      : static_cast<T>(c_.a.array.data[row * c_.a.lane + term * c_.a.term +
                                                       pixel * c_.a.pixel + group * c_.a.group]);
      }
      lines[n] = F::input(i, line);
    }
    return tiled_ == 2 ? F::input(j, lines) : lines[0];
  }

  T weight(int i, int j, int64_t at_1, int64_t at_2, int64_t group, int64_t col,
           int64_t term) const {
    const bool forward = direction_ == Direction::forward;
    double lines[3];
    for (int n = 0; n < (tiled_ == 2 ? 3 : 1); ++n) {
      double line[3];
      const int64_t second = tiled_ == 2 ? (forward ? n : 2 - n) : at_1;
      for (int k = 0; k < 3; ++k) {
        const int64_t tap = c_.b.pixel_number(forward ? k : 2 - k, second, at_2);
        line[k] = static_cast<T>(c_.b.array.data[col * c_.b.lane + term * c_.b.term +
                                                 tap * c_.b.pixel + group * c_.b.group]);
      }
      lines[n] = F::taps(i, line);
    }
    return static_cast<T>(tiled_ == 2 ? F::taps(j, lines) : lines[0]);
  }

  const Contraction& c_;
  const Direction direction_;
  const int tiled_;
  Place places_[max_spatial];
  Meetings meetings_[max_spatial];
};

template <class T, bool fused, int m>
bool compute(const Contraction& c, Direction direction, int tiled, const Context& context) {
  std::atomic<bool> finite{true};
  const double work = 1e4 * c.out_pixels() * c.rows * c.cols * c.groups * c.terms;
  parallel_for(context, c.out_pixels(), work, [&](int64_t u, Worker& worker) {
    const Element<T, fused, m> element(c, direction, tiled, u);
    for (int64_t group = 0; group < c.groups; ++group)
      for (int64_t col = 0; col < c.cols && !worker.stopped(); ++col)
        for (int64_t row = 0; row < c.rows; ++row) {
          const T value = element.value(group, row, col);
          const int64_t channel = group * c.cols + col;
          const T bias = c.bias.data == nullptr ? T(0) : static_cast<T>(c.bias.data[channel]);
          if (!(std::abs(value) < std::numeric_limits<T>::max() / 4) ||
              !(std::abs(bias) < std::numeric_limits<T>::max() / 4))
            finite = false;
          c.out[row + col * c.out_col + u * c.out_pixel + group * c.out_group] =
              static_cast<double>((value + T(0)) + bias);
        }
  });
  return finite;
}

template <class T>
bool compute(const Contraction& c, Direction direction, const Plan& plan, const Context& context) {
  const int tiled = plan.winograd_axes;
  if (plan.winograd_results == 2)
    return plan.isa->fused ? compute<T, true, 2>(c, direction, tiled, context)
                           : compute<T, false, 2>(c, direction, tiled, context);
  return plan.isa->fused ? compute<T, true, 4>(c, direction, tiled, context)
                         : compute<T, false, 4>(c, direction, tiled, context);
}

}  // namespace

void naive_winograd(const Contraction& c, Direction direction, const Plan& plan, bool single,
                    const Context& context) {
  const bool finite = single ? compute<float>(c, direction, plan, context)
                             : compute<double>(c, direction, plan, context);
  if (finite) return;
  std::vector<double> sums(c.rows * c.cols * c.groups * c.out_pixels());
  Contraction anew = c;
  anew.out = sums.data();
  naive(anew, direction, single, plan.isa->fused, context);
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (!std::isfinite(c.out[i])) c.out[i] = sums[i];
}

}  // namespace nnconv
