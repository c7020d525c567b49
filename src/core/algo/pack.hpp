// Packing: operands into the panels that kernels read, rounded to the kernel's precision.
// Here, and only here, complex numbers and their conjugates are taken apart.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../contraction.hpp"

namespace nnconv {

// Terms that stand together both in an operand and in a panel: `count` terms, the first of them
// `from` steps (from term to term) from a row's or column's own start, at term `at` of the panel.
struct Piece {
  int64_t from, count, at;
};

// Adds a piece, or lengthens the last one that it follows. `pairing`: terms of the panel that a
// step makes, 2 where the terms are those of complex numbers.
inline void add_piece(std::vector<Piece>& pieces, int64_t from, int64_t count, int64_t at,
                      int64_t pairing) {
  if (!pieces.empty()) {
    Piece& last = pieces.back();
    if (from == last.from + last.count / pairing && at == last.at + last.count) {
      last.count += count;
      return;
    }
  }
  pieces.push_back({from, count, at});
}

// Rows of the result that read the same pixels: `count` rows from number `row` on, whose own
// pixel is `pixel`, at row `at` of the panel.
struct RowRun {
  int64_t pixel, row, count, at;
};

// Where a real row (or the pairing of a term) finds its part of a complex number.
struct Part {
  int64_t offset;
  double sign;  // 0: there is none
};

inline Part part_of(const Array& array, bool imaginary) {
  if (!imaginary) return {0, 1.0};
  return array.is_complex ? Part{1, array.conjugate ? -1.0 : 1.0} : Part{0, 0.0};
}

// panel[row + height * term] for the given rows and pieces of group `group` of operand A. Rows of
// the panel that no run fills are zero.
template <class T>
void pack_rows(const Contraction& c, int64_t group, const std::vector<RowRun>& runs,
               const std::vector<Piece>& pieces, int64_t height, T* panel) {
  const Operand& a = c.a;
  const int64_t width = a.width();
  const int64_t pairing = c.paired_terms() ? 2 : 1;
  const int64_t from_step = a.term * width, to_step = height * pairing;
  const double* const data = a.array.data + group * a.group * width;

  const auto pack_row = [&](int64_t pixel, int64_t row, T* to_row) {
    const bool imaginary = c.complex_result && row % 2 == 1;
    const double* const from_row =
        data + (pixel * a.pixel + (c.complex_result ? row / 2 : row) * a.lane) * width;
    for (int64_t pair = 0; pair < pairing; ++pair) {
      // The second term of a pair reads i * A: its real part is -im, its imaginary part re.
      Part part = part_of(a.array, imaginary != (pair == 1));
      if (pair == 1 && !imaginary) part.sign = -part.sign;
      for (const Piece& piece : pieces) {
        const double* from = from_row + piece.from * from_step + part.offset;
        T* to = to_row + (piece.at + pair) * height;
        const int64_t count = piece.count / pairing;
        if (part.sign == 1.0)
          for (int64_t k = 0; k < count; ++k) to[k * to_step] = static_cast<T>(from[k * from_step]);
        else if (part.sign == 0.0)
          for (int64_t k = 0; k < count; ++k) to[k * to_step] = T(0);
        else
          for (int64_t k = 0; k < count; ++k)
            to[k * to_step] = static_cast<T>(-from[k * from_step]);
      }
    }
  };
  const int64_t filled = runs.back().at + runs.back().count;
  const int64_t terms = pieces.empty() ? 0 : pieces.back().at + pieces.back().count;
  if (filled < height)
    for (int64_t term = 0; term < terms; ++term)
      std::fill(panel + term * height + filled, panel + (term + 1) * height, T(0));
  for (const RowRun& run : runs)
    for (int64_t r = 0; r < run.count; ++r) pack_row(run.pixel, run.row + r, panel + run.at + r);
}

// panel[col + width * term] for `width` columns from `first_col` on of group `group` of operand B.
template <class T>
void pack_columns(const Contraction& c, int64_t group, int64_t first_col, int64_t width,
                  const std::vector<Piece>& pieces, T* panel) {
  const Operand& b = c.b;
  const int64_t pairing = c.paired_terms() ? 2 : 1;
  const int64_t lane = b.lane * b.width(), step = b.term * b.width();
  const double* const data = b.array.data + (group * b.group + first_col * b.lane) * b.width();
  const double sign = part_of(b.array, true).sign;
  for (const Piece& piece : pieces) {
    const double* from = data + piece.from * step;
    T* to = panel + piece.at * width;
    for (int64_t k = 0; k < piece.count; k += pairing, from += step, to += pairing * width) {
      for (int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(from[j * lane]);
      if (pairing == 2)
        for (int64_t j = 0; j < width; ++j)
          to[width + j] = static_cast<T>(sign * from[j * lane + 1]);
    }
  }
}

}  // namespace nnconv
