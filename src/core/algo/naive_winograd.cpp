// Winograd's F(2, 3) by plain loops, result by result: slow, and right by reading. It knows
// nothing of the tiles, transforms and term lists of winograd.cpp.
#include <atomic>
#include <cmath>
#include <limits>

#include "../written_order.hpp"
#include "algo.hpp"
#include "naive.hpp"

namespace nnconv {

namespace {

// Along a tiled axis: which of the tile's two results u is, and the four positions that the tile
// reads (-1: none). Its own taps meet places o, o + 1, o + 2.
struct Place {
  int64_t o, sources[4];
};

Place place_of(const Axis& axis, Direction direction, int64_t u) {
  const int64_t d = axis.dilation, number = u / d;
  const int64_t first = u % d + d * (number / 2 * 2);
  Place place{number % 2, {}};
  for (int64_t p = 0; p < 4; ++p) {
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

// Place p of the transform of four positions, and of three taps.
template <class T>
T input_at(int p, const T* x) {
  return p == 0 ? x[0] - x[2] : p == 1 ? x[1] + x[2] : p == 2 ? x[2] - x[1] : x[1] - x[3];
}
double tap_at(int p, const double* g) {
  if (p == 0 || p == 3) return p == 0 ? g[0] : g[2];
  return ((g[0] + g[2]) + (p == 1 ? g[1] : -g[1])) * 0.5;
}
// Result o of four places.
template <class T>
T result_at(int64_t o, const T* m) {
  return o == 0 ? (m[0] + m[1]) + m[2] : (m[1] - m[2]) - m[3];
}

template <class T, bool fused>
class Element {
 public:
  Element(const Contraction& c, Direction direction, int tiled, int64_t u)
      : c_(c), direction_(direction), tiled_(tiled) {
    for (int i = 0; i < max_spatial; ++i) {
      const int64_t at = u % c.out_extents[i];
      u /= c.out_extents[i];
      if (i < tiled)
        places_[i] = place_of(c.axes[i], direction, at);
      else
        meetings_[i] = meetings_of(c.axes[i], direction, at);
    }
  }

  T value(int64_t group, int64_t row, int64_t col) const {
    T lines[4];
    for (int j = 0; j < (tiled_ == 2 ? 4 : 1); ++j) {
      T places[4];
      for (int i = 0; i < 4; ++i) places[i] = sum(i, j, group, row, col);
      lines[j] = result_at(places_[0].o, places);
    }
    return tiled_ == 2 ? result_at(places_[1].o, lines) : lines[0];
  }

 private:
  // The sum of place (i, j), over the other axes' taps and the terms, in the written order.
  T sum(int i, int j, int64_t group, int64_t row, int64_t col) const {
    static const Meetings nothing{{{0, 0, 0}}, 1};
    const Meetings& second = tiled_ == 2 ? nothing : meetings_[1];
    std::map<int64_t, T> blocks;
    for (const Meeting& n : meetings_[2].list)
      for (const Meeting& m : second.list)
        for (int64_t term = 0; term < c_.terms; ++term) {
          const int64_t slot = m.slot + second.slots * n.slot;
          T& block = blocks.emplace((slot * c_.terms + term) / block_terms, T(0)).first->second;
          block = add_product<T, fused>(input(i, j, m.a, n.a, group, row, term),
                                        weight(i, j, m.b, n.b, group, col, term), block);
        }
    T total = 0;
    sum_of_blocks(blocks, 0, 62, total);
    return total;
  }

  T input(int i, int j, int64_t at_1, int64_t at_2, int64_t group, int64_t row,
          int64_t term) const {
    T lines[4];
    for (int n = 0; n < (tiled_ == 2 ? 4 : 1); ++n) {
      T line[4];
      const int64_t second = tiled_ == 2 ? places_[1].sources[n] : at_1;
      for (int m = 0; m < 4; ++m) {
        const int64_t first = places_[0].sources[m];
        const int64_t pixel = c_.a.pixel_number(first, second, at_2);
        line[m] = first < 0 || second < 0
                      ? T(0)
                      : static_cast<T>(c_.a.array.data[row * c_.a.lane + term * c_.a.term +
                                                       pixel * c_.a.pixel + group * c_.a.group]);
      }
      lines[n] = input_at(i, line);
    }
    return tiled_ == 2 ? input_at(j, lines) : lines[0];
  }

  T weight(int i, int j, int64_t at_1, int64_t at_2, int64_t group, int64_t col,
           int64_t term) const {
    const bool forward = direction_ == Direction::forward;
    double lines[3];
    for (int n = 0; n < (tiled_ == 2 ? 3 : 1); ++n) {
      double line[3];
      const int64_t second = tiled_ == 2 ? (forward ? n : 2 - n) : at_1;
      for (int m = 0; m < 3; ++m) {
        const int64_t tap = c_.b.pixel_number(forward ? m : 2 - m, second, at_2);
        line[m] = static_cast<T>(c_.b.array.data[col * c_.b.lane + term * c_.b.term +
                                                 tap * c_.b.pixel + group * c_.b.group]);
      }
      lines[n] = tap_at(i, line);
    }
    return static_cast<T>(tiled_ == 2 ? tap_at(j, lines) : lines[0]);
  }

  const Contraction& c_;
  const Direction direction_;
  const int tiled_;
  Place places_[max_spatial];
  Meetings meetings_[max_spatial];
};

template <class T, bool fused>
bool compute(const Contraction& c, Direction direction, int tiled, const Context& context) {
  std::atomic<bool> finite{true};
  const double work = 1e4 * c.out_pixels() * c.rows * c.cols * c.groups * c.terms;
  parallel_for(context, c.out_pixels(), work, [&](int64_t u, Worker& worker) {
    const Element<T, fused> element(c, direction, tiled, u);
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

}  // namespace

void naive_winograd(const Contraction& c, Direction direction, int tiled, bool single, bool fused,
                    const Context& context) {
  bool finite;
  if (single)
    finite = fused ? compute<float, true>(c, direction, tiled, context)
                   : compute<float, false>(c, direction, tiled, context);
  else
    finite = fused ? compute<double, true>(c, direction, tiled, context)
                   : compute<double, false>(c, direction, tiled, context);
  if (finite) return;
  std::vector<double> sums(c.rows * c.cols * c.groups * c.out_pixels());
  Contraction anew = c;
  anew.out = sums.data();
  naive(anew, direction, single, fused, context);
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (!std::isfinite(c.out[i])) c.out[i] = sums[i];
}

}  // namespace nnconv
