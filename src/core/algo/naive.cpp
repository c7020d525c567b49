// The definition of every direct result: plain loops in the written order. Slow, and right by
// reading; the kernels are compared with it bit for bit. It uses Axis::source() and nothing of
// the axis maps, of packing or of the term lists.
#include "naive.hpp"

#include <map>
#include <vector>

#include "../written_order.hpp"
#include "algo.hpp"

namespace nnconv {

Meetings meetings_of(const Axis& axis, Direction direction, int64_t u) {
  Meetings found;
  if (direction == Direction::forward) {
    found.slots = axis.kernel;
    for (int64_t t = 0; t < axis.kernel; ++t)
      if (axis.source(u, t) >= 0) found.list.push_back({t, axis.source(u, t), t});
  } else if (direction == Direction::backward_weight) {
    found.slots = axis.out;
    for (int64_t q = 0; q < axis.out; ++q)
      if (axis.source(q, u) >= 0) found.list.push_back({q, q, axis.source(q, u)});
  } else {
    // Slots are the taps that the stride lets through, counted; where a border repeats
    // positions, the ranks in the list.
    int64_t apart = 1;
    while (apart * axis.dilation % axis.stride != 0) ++apart;
    const bool ranked = axis.mode != PadMode::zeros;
    for (int64_t t = 0; t < axis.kernel; ++t)
      for (int64_t q = 0; q < axis.out; ++q)
        if (axis.source(q, t) == u)
          found.list.push_back(
              {ranked ? static_cast<int64_t>(found.list.size()) : t / apart, q, t});
    found.slots = ranked ? static_cast<int64_t>(found.list.size()) : (axis.kernel - 1) / apart + 1;
  }
  return found;
}

namespace {

// One real number out of an operand: `imaginary` part of a lane, or of i times it.
template <class T>
T read(const Operand& operand, int64_t element, bool imaginary) {
  const Array& array = operand.array;
  if (!array.is_complex) return imaginary ? T(0) : static_cast<T>(array.data[element]);
  const T part = static_cast<T>(array.data[2 * element + imaginary]);
  return imaginary && array.conjugate ? -part : part;
}

template <class T, bool fused>
T element(const Contraction& c, Direction direction, const Meetings (&meetings)[max_spatial],
          int64_t group, int64_t row, int64_t col) {
  const bool imaginary = c.complex_result && row % 2 == 1;
  const int64_t lane = c.complex_result ? row / 2 : row;
  const int64_t pairing = c.paired_terms() ? 2 : 1;
  const bool of_weight = direction == Direction::backward_weight;
  const GradientOrder gradient_order(c.terms / pairing, c.rows, c.groups, c.a.extents);
  // The gradient of a weight goes over a line of pixels for one sample after the other.
  const int64_t round = of_weight ? pairing : c.terms;
  std::map<int64_t, T> blocks;
  const auto add_terms = [&](const Meeting& i, const Meeting& j, const Meeting& k, int64_t first) {
    const int64_t slot = i.slot + meetings[0].slots * (j.slot + meetings[1].slots * k.slot);
    const int64_t a =
        lane * c.a.lane + c.a.pixel_number(i.a, j.a, k.a) * c.a.pixel + group * c.a.group;
    const int64_t b =
        col * c.b.lane + c.b.pixel_number(i.b, j.b, k.b) * c.b.pixel + group * c.b.group;
    for (int64_t term = first; term < first + round; ++term) {
      const int64_t sample = term / pairing, part = term % pairing;
      T x = read<T>(c.a, a + sample * c.a.term, imaginary != (part == 1));
      if (part == 1 && !imaginary) x = -x;  // the real part of i * A
      const T y = read<T>(c.b, b + sample * c.b.term, part == 1);
      const int64_t line = j.a + c.a.extents[1] * k.a;
      const int64_t index = of_weight ? gradient_order.index(sample, line, i.a, pairing, part)
                                      : slot * c.terms + term;
      T& block = blocks.emplace(index / block_terms, T(0)).first->second;
      block = add_product<T, fused>(x, y, block);
    }
  };
  for (const Meeting& k : meetings[2].list)
    for (const Meeting& j : meetings[1].list)
      for (int64_t first = 0; first < c.terms; first += round)
        for (const Meeting& i : meetings[0].list) add_terms(i, j, k, first);
  T sum = 0, bias = 0;
  sum_of_blocks(blocks, 0, 62, sum);
  const int64_t number = group * c.cols + col;
  if (c.bias.data != nullptr && c.bias.is_complex)
    bias = static_cast<T>(c.bias.data[2 * number + imaginary]);
  else if (c.bias.data != nullptr && !imaginary)
    bias = static_cast<T>(c.bias.data[number]);
  return (sum + T(0)) + bias;
}

template <class T, bool fused>
void compute(const Contraction& c, Direction direction, const Context& context) {
  const double work = 1e3 * c.out_pixels() * c.rows * c.cols * c.groups * c.terms;
  parallel_for(context, c.out_pixels(), work, [&](int64_t u, Worker& worker) {
    const int64_t* const extents = c.out_extents;
    const Meetings meetings[max_spatial] = {
        meetings_of(c.axes[0], direction, u % extents[0]),
        meetings_of(c.axes[1], direction, u / extents[0] % extents[1]),
        meetings_of(c.axes[2], direction, u / extents[0] / extents[1])};
    for (int64_t group = 0; group < c.groups; ++group)
      for (int64_t col = 0; col < c.cols && !worker.stopped(); ++col)
        for (int64_t row = 0; row < c.rows; ++row)
          c.out[row + col * c.out_col + u * c.out_pixel + group * c.out_group] =
              static_cast<double>(element<T, fused>(c, direction, meetings, group, row, col));
  });
}

}  // namespace

void naive(const Contraction& c, Direction direction, bool single, bool fused,
           const Context& context) {
  if (single)
    fused ? compute<float, true>(c, direction, context)
          : compute<float, false>(c, direction, context);
  else
    fused ? compute<double, true>(c, direction, context)
          : compute<double, false>(c, direction, context);
}

}  // namespace nnconv
