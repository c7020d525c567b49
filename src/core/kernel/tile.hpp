// The register tile: mv vectors by nr columns of a sum of products, in the written order. Included
// by isa/*.cpp inside their target region and anonymous namespace; V is their vector type.
//
//   for each segment, for each term k of it:
//     acc[j][i] += vector i of term k * column j of term k         nr * mv fused products
//   at the end of a block: add the finished blocks that the tree joins to it, put it on the stack
//
// Registers: nr * mv accumulators, mv vectors, one column. What is read where, Reads says.

// Rows of the result are vectors that stand in mv places; columns are broadcast from a panel.
template <class V, int MV, int NR>
struct RowReads {
  using Scalar = typename V::Scalar;
  using Vector = typename V::Vector;

  RowReads(const Scalar* const* at, int64_t step, const Scalar* panel) : step(step), panel(panel) {
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) rows[i] = at[i];
  }
  void go_to(const Segment& s) {
    offset = s.a * step;
    column = panel + s.b * NR;
  }
  void next() {
    offset += step;
    column += NR;
  }
  Vector vector(int i) const { return V::load(rows[i] + offset); }
  Vector factor(int j, int) const { return V::broadcast(column[j]); }

  const Scalar* rows[MV];
  const int64_t step;
  const Scalar* const panel;
  const Scalar* column;
  int64_t offset;
};

// Vectors are read from a panel, columns stand in nr places: a column is one number, broadcast.
template <class V, int MV, int NR>
struct ChannelReads {
  using Scalar = typename V::Scalar;
  using Vector = typename V::Vector;

  ChannelReads(const Scalar* const* at, int64_t step, const Scalar* panel)
      : step(step), panel(panel) {
    NNCONV_UNROLL
    for (int j = 0; j < NR; ++j) columns[j] = at[j];
  }
  void go_to(const Segment& s) {
    offset = s.a * step;
    row = panel + s.b * (MV * V::lanes);
  }
  void next() {
    offset += step;
    row += MV * V::lanes;
  }
  Vector vector(int i) const { return V::load(row + i * V::lanes); }
  Vector factor(int j, int) const { return V::broadcast(columns[j][offset]); }

  const Scalar* columns[NR];
  const int64_t step;
  const Scalar* const panel;
  const Scalar* row;
  int64_t offset;
};

// Likewise, but a column is mv vectors: lane times lane.
template <class V, int MV, int NR>
struct LaneReads : ChannelReads<V, MV, NR> {
  using ChannelReads<V, MV, NR>::ChannelReads;
  typename V::Vector factor(int j, int i) const {
    return V::load(this->columns[j] + this->offset + i * V::lanes);
  }
};

// Likewise, where columns stand a step apart: the next term's column is what the one after it reads
// now, so that a segment loads one column a term.
template <class V, int MV, int NR>
struct LineReads {
  using Scalar = typename V::Scalar;
  using Vector = typename V::Vector;

  LineReads(const Scalar* const* at, int64_t step, const Scalar* panel)
      : step(step), panel(panel), first(at[0]) {}
  void go_to(const Segment& s) {
    const Scalar* column = first + s.a * step;
    NNCONV_UNROLL
    for (int j = 0; j < NR - 1; ++j, column += step) {
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) read[j][i] = V::load(column + i * V::lanes);
    }
    last = column;
    row = panel + s.b * (MV * V::lanes);
  }
  void next() {
    NNCONV_UNROLL
    for (int j = 0; j < NR - 1; ++j) {
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) read[j][i] = read[j + 1][i];
    }
    last += step;
    row += MV * V::lanes;
  }
  Vector vector(int i) const { return V::load(row + i * V::lanes); }
  Vector factor(int j, int i) {
    if (j == NR - 1) read[j][i] = V::load(last + i * V::lanes);
    return read[j][i];
  }

  const int64_t step;
  const Scalar* const panel;
  const Scalar* const first;
  const Scalar* last;
  const Scalar* row;
  Vector read[NR][MV];
};

template <class V, int MV, int NR, class Reads>
void sum_tile(const typename V::Scalar* const* at, int64_t step, const typename V::Scalar* panel,
              const Segment* segments, int64_t n_segments, typename V::Scalar* stack) {
  using Vector = typename V::Vector;
  constexpr int tile = V::lanes * MV * NR;
  typename V::Scalar* top = stack;
  Reads reads(at, step, panel);
  Vector acc[NR][MV];

  NNCONV_UNROLL
  for (int j = 0; j < NR; ++j) {
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) acc[j][i] = V::zero();
  }
  for (const Segment* s = segments; s != segments + n_segments; ++s) {
    reads.go_to(*s);
    for (int32_t k = s->count; k > 0; --k) {
      Vector x[MV];
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) x[i] = reads.vector(i);
      NNCONV_UNROLL
      for (int j = 0; j < NR; ++j) {
        NNCONV_UNROLL
        for (int i = 0; i < MV; ++i)
          acc[j][i] = V::multiply_add(x[i], reads.factor(j, i), acc[j][i]);
      }
      reads.next();
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

// Adding 0 first: a sum of -0 and one of +0 are the same result.
template <class V, int MV, int NR>
void store_rows(const typename V::Scalar* tile, const typename V::Scalar* bias, double* const* out,
                int64_t column_step, bool streams) {
  for (int j = 0; j < NR; ++j) {
    const typename V::Vector start = V::load(bias + j * V::lanes);
    for (int i = 0; i < MV; ++i) {
      if (out[i] == nullptr) continue;
      const typename V::Vector sum = V::add(V::load(tile + (j * MV + i) * V::lanes), V::zero());
      emit<V>(out[i] + j * column_step, V::add(sum, start), streams);
    }
  }
}

// Columns that stand side by side in the result are samples of a channel, which are turned
// together.
template <class V, int MV, int NR>
void store_columns(const typename V::Scalar* tile, const typename V::Scalar* bias,
                   double* const* out, int64_t first, int64_t end, int64_t lane_step,
                   bool streams) {
  constexpr int height = MV * V::lanes;
  const bool whole = lane_step == 1 && first == 0 && end == height;
  double turned[NR * height];
  for (int j = 0; j < NR; ++j) {
    if (out[j] == nullptr) continue;
    double* const sums = whole ? out[j] : turned + j * height;
    for (int i = 0; i < height; i += V::lanes)
      emit<V>(sums + i,
              V::add(V::add(V::load(tile + j * height + i), V::zero()), V::load(bias + i)),
              streams && whole);
  }
  for (int j = 0, run = 1; !whole && j < NR; j += run, run = 1) {
    if (out[j] == nullptr) continue;
    while (j + run < NR && out[j + run] == out[j] + run) ++run;
    transpose<Doubles>(turned + j * height + first, height, end - first, run,
                       out[j] + first * lane_step, lane_step);
  }
}
