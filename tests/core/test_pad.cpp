// Padding of arrays against a loop over positions.
#include "harness.hpp"
#include "pad.hpp"

using namespace nnconv;

TEST(pad_modes_in_one_dimension) {
  const double x[] = {1, 2, 3, 4};
  const double nine[] = {9, 0};
  const auto padded = [&](PadMode mode, int64_t before, int64_t after) {
    std::vector<double> out(4 + before + after, -1);
    pad_array({x, false, false}, {{4, before, after}}, mode, nine, out.data(), false, Context());
    return out;
  };
  using V = std::vector<double>;
  CHECK(padded(PadMode::zeros, 2, 1) == (V{9, 9, 1, 2, 3, 4, 9}), "");
  CHECK(padded(PadMode::reflect, 2, 1) == (V{3, 2, 1, 2, 3, 4, 3}), "");
  CHECK(padded(PadMode::replicate, 2, 1) == (V{1, 1, 1, 2, 3, 4, 4}), "");
  CHECK(padded(PadMode::circular, 2, 1) == (V{3, 4, 1, 2, 3, 4, 1}), "");
  CHECK(padded(PadMode::zeros, -1, -1) == (V{2, 3}), "");
}

TEST(pad_several_dimensions) {
  const double zero[] = {0, 0};
  std::vector<double> x(3 * 4 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i) + 1;
  const std::vector<PadDim> dims{{3, 1, 2}, {4, -1, 1}, {5, 0, 3}};
  std::vector<double> out(6 * 4 * 8, -1);
  pad_array({x.data(), false, false}, dims, PadMode::zeros, zero, out.data(), false, Context());
  for (int64_t k = 0; k < 8; ++k)
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t i = 0; i < 6; ++i) {
        const int64_t fi = i - 1, fj = j + 1, fk = k;
        const bool inside = fi >= 0 && fi < 3 && fj < 4 && fk < 5;
        const double expected = inside ? x[fi + 3 * (fj + 4 * fk)] : 0;
        CHECK(out[i + 6 * (j + 4 * k)] == expected, i, j, k);
      }
}

TEST(pad_pairs) {
  const double x[] = {1, -1, 2, -2};
  const double value[] = {5, 6};
  std::vector<double> out(8);
  pad_array({x, true, false}, {{2, 1, 1}}, PadMode::zeros, value, out.data(), true, Context());
  CHECK(out == (std::vector<double>{5, 6, 1, -1, 2, -2, 5, 6}), "");
  pad_array({x, false, false}, {{4, 0, 0}}, PadMode::zeros, value, out.data(), true, Context());
  CHECK(out == (std::vector<double>{1, 0, -1, 0, 2, 0, -2, 0}), "");
}
