// Packing: doubles from where they stand into panels of the kernel's precision. Included by
// isa/*.cpp like the register tile.

// `lines` lines of `count` numbers that stand together, from_step and to_step apart.
template <class V>
void copy_lines(const double* from, int64_t from_step, int64_t lines, int64_t count,
                typename V::Scalar* to, int64_t to_step) {
  using Scalar = typename V::Scalar;
  for (int64_t line = 0; line < lines; ++line, from += from_step, to += to_step) {
    int64_t i = 0;
    for (; i + V::lanes <= count; i += V::lanes) V::store(to + i, V::load_double(from + i));
    for (; i < count; ++i) to[i] = static_cast<Scalar>(from[i]);
  }
}

// to[f * to_step + s] = from[f + s * from_step] for f < fast, s < slow: squares of V::square
// numbers, and what is left of them.
template <class V>
void transpose(const double* from, int64_t from_step, int64_t fast, int64_t slow,
               typename V::Scalar* to, int64_t to_step) {
  using Scalar = typename V::Scalar;
  constexpr int64_t side = V::square;
  if (fast == 1 && from_step == 1) return copy_lines<V>(from, 0, 1, slow, to, 0);
  const int64_t squares = fast < side ? 0 : slow / side * side;
  for (int64_t s = 0; s < squares; s += side) {
    int64_t f = 0;
    for (; f + side <= fast; f += side)
      V::transpose_square(from + f + s * from_step, from_step, to + f * to_step + s, to_step);
    for (; f < fast; ++f)
      for (int64_t i = s; i < s + side; ++i)
        to[f * to_step + i] = static_cast<Scalar>(from[f + i * from_step]);
  }
  for (int64_t s = squares; s < slow; ++s)
    for (int64_t f = 0; f < fast; ++f)
      to[f * to_step + s] = static_cast<Scalar>(from[f + s * from_step]);
}
