// Gaussian smoothing of a matrix.
#include <cmath>
#include <vector>

#include <nnconv.h>

namespace {

// exp(-d^2 / (2 sd^2)) at the distances d = -reach, ..., reach, as parts of their sum.
std::vector<double> gaussian(double sd, int reach) {
  std::vector<double> weights;
  double sum = 0;
  for (int d = -reach; d <= reach; ++d) weights.push_back(std::exp(-d * d / (2 * sd * sd)));
  for (double weight : weights) sum += weight;
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

extern "C" SEXP smooth_by_gaussian(SEXP image, SEXP sd) {
  // R's allocations before C++ objects: R ends a call for want of memory without destructors.
  const int rows = Rf_nrows(image), columns = Rf_ncols(image);
  SEXP smoothed = PROTECT(Rf_allocMatrix(REALSXP, rows, columns));
  const double spread = Rf_asReal(sd);

  const SEXP result = nnconv::call([&]() -> SEXP {
    const int reach = static_cast<int>(std::ceil(3 * spread));
    const std::vector<double> weights = gaussian(spread, reach);
    const int64_t taps = static_cast<int64_t>(weights.size());

    nnconv_layer layer = nnconv_layer_default(2);
    layer.padding_mode = NNCONV_REFLECT;

    // Along the columns first, then along the rows: a gaussian is an outer product.
    std::vector<double> between(static_cast<std::size_t>(rows) * columns);
    nnconv_array x = nnconv::array(REAL(image), {1, rows, columns});
    nnconv_array y = nnconv::array(between.data(), {1, rows, columns});
    layer.pad_before[0] = layer.pad_after[0] = reach;
    nnconv::forward(layer, x, nnconv::array(weights.data(), {1, 1, taps, 1}), nullptr, y);

    x.data = between.data();
    y.data = REAL(smoothed);
    layer.pad_before[0] = layer.pad_after[0] = 0;
    layer.pad_before[1] = layer.pad_after[1] = reach;
    nnconv::forward(layer, x, nnconv::array(weights.data(), {1, 1, 1, taps}), nullptr, y);
    return smoothed;
  });
  UNPROTECT(1);
  return result;
}
