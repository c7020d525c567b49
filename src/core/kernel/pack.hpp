// Packing: doubles from where they stand into panels of the kernel's precision. Included by
// isa/*.cpp like the register tile.

template <class V>
inline void copy_line(const double* from, int64_t count, typename V::Scalar* to) {
  int64_t i = 0;
  for (; i + V::lanes <= count; i += V::lanes) V::store(to + i, V::load_double(from + i));
  if constexpr (V::by_fours)
    for (; i + 4 <= count; i += 4) V::copy4(from + i, to + i);
  for (; i < count; ++i) to[i] = static_cast<typename V::Scalar>(from[i]);
}

template <class V, int vectors>
void copy_vectors(const double* from, int64_t from_step, int64_t lines, typename V::Scalar* to,
                  int64_t to_step) {
  for (int64_t line = 0; line < lines; ++line, from += from_step, to += to_step) {
    NNCONV_UNROLL
    for (int i = 0; i < vectors; ++i)
      V::store(to + i * V::lanes, V::load_double(from + i * V::lanes));
  }
}

constexpr int64_t lines_ahead = 4;  // are asked for early: a jump is a wait for memory

template <class V>
void copy_lines(const double* from, int64_t from_step, int64_t lines, int64_t count,
                typename V::Scalar* to, int64_t to_step) {
  if (count == V::lanes) return copy_vectors<V, 1>(from, from_step, lines, to, to_step);
  if (count == 2 * V::lanes) return copy_vectors<V, 2>(from, from_step, lines, to, to_step);
  for (int64_t line = 0; line < lines; ++line, from += from_step, to += to_step) {
    for (int64_t i = 0; line + lines_ahead < lines && i < count; i += 8)
      __builtin_prefetch(from + lines_ahead * from_step + i);
    copy_line<V>(from, count, to);
  }
}

// A unit's lanes line after line.
template <class V>
void deal(const double* from, int64_t from_step, int64_t lines, const LaneRuns& lanes,
          typename V::Scalar* to) {
  int64_t in_unit = 0;
  for (int64_t r = 0; r < lanes.runs; ++r)
    for (int64_t done = 0, part; done < lanes.lanes; done += part) {
      const int64_t room = lanes.height - in_unit, left = lanes.lanes - done;
      part = left < room ? left : room;
      const int64_t some = lanes.run - done < part ? lanes.run - done : part;
      const int64_t there = some > 0 ? some : 0;
      copy_lines<V>(from + r * lanes.run_step + done, from_step, lines, there, to + in_unit,
                    lanes.height);
      for (int64_t line = 0; there < part && line < lines; ++line)
        for (int64_t i = there; i < part; ++i) to[line * lanes.height + in_unit + i] = 0;
      in_unit += part;
      if (in_unit < lanes.height) continue;
      in_unit = 0;
      to += lanes.unit_pitch;
    }
}

// to[f * to_step + s] = from[f + s * from_step] for f < fast, s < slow, in squares; the last ones
// overlap those before them. The square that follows along `slow` is asked for early.
template <class V, int side>
void transpose_squares(const double* from, int64_t from_step, int64_t fast, int64_t slow,
                       typename V::Scalar* to, int64_t to_step) {
  for (int64_t s = 0; s < slow; s += side) {
    if (s + side > slow) s = slow - side;
    for (int64_t f = 0; f < fast; f += side) {
      if (f + side > fast) f = fast - side;
      const double* const corner = from + f + s * from_step;
      NNCONV_UNROLL
      for (int i = 0; i < side; ++i) __builtin_prefetch(corner + (side + i) * from_step);
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
  if (fast == 1 && from_step == 1) return copy_line<V>(from, slow, to);
  if constexpr (V::by_fours) {
    if (fast >= 8 && slow >= 8)
      return transpose_squares<V, 8>(from, from_step, fast, slow, to, to_step);
    if (fast >= 4 && slow >= 4)
      return transpose_squares<V, 4>(from, from_step, fast, slow, to, to_step);
  }
  for (int64_t f = 0; f < fast; ++f)
    for (int64_t s = 0; s < slow; ++s)
      to[f * to_step + s] = static_cast<Scalar>(from[f + s * from_step]);
}
