// Sizes, and what does not fit.
#include "harness.hpp"
#include "problem.hpp"

using namespace nnconv;

namespace {

Geometry plain(int ndim, Spatial kernel) {
  Geometry g;
  g.ndim = ndim;
  g.kernel = kernel;
  return g;
}

template <class Body>
std::string fault_of(const Body& body) {
  try {
    body();
  } catch (const Fault& fault) {
    return fault.argument;
  }
  return "none";
}

}  // namespace

TEST(output_sizes) {
  CHECK(conv_output_size(28, 3, 1, 1, 0, 0) == 26, "");
  CHECK(conv_output_size(100, 5, 2, 2, 4, 4) == 50, "");
  CHECK(conv_output_size(2, 3, 1, 1, 0, 0) == 0, "");
  CHECK(conv_transpose_output_size(12, 3, 2, 1, 1, 1, 1) == 24, "");
  CHECK(conv_transpose_output_size(2147483646, 2147483647, 2147483647, 2147483647, 0, 0, 0) > 0,
        "no overflow");
}

TEST(a_transposed_layer_is_the_same_problem_read_the_other_way) {
  Geometry g = plain(1, {4, 1, 1});
  g.stride[0] = 2;
  g.pad_lo[0] = g.pad_hi[0] = 1;
  g.transposed = true;
  const Problem p = fit(g, {5, 6, 10}, {6, 3, 4});
  CHECK(p.batch == 5 && p.c_in == 3 && p.c_out == 6, p.c_in, p.c_out);
  CHECK(p.axes[0].out == 10 && p.axes[0].in == 20, p.axes[0].in);
  const Extents output = output_extents(g, p, 3);
  CHECK(output == (Extents{5, 3, 20}), show(output));
}

TEST(what_does_not_fit_names_its_argument) {
  const Geometry g = plain(2, {3, 3, 1});
  CHECK(fault_of([&] { fit(g, {1, 2, 5, 5}, {4, 2, 3, 3}); }) == "none", "");
  CHECK(fault_of([&] { fit(g, {1, 3, 5, 5}, {4, 2, 3, 3}); }) == "input", "channels");
  CHECK(fault_of([&] { fit(g, {1, 2, 5, 2}, {4, 2, 3, 3}); }) == "input", "too small");
  Geometry reflecting = g;
  reflecting.mode = PadMode::reflect;
  reflecting.pad_lo[0] = 5;
  CHECK(fault_of([&] { fit(reflecting, {1, 2, 5, 5}, {4, 2, 3, 3}); }) == "padding", "reflect");
  reflecting.mode = PadMode::circular;
  CHECK(fault_of([&] { fit(reflecting, {1, 2, 5, 5}, {4, 2, 3, 3}); }) == "none", "circular");
}

TEST(output_padding_covers_pytorchs_range) {
  Geometry g = plain(1, {3, 1, 1});
  g.transposed = true;
  g.stride[0] = 3;
  const auto extra = [&](int64_t wanted) {
    return output_padding_for(g, {4, 1, 1}, {wanted, 1, 1}, "output_size", FaultKind::value)[0];
  };
  CHECK(extra(12) == 0 && extra(14) == 2, extra(12), extra(14));
  CHECK(fault_of([&] { extra(11); }) == "output_size", "");
  CHECK(fault_of([&] { extra(15); }) == "output_size", "");
}
