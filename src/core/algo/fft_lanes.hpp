// Eigen's transform on vectors: some lines at a time, a lane each. Eigen takes any scalar, and a
// std::complex of it; this one is as many numbers as every machine adds at once. Only the forward
// transform is used: the inverse is the same with real and imaginary parts exchanged.
#pragma once
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_VECTORIZE  // vectors are ours
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

#include "../fft_shape.hpp"

namespace nnconv {

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(16)));
};

template <class T>
struct Lanes {
  typename VectorOf<T>::type v;

  Lanes() = default;
  Lanes(typename VectorOf<T>::type values) : v(values) {}
  Lanes(double x) : v(typename VectorOf<T>::type{} + static_cast<T>(x)) {}

  friend Lanes operator+(Lanes x, Lanes y) { return x.v + y.v; }
  friend Lanes operator-(Lanes x, Lanes y) { return x.v - y.v; }
  friend Lanes operator*(Lanes x, Lanes y) { return x.v * y.v; }
  friend Lanes operator/(Lanes x, Lanes y) { return x.v / y.v; }
  friend Lanes operator-(Lanes x) { return -x.v; }
  // Of numbers whose lanes are all the same: an angle.
  friend Lanes acos(Lanes x) { return std::acos(static_cast<double>(x.v[0])); }
  friend Lanes cos(Lanes x) { return std::cos(static_cast<double>(x.v[0])); }
  friend Lanes sin(Lanes x) { return std::sin(static_cast<double>(x.v[0])); }
};

}  // namespace nnconv

template <class T>
class std::complex<nnconv::Lanes<T>> {
 public:
  using value_type = nnconv::Lanes<T>;

  complex() = default;
  complex(value_type re, value_type im) : re_(re), im_(im) {}
  value_type real() const { return re_; }
  value_type imag() const { return im_; }

  complex& operator+=(const complex& x) { return *this = *this + x; }
  complex& operator*=(value_type x) { return *this = {re_ * x, im_ * x}; }
  friend complex operator+(const complex& x, const complex& y) {
    return {x.re_ + y.re_, x.im_ + y.im_};
  }
  friend complex operator-(const complex& x, const complex& y) {
    return {x.re_ - y.re_, x.im_ - y.im_};
  }
  friend complex operator*(const complex& x, const complex& y) {
    return {x.re_ * y.re_ - x.im_ * y.im_, x.re_ * y.im_ + x.im_ * y.re_};
  }
  // Of an angle.
  friend complex exp(const complex& x) { return {cos(x.im_), sin(x.im_)}; }

 private:
  value_type re_, im_;
};
