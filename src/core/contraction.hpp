// The one shape of all the work: for every position u of a result,
//
//   out[row, col, u] = bias[col] + sum over (a, b) in map(u), over terms k, of
//                      A[row, k, a] * B[col, k, b]                        (group by group)
//
//   direction         u        A            rows   terms  a   B        cols   b
//   forward           out px   in side      batch  c_in   in  weight   c_out  tap
//   backward_input    in px    out side     batch  c_out  out weight   c_in   tap
//   backward_weight   tap      out side     c_out  batch  out in side  c_in   in px
//
// A layer's forward and gradients, and those of the transposed layers, are these three.
#pragma once
#include <algorithm>
#include <cstdint>

#include "problem.hpp"

namespace nnconv {

enum class Direction { forward, backward_input, backward_weight };

// An array as R has it: doubles, or pairs of them (re, im).
struct Array {
  const double* data = nullptr;
  bool is_complex = false;
  bool conjugate = false;  // read as its complex conjugate
};

// What to compute. `a` and `b` are the operands of the table above; the bias belongs to the
// columns and may be missing. `out` is a double array, of pairs if `complex_result`.
struct Task {
  Direction direction;
  Array a, b, bias;
  double* out;
  bool complex_result;
  bool single;  // single precision
};

// An operand with its strides, in elements of its own kind (a complex number is one).
struct Operand {
  Array array;
  int64_t lane;  // from row to row, from column to column
  int64_t term, pixel, group;
  int64_t extents[max_spatial];  // of its pixels, to number them

  int64_t width() const { return array.is_complex ? 2 : 1; }
  // Steps from term to term that lead from one pixel to the next.
  int64_t terms_apart() const { return term == 0 ? 0 : pixel / term; }
  int64_t pixel_number(int64_t i, int64_t j, int64_t k) const {
    return i + extents[0] * (j + extents[1] * k);
  }
};

// A task in real numbers. Complex numbers are an innermost pair, so a complex result has twice
// the rows; a complex B has twice the terms, the second of each pair of which multiplies i * A:
// (a_re, a_im) * (b_re, b_im) = (a_re, a_im) * b_re + (-a_im, a_re) * b_im.
struct Contraction {
  Operand a, b;
  Array bias;
  double* out;
  int64_t rows, cols, terms, groups;      // real rows and terms, of one group
  int64_t out_col, out_pixel, out_group;  // strides of the result in real rows
  int64_t out_extents[max_spatial];
  bool complex_result;
  const Axis* axes;

  bool is_real() const { return !a.array.is_complex && !b.array.is_complex && !complex_result; }
  bool paired_terms() const { return b.array.is_complex; }
  int64_t out_number(int64_t i, int64_t j, int64_t k) const {
    return i + out_extents[0] * (j + out_extents[1] * k);
  }
  int64_t out_pixels() const { return out_extents[0] * out_extents[1] * out_extents[2]; }
};

inline Contraction contraction_of(const Problem& p, const Task& task) {
  Contraction c{};
  Operand in_side{{}, 1, p.batch, p.batch * p.c_in, p.batch * p.group_in(), {}};
  Operand out_side{{}, 1, p.batch, p.batch * p.c_out, p.batch * p.group_out(), {}};
  Operand weight{{}, 1, p.c_out, p.c_out * p.group_in(), p.group_out(), {}};
  for (int i = 0; i < max_spatial; ++i) {
    in_side.extents[i] = p.axes[i].in;
    out_side.extents[i] = p.axes[i].out;
    weight.extents[i] = p.axes[i].kernel;
  }
  const Operand* result = nullptr;  // the operand whose place the result takes
  switch (task.direction) {
    case Direction::forward:
      c.rows = p.batch, c.cols = p.group_out(), c.terms = p.group_in();
      c.a = in_side, c.b = weight, result = &out_side;
      break;
    case Direction::backward_input:
      c.rows = p.batch, c.cols = p.group_in(), c.terms = p.group_out();
      std::swap(weight.lane, weight.term);
      c.a = out_side, c.b = weight, result = &in_side;
      break;
    case Direction::backward_weight:
      c.rows = p.group_out(), c.cols = p.group_in(), c.terms = p.batch;
      std::swap(in_side.lane, in_side.term);
      std::swap(out_side.lane, out_side.term);
      c.a = out_side, c.b = in_side, result = &weight;
      break;
  }
  c.a.array = task.a;
  c.b.array = task.b;
  c.bias = task.bias;
  c.out = task.out;
  c.groups = p.groups;
  c.axes = p.axes;
  c.complex_result = task.complex_result;
  const int64_t width = c.complex_result ? 2 : 1;
  c.out_col = result->term * width;
  c.out_pixel = result->pixel * width;
  c.out_group = result->group * width;
  std::copy(result->extents, result->extents + max_spatial, c.out_extents);
  c.rows *= width;
  if (c.paired_terms()) c.terms *= 2;
  return c;
}

}  // namespace nnconv
