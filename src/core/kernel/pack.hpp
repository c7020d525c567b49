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

// to[f * to_step + s] = from[f + s * from_step] for f < fast, s < slow.
template <class V>
void transpose(const double* from, int64_t from_step, int64_t fast, int64_t slow,
               typename V::Scalar* to, int64_t to_step) {
  using Scalar = typename V::Scalar;
  constexpr int64_t side = 8;
  if (fast == 1 && from_step == 1) return copy_lines<V>(from, 0, 1, slow, to, 0);
  for (int64_t f0 = 0; f0 < fast; f0 += side)
    for (int64_t s0 = 0; s0 < slow; s0 += side) {
      const int64_t f_end = f0 + side < fast ? f0 + side : fast;
      const int64_t s_end = s0 + side < slow ? s0 + side : slow;
      for (int64_t f = f0; f < f_end; ++f)
        for (int64_t s = s0; s < s_end; ++s)
          to[f * to_step + s] = static_cast<Scalar>(from[f + s * from_step]);
    }
}
