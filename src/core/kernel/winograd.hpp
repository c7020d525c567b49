// Winograd's transforms F(m, 3): m results of a filter of three taps along a dimension from m + 2
// positions, by as many products. They are sums alone, element by element, in the order that is
// written here. Included like the register tile; V is the vector type, WinogradTail<T> does what
// does not fill one.

template <class T>
struct WinogradTail {
  using Scalar = T;
  using Vector = T;
  static constexpr int lanes = 1;
  static Vector zero() { return T(0); }
  static Vector load(const T* p) { return *p; }
  static Vector load_double(const double* p) { return static_cast<T>(*p); }
  static Vector add(Vector x, Vector y) { return x + y; }
  static Vector subtract(Vector x, Vector y) { return x - y; }
  static Vector half(Vector x) { return x * T(0.5); }
  static Vector broadcast(T x) { return x; }
  static Vector multiply_add(Vector x, Vector y, Vector z) {
    return NNCONV_FUSED ? (sizeof(T) == 8 ? __builtin_fma(x, y, z) : __builtin_fmaf(x, y, z))
                        : x * y + z;
  }
  static void store(T* p, Vector x) { *p = x; }
};

// A result meets the three positions that its own taps read and no other: what stands outside its
// window, missing or infinite, never touches it.
template <class V>
struct WinogradF2 {
  using Vector = typename V::Vector;
  static constexpr int reads = 4, makes = 2;

  static void input(Vector* x, int step) {
    Vector &x0 = x[0], &x1 = x[step], &x2 = x[2 * step], &x3 = x[3 * step];
    const Vector sum = V::add(x1, x2), difference = V::subtract(x2, x1);
    x0 = V::subtract(x0, x2);
    x3 = V::subtract(x1, x3);
    x1 = sum;
    x2 = difference;
  }
  static void weights(Vector* x, int step) {
    const Vector ends = V::add(x[0], x[2 * step]), middle = x[step];
    x[3 * step] = x[2 * step];
    x[step] = V::half(V::add(ends, middle));
    x[2 * step] = V::half(V::subtract(ends, middle));
  }
  static void output(Vector* x, int step) {
    const Vector x1 = x[step], x2 = x[2 * step];
    x[step] = V::subtract(V::subtract(x1, x2), x[3 * step]);
    x[0] = V::add(V::add(x[0], x1), x2);
  }
};

// Fewer products still, of less accurate sums: a result meets all six positions of its tile.
template <class V>
struct WinogradF4 {
  using Vector = typename V::Vector;
  static constexpr int reads = 6, makes = 4;

  static Vector times(double factor, Vector x, Vector y) {
    return V::multiply_add(V::broadcast(static_cast<typename V::Scalar>(factor)), x, y);
  }
  static void input(Vector* x, int step) {
    const Vector x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
    const Vector even = times(-4, x2, x4), odd = times(-4, x1, x3);
    const Vector near = V::subtract(x4, x2), far = V::subtract(x3, x1);
    x[0] = times(4, x[0], times(-5, x2, x4));
    x[step] = V::add(even, odd);
    x[2 * step] = V::subtract(even, odd);
    x[3 * step] = times(2, far, near);
    x[4 * step] = times(-2, far, near);
    x[5 * step] = times(4, x1, times(-5, x3, x[5 * step]));
  }
  static void weights(Vector* x, int step) {
    const Vector x0 = x[0], x1 = x[step], x2 = x[2 * step], zero = V::zero();
    const Vector ends = times(-1 / 6.0, V::add(x0, x2), zero);
    const Vector scaled = times(1 / 24.0, x0, times(1 / 6.0, x2, zero));
    x[0] = times(0.25, x0, zero);
    x[step] = times(-1 / 6.0, x1, ends);
    x[2 * step] = times(1 / 6.0, x1, ends);
    x[3 * step] = times(1 / 12.0, x1, scaled);
    x[4 * step] = times(-1 / 12.0, x1, scaled);
    x[5 * step] = x2;
  }
  static void output(Vector* x, int step) {
    const Vector inner = V::add(x[step], x[2 * step]),
                 inner_gap = V::subtract(x[step], x[2 * step]);
    const Vector outer = V::add(x[3 * step], x[4 * step]);
    const Vector outer_gap = V::subtract(x[3 * step], x[4 * step]);
    x[0] = V::add(V::add(x[0], inner), outer);
    x[step] = times(2, outer_gap, inner_gap);
    x[2 * step] = times(4, outer, inner);
    x[3 * step] = V::add(times(8, outer_gap, inner_gap), x[5 * step]);
  }
};

constexpr int winograd_power(int base, int dims) {
  return dims == 0 ? 1 : base * winograd_power(base, dims - 1);
}

// Transforms `lines` lines of a square along the first dimension, and then `kept` along the second.
template <class V, int edge, int dims, int kept, void (*transform)(typename V::Vector*, int),
          int lines = winograd_power(edge, dims) / edge>
void winograd_lines(typename V::Vector* x) {
  NNCONV_UNROLL
  for (int j = 0; j < lines; ++j) transform(x + j * edge, 1);
  if (dims < 2) return;
  NNCONV_UNROLL
  for (int i = 0; i < kept; ++i) transform(x + i, edge);
}

// to[place * plane + k] = the transform of pixels[place][k], for k < count; places of a tile count
// along the first dimension first.
template <class V, template <class> class F, int dims>
int64_t winograd_input_from(const double* const* pixels, int64_t k, int64_t count,
                            typename V::Scalar* to, int64_t plane) {
  constexpr int edge = F<V>::reads, size = winograd_power(edge, dims);
  for (; k + V::lanes <= count; k += V::lanes) {
    typename V::Vector x[size];
    NNCONV_UNROLL
    for (int p = 0; p < size; ++p) x[p] = V::load_double(pixels[p] + k);
    winograd_lines<V, edge, dims, edge, F<V>::input>(x);
    NNCONV_UNROLL
    for (int p = 0; p < size; ++p) V::store(to + p * plane + k, x[p]);
  }
  return k;
}

template <class V, template <class> class F, int dims>
void winograd_input(const double* const* pixels, int64_t count, typename V::Scalar* to,
                    int64_t plane) {
  using Tail = WinogradTail<typename V::Scalar>;
  const int64_t k = winograd_input_from<V, F, dims>(pixels, 0, count, to, plane);
  winograd_input_from<Tail, F, dims>(pixels, k, count, to, plane);
}

// to[place * count + k] = the transform of the filter taps[tap * count + k], for k < count.
template <class V, template <class> class F, int dims>
int64_t winograd_weights_from(const double* taps, int64_t k, int64_t count, double* to) {
  constexpr int edge = F<V>::reads, size = winograd_power(edge, dims);
  constexpr int filter = winograd_power(3, dims);
  for (; k + V::lanes <= count; k += V::lanes) {
    typename V::Vector x[size];
    NNCONV_UNROLL
    for (int t = 0; t < filter; ++t) x[t % 3 + t / 3 * edge] = V::load(taps + t * count + k);
    winograd_lines<V, edge, dims, edge, F<V>::weights, filter / 3>(x);
    NNCONV_UNROLL
    for (int p = 0; p < size; ++p) V::store(to + p * count + k, x[p]);
  }
  return k;
}

template <class V, template <class> class F, int dims>
void winograd_weights(const double* taps, int64_t count, double* to) {
  const int64_t k = winograd_weights_from<V, F, dims>(taps, 0, count, to);
  winograd_weights_from<WinogradTail<double>, F, dims>(taps, k, count, to);
}

// The sums of a tile's places, sums[place * plane + k], become its results, in the first planes.
// Whether all of them, and their doubles, are finite.
template <class V, template <class> class F, int dims>
bool winograd_output(typename V::Scalar* sums, int64_t plane, int64_t count) {
  constexpr int edge = F<V>::reads, size = winograd_power(edge, dims);
  constexpr int makes = F<V>::makes, results = winograd_power(makes, dims);
  typename V::Vector check = V::zero();
  for (int64_t k = 0; k < count; k += V::lanes) {
    typename V::Vector x[size];
    NNCONV_UNROLL
    for (int p = 0; p < size; ++p) x[p] = V::load(sums + p * plane + k);
    winograd_lines<V, edge, dims, makes, F<V>::output>(x);
    NNCONV_UNROLL
    for (int p = 0; p < results; ++p) {
      const typename V::Vector y = x[p % makes + p / makes * edge], twice = V::add(y, y);
      check = V::add(check, V::subtract(twice, twice));
      V::store(sums + p * plane + k, y);
    }
  }
  typename V::Scalar lanes[V::lanes];
  V::store(lanes, check);
  bool finite = true;
  for (int i = 0; i < V::lanes; ++i) finite = finite && lanes[i] == 0;
  return finite;
}
