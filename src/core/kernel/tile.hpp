// The register tile: mv row vectors by nr columns of a sum of outer products, in the written
// order. Included by isa/*.cpp inside their target region and anonymous namespace;
// V is their vector type.
//
//   for each segment, for each term k of it:
//     acc[j][i] += a[i][k] * b[k][j]          nr broadcasts, mv loads, nr * mv fused products
//   at the end of a block: add the finished blocks that the tree joins to it, put it on the stack
//
// Registers: nr * mv accumulators, mv row vectors, one broadcast.

template <class V, int MV, int NR>
void sum_tile(const typename V::Scalar* const* a, int64_t a_step, const typename V::Scalar* b,
              const Segment* segments, int64_t n_segments, typename V::Scalar* stack) {
  using Scalar = typename V::Scalar;
  using Vector = typename V::Vector;
  constexpr int tile = V::lanes * MV * NR;
  Scalar* top = stack;
  Vector acc[NR][MV];

  NNCONV_UNROLL
  for (int j = 0; j < NR; ++j) {
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) acc[j][i] = V::zero();
  }
  for (const Segment* s = segments; s != segments + n_segments; ++s) {
    const Scalar* row[MV];
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) row[i] = a[i] + s->a * a_step;
    const Scalar* column = b + s->b * NR;
    for (int32_t k = s->count; k > 0; --k) {
      Vector x[MV];
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) {
        x[i] = V::load(row[i]);
        row[i] += a_step;
      }
      NNCONV_UNROLL
      for (int j = 0; j < NR; ++j) {
        const Vector w = V::broadcast(column[j]);
        NNCONV_UNROLL
        for (int i = 0; i < MV; ++i) acc[j][i] = V::multiply_add(x[i], w, acc[j][i]);
      }
      column += NR;
    }
    if (s->merges < 0) continue;
    for (int32_t m = s->merges; m > 0; --m) {
      top -= tile;
      NNCONV_UNROLL
      for (int j = 0; j < NR; ++j) {
        NNCONV_UNROLL
        for (int i = 0; i < MV; ++i)
          acc[j][i] = V::add(V::load(top + (j * MV + i) * V::lanes), acc[j][i]);
      }
    }
    NNCONV_UNROLL
    for (int j = 0; j < NR; ++j) {
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) {
        V::store(top + (j * MV + i) * V::lanes, acc[j][i]);
        acc[j][i] = V::zero();
      }
    }
    top += tile;
  }
}

template <class V, int MV, int NR>
void store_tile(const typename V::Scalar* tile, const typename V::Scalar* bias, double* const* out,
                int64_t column_step) {
  for (int j = 0; j < NR; ++j) {
    const typename V::Vector start = V::load(bias + j * V::lanes);
    for (int i = 0; i < MV; ++i) {
      if (out[i] == nullptr) continue;
      // Adding 0 first: a sum of -0 and one of +0 are the same result.
      const typename V::Vector sum = V::add(V::load(tile + (j * MV + i) * V::lanes), V::zero());
      V::store_double(out[i] + j * column_step, V::add(sum, start));
    }
  }
}
