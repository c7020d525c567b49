// The independent oracle: im2col, Eigen's matrix product, and its transposes for the gradients.
// It knows nothing of axis maps, blocks or kernels, and takes as much memory as im2col does.
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_VECTORIZE  // an oracle need not be fast, and compiles without warnings so
#include <Eigen/Dense>
#include <complex>
#include <type_traits>

#include "algo.hpp"

namespace nnconv {

namespace {

template <class S>
struct Scalar {
  using Real = typename Eigen::NumTraits<S>::Real;
  static constexpr bool is_complex = Eigen::NumTraits<S>::IsComplex;

  static S read(const Array& array, int64_t i) {
    if constexpr (is_complex) {
      if (!array.is_complex) return S(static_cast<Real>(array.data[i]), 0);
      const S value(static_cast<Real>(array.data[2 * i]), static_cast<Real>(array.data[2 * i + 1]));
      return array.conjugate ? std::conj(value) : value;
    } else {
      return static_cast<S>(array.data[i]);
    }
  }
  // Of a complex value a real result takes the real part.
  static void add(const Task& task, int64_t i, S value) {
    const int64_t width = task.complex_result ? 2 : 1;
    task.out[width * i] += static_cast<double>(std::real(value));
    if (task.complex_result) task.out[2 * i + 1] += static_cast<double>(std::imag(value));
  }
};

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;

template <class S>
class EigenProduct {
 public:
  EigenProduct(const Problem& p, const Task& task) : p_(p), task_(task) {}

  void run() {
    for (int64_t group = 0; group < p_.groups; ++group) {
      switch (task_.direction) {
        case Direction::forward:
          scatter_out_side(unfold(task_.a, group) * weight(task_.b, group), group);
          break;
        case Direction::backward_input:
          fold(out_side(task_.a, group) * weight(task_.b, group).transpose(), group);
          break;
        case Direction::backward_weight:
          scatter_weight(unfold(task_.b, group).transpose() * out_side(task_.a, group), group);
          break;
      }
    }
  }

 private:
  int64_t rows() const { return p_.batch * p_.out_pixels(); }
  int64_t terms() const { return p_.group_in() * p_.taps(); }

  // Calls each(row of unfold(), column of unfold(), element of the in side).
  template <class Each>
  void each_patch_element(int64_t group, const Each& each) const {
    const Axis* const x = p_.axes;
    for (int64_t q = 0; q < p_.out_pixels(); ++q)
      for (int64_t t = 0; t < p_.taps(); ++t) {
        const int64_t i = x[0].source(q % x[0].out, t % x[0].kernel);
        const int64_t j = x[1].source(q / x[0].out % x[1].out, t / x[0].kernel % x[1].kernel);
        const int64_t k = x[2].source(q / x[0].out / x[1].out, t / x[0].kernel / x[1].kernel);
        if (i < 0 || j < 0 || k < 0) continue;
        const int64_t pixel = i + x[0].in * (j + x[1].in * k);
        for (int64_t ci = 0; ci < p_.group_in(); ++ci)
          for (int64_t n = 0; n < p_.batch; ++n)
            each(n + p_.batch * q, ci + p_.group_in() * t,
                 n + p_.batch * (group * p_.group_in() + ci + p_.c_in * pixel));
      }
  }

  Matrix<S> unfold(const Array& in_side, int64_t group) const {
    Matrix<S> patches = Matrix<S>::Zero(rows(), terms());
    each_patch_element(group, [&](int64_t row, int64_t column, int64_t element) {
      patches(row, column) = Scalar<S>::read(in_side, element);
    });
    return patches;
  }

  void fold(const Matrix<S>& patches, int64_t group) const {
    each_patch_element(group, [&](int64_t row, int64_t column, int64_t element) {
      Scalar<S>::add(task_, element, patches(row, column));
    });
    for (int64_t pixel = 0; pixel < p_.in_pixels(); ++pixel)
      for (int64_t ci = group * p_.group_in(); ci < (group + 1) * p_.group_in(); ++ci)
        add_bias(ci, p_.batch * (ci + p_.c_in * pixel));
  }

  // Elements of the out side, of one group: (sample, channel, pixel) by row and column.
  template <class Each>
  void each_out_element(int64_t group, const Each& each) const {
    for (int64_t q = 0; q < p_.out_pixels(); ++q)
      for (int64_t co = 0; co < p_.group_out(); ++co)
        for (int64_t n = 0; n < p_.batch; ++n)
          each(n + p_.batch * q, co, n + p_.batch * (group * p_.group_out() + co + p_.c_out * q));
  }

  Matrix<S> out_side(const Array& array, int64_t group) const {
    Matrix<S> values(rows(), p_.group_out());
    each_out_element(group, [&](int64_t row, int64_t column, int64_t element) {
      values(row, column) = Scalar<S>::read(array, element);
    });
    return values;
  }

  void scatter_out_side(const Matrix<S>& values, int64_t group) const {
    each_out_element(group, [&](int64_t row, int64_t column, int64_t element) {
      Scalar<S>::add(task_, element, values(row, column));
      if (row % p_.batch == 0) add_bias(group * p_.group_out() + column, element);
    });
  }

  // Adds the bias of a channel to its samples, which stand side by side from `element` on.
  void add_bias(int64_t channel, int64_t element) const {
    if (task_.bias.data == nullptr) return;
    for (int64_t n = 0; n < p_.batch; ++n)
      Scalar<S>::add(task_, element + n, Scalar<S>::read(task_.bias, channel));
  }

  // The weight of one group as (channel of the in side, tap) by channel of the out side.
  template <class Each>
  void each_weight(int64_t group, const Each& each) const {
    for (int64_t column = 0; column < terms(); ++column)
      for (int64_t co = 0; co < p_.group_out(); ++co)
        each(column, co, group * p_.group_out() + co + p_.c_out * column);
  }

  Matrix<S> weight(const Array& array, int64_t group) const {
    Matrix<S> values(terms(), p_.group_out());
    each_weight(group, [&](int64_t row, int64_t column, int64_t element) {
      values(row, column) = Scalar<S>::read(array, element);
    });
    return values;
  }

  void scatter_weight(const Matrix<S>& values, int64_t group) const {
    each_weight(group, [&](int64_t row, int64_t column, int64_t element) {
      Scalar<S>::add(task_, element, values(row, column));
    });
  }

  const Problem& p_;
  const Task& task_;
};

int64_t result_size(const Problem& p, const Task& task) {
  switch (task.direction) {
    case Direction::forward:
      return p.batch * p.c_out * p.out_pixels();
    case Direction::backward_input:
      return p.batch * p.c_in * p.in_pixels();
    case Direction::backward_weight:
      break;
  }
  return p.c_out * p.group_in() * p.taps();
}

}  // namespace

void eigen_product(const Problem& p, const Task& task, const Context&) {
  std::fill(task.out, task.out + result_size(p, task) * (task.complex_result ? 2 : 1), 0.0);
  const bool is_complex =
      task.complex_result || task.a.is_complex || task.b.is_complex || task.bias.is_complex;
  if (is_complex && task.single)
    EigenProduct<std::complex<float>>(p, task).run();
  else if (is_complex)
    EigenProduct<std::complex<double>>(p, task).run();
  else if (task.single)
    EigenProduct<float>(p, task).run();
  else
    EigenProduct<double>(p, task).run();
}

}  // namespace nnconv
