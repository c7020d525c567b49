// The register tile of a filter: mv vectors along packed lines by nr columns, most of which read
// the same vectors with different taps. Included like tile.hpp.
//
// Terms follow each other in the order in which all columns meet theirs. In a run of them the
// columns first to last have a term, and the others wait: nothing is added to them, not even 0.

template <class V, int MV, int NR, int first, int last>
static inline __attribute__((always_inline)) void add_filter_terms(
    const typename V::Scalar* const (&rows)[MV], const int32_t* offsets,
    const typename V::Scalar* factors, int32_t count, typename V::Vector (&acc)[NR][MV]) {
  for (; count > 0; --count, ++offsets, factors += NR) {
    typename V::Vector x[MV];
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) x[i] = V::load(rows[i] + *offsets);
    NNCONV_UNROLL
    for (int j = first; j <= last; ++j) {
      const typename V::Vector factor = V::broadcast(factors[j]);
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) acc[j][i] = V::multiply_add(x[i], factor, acc[j][i]);
    }
  }
}

// A loop for each range of columns, so that all sums stay in registers.
template <class V, int MV, int NR, int first = 0, int last = NR - 1>
static inline __attribute__((always_inline)) void add_filter_run(
    const FilterRun& run, const typename V::Scalar* const (&rows)[MV], const int32_t* offsets,
    const typename V::Scalar* factors, typename V::Vector (&acc)[NR][MV]) {
  if (run.first == first && run.last == last)
    add_filter_terms<V, MV, NR, first, last>(rows, offsets, factors, run.count, acc);
  else if constexpr (first < last)
    add_filter_run<V, MV, NR, first, last - 1>(run, rows, offsets, factors, acc);
  else if constexpr (first + 1 < NR)
    add_filter_run<V, MV, NR, first + 1, NR - 1>(run, rows, offsets, factors, acc);
}

template <class V, int MV, int NR>
void sum_filter(const typename V::Scalar* const* at, const FilterSum<typename V::Scalar>& sum,
                typename V::Scalar* stack, double* const* out, typename V::Scalar* tile) {
  using Scalar = typename V::Scalar;
  using Vector = typename V::Vector;
  constexpr int height = MV * V::lanes;
  const Scalar* rows[MV];
  Scalar* tops[NR];
  Vector acc[NR][MV];

  NNCONV_UNROLL
  for (int i = 0; i < MV; ++i) rows[i] = at[i];
  NNCONV_UNROLL
  for (int j = 0; j < NR; ++j) {
    tops[j] = stack + j * height;
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) acc[j][i] = V::zero();
  }
  const int32_t* offsets = sum.offsets;
  const Scalar* factors = sum.factors;
  for (const FilterRun* run = sum.runs; run != sum.runs + sum.n_runs; ++run) {
    add_filter_run<V, MV, NR>(*run, rows, offsets, factors, acc);
    offsets += run->count;
    factors += static_cast<int64_t>(run->count) * NR;
    if (run->ends == 0) continue;
    NNCONV_UNROLL
    for (int j = 0; j < NR; ++j) {
      if ((run->ends >> j & 1) == 0) continue;
      for (int m = run->merges[j]; m > 0; --m) {
        tops[j] -= NR * height;
        NNCONV_UNROLL
        for (int i = 0; i < MV; ++i) acc[j][i] = V::add(V::load(tops[j] + i * V::lanes), acc[j][i]);
      }
      if (run->kept >> j & 1) continue;
      NNCONV_UNROLL
      for (int i = 0; i < MV; ++i) {
        V::store(tops[j] + i * V::lanes, acc[j][i]);
        acc[j][i] = V::zero();
      }
      tops[j] += NR * height;
    }
  }
  // Adding 0 first: a sum of -0 and one of +0 are the same result.
  NNCONV_UNROLL
  for (int j = 0; j < NR; ++j) {
    if (j >= sum.columns) continue;
    const Vector start = V::broadcast(sum.bias[j]);
    const int64_t step = sum.column_steps[j];
    NNCONV_UNROLL
    for (int i = 0; i < MV; ++i) {
      const Vector result = V::add(V::add(acc[j][i], V::zero()), start);
      if (out[i] != nullptr)
        emit<V>(out[i] + step, result, sum.streams);
      else
        V::store(tile + j * height + i * V::lanes, result);
    }
  }
}

// Columns that adjoin in the result are written together.
template <class V, int MV, int samples, int columns>
void store_adjoining(const typename V::Scalar* tile, int64_t position_step, double* out) {
  for (int lane = 0; lane < V::lanes; lane += samples, out += position_step) {
    double part[samples * columns];
    NNCONV_UNROLL
    for (int j = 0; j < columns; ++j) {
      NNCONV_UNROLL
      for (int n = 0; n < samples; ++n)
        part[j * samples + n] = static_cast<double>(tile[j * MV * V::lanes + lane + n]);
    }
    __builtin_memcpy(out, part, sizeof(part));
  }
}

template <class V, int MV, int samples>
void store_samples(const typename V::Scalar* tile, int64_t position_step, int columns,
                   const int64_t* column_steps, double* out) {
  const bool adjoin =
      columns > 1 && column_steps[columns - 1] - column_steps[0] == (columns - 1) * samples;
  out += column_steps[0];
  if (adjoin && columns == 4) return store_adjoining<V, MV, samples, 4>(tile, position_step, out);
  if (adjoin && columns == 3) return store_adjoining<V, MV, samples, 3>(tile, position_step, out);
  if (adjoin && columns == 2) return store_adjoining<V, MV, samples, 2>(tile, position_step, out);
  for (int j = 0; j < columns; ++j)
    store_adjoining<V, MV, samples, 1>(tile + j * MV * V::lanes, position_step,
                                       out + column_steps[j] - column_steps[0]);
}

template <class V, int MV>
void store_parts(const typename V::Scalar* tile, int64_t samples, int64_t position_step,
                 int columns, const int64_t* column_steps, double* out) {
  if (samples == 1) store_samples<V, MV, 1>(tile, position_step, columns, column_steps, out);
  if (samples == 2) store_samples<V, MV, 2>(tile, position_step, columns, column_steps, out);
  if (samples == 4 && V::lanes >= 4)
    store_samples < V, MV,
        V::lanes<4 ? V::lanes : 4>(tile, position_step, columns, column_steps, out);
}
