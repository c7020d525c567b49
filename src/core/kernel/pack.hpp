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

// to[f * to_step + s] = from[f + s * from_step] for f < fast, s < slow, in squares; the last ones
// overlap those before them.
template <class V, int side>
void transpose_squares(const double* from, int64_t from_step, int64_t fast, int64_t slow,
                       typename V::Scalar* to, int64_t to_step) {
  for (int64_t s = 0; s < slow; s += side) {
    if (s + side > slow) s = slow - side;
    for (int64_t f = 0; f < fast; f += side) {
      if (f + side > fast) f = fast - side;
      const double* const corner = from + f + s * from_step;
      if constexpr (side == 8)
        V::transpose8(corner, from_step, to + f * to_step + s, to_step);
      else
        V::transpose4(corner, from_step, to + f * to_step + s, to_step);
    }
  }
}

template <class V>
void transpose(const double* from, int64_t from_step, int64_t fast, int64_t slow,
               typename V::Scalar* to, int64_t to_step) {
  using Scalar = typename V::Scalar;
  if (fast == 1 && from_step == 1) return copy_lines<V>(from, 0, 1, slow, to, 0);
  if constexpr (V::turns_squares) {
    if (fast >= 8 && slow >= 8)
      return transpose_squares<V, 8>(from, from_step, fast, slow, to, to_step);
    if (fast >= 4 && slow >= 4)
      return transpose_squares<V, 4>(from, from_step, fast, slow, to, to_step);
  }
  for (int64_t f = 0; f < fast; ++f)
    for (int64_t s = 0; s < slow; ++s)
      to[f * to_step + s] = static_cast<Scalar>(from[f + s * from_step]);
}
