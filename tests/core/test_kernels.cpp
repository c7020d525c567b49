// Every direct kernel, on every instruction set of this machine, against the plain loops, bit for
// bit; against Eigen's product, by tolerance; and for several numbers of threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cases.hpp"
#include "harness.hpp"
#include "values.hpp"

using namespace nnconv;
using values::random_values;
using values::same_bits;
using values::Values;

namespace {

bool same_missing(const Values& x, const Values& y) {
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isnan(x[i]) != std::isnan(y[i]) || std::isinf(x[i]) != std::isinf(y[i])) return false;
  return x.size() == y.size();
}

double largest_difference(const Values& x, const Values& y) {
  double largest = 0, scale = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) && !std::isfinite(y[i])) continue;
    largest = std::max(largest, std::abs(x[i] - y[i]));
    scale = std::max(scale, std::abs(y[i]));
  }
  return scale == 0 ? largest : largest / scale;
}

struct Sizes {
  int64_t in_side, out_side, weight;
};

Sizes sizes_of(const Problem& p) {
  return {p.batch * p.c_in * p.in_pixels(), p.batch * p.c_out * p.out_pixels(),
          p.c_out * p.group_in() * p.taps()};
}

// One direction of one case, computed in any way.
class Work {
 public:
  Work(const Case& c, Direction direction, harness::Random& random)
      : problem_(c.problem), direction_(direction), width_(c.is_complex ? 2 : 1) {
    const Sizes sizes = sizes_of(problem_);
    const bool forward = direction == Direction::forward;
    a_ = random_values(width_ * (forward ? sizes.in_side : sizes.out_side), random);
    b_ = random_values(
        width_ * (direction == Direction::backward_weight ? sizes.in_side : sizes.weight), random);
    bias_ = random_values(width_ * (forward ? problem_.c_out : problem_.c_in), random);
    result_size_ = width_ * (forward                                  ? sizes.out_side
                             : direction == Direction::backward_input ? sizes.in_side
                                                                      : sizes.weight);
    const bool conjugate = c.is_complex && direction != Direction::forward;
    const bool with_bias = c.bias && direction != Direction::backward_weight;
    task_ = {direction,
             {a_.data(), c.is_complex, false},
             {b_.data(), c.is_complex, conjugate},
             {with_bias ? bias_.data() : nullptr, c.is_complex, false},
             nullptr,
             c.is_complex,
             c.single};
  }

  // NaN, infinities and zeros of both signs here and there.
  void spoil(bool a, bool b, harness::Random& random) {
    const double odd[] = {std::nan(""), INFINITY, -INFINITY, 0.0, -0.0};
    for (Values* values : {a ? &a_ : nullptr, b ? &b_ : nullptr})
      for (std::size_t i = 0; values != nullptr && i < values->size(); i += 1 + random.below(40))
        (*values)[i] = odd[random.below(5)];
  }

  // Some values of A are not finite, or not as single-precision numbers.
  void spoil(int64_t count, harness::Random& random) {
    const double odd[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (; count > 0; --count)
      a_[random.below(static_cast<long long>(a_.size()))] = odd[random.below(4)];
  }

  // Every kernel becomes an outer product of vectors.
  void separate_weights(harness::Random& random) {
    const Axis* const axes = problem_.axes;
    const Values products =
        values::outer_products(problem_.c_out * problem_.group_in(),
                               {axes[0].kernel, axes[1].kernel, axes[2].kernel}, random);
    std::copy(products.begin(), products.end(), b_.begin());
  }

  // The largest difference that "fast" allows, over max |A| * sum |B| of a column.
  double difference_of(const Values& x, const Values& y) const {
    double largest = 0, difference = 0;
    for (const double value : a_)
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
    const bool forward = direction_ == Direction::forward;
    const int64_t channels = forward ? problem_.c_out : problem_.c_in;
    Values sums(channels, 0.0);
    for (int64_t i = 0; i < static_cast<int64_t>(b_.size()); ++i) {
      const int64_t out = i % problem_.c_out, in = i / problem_.c_out % problem_.group_in();
      sums[forward ? out : out / problem_.group_out() * problem_.group_in() + in] +=
          std::abs(b_[i]);
    }
    for (int64_t i = 0; i < static_cast<int64_t>(x.size()); ++i)
      if (std::isfinite(x[i]))
        difference = std::max(
            difference, std::abs(x[i] - y[i]) / sums[i / problem_.batch % channels] / largest);
    return difference;
  }

  Algorithm choice_of(Policy policy, const Isa& isa) const {
    Context context;
    context.policy = policy;
    return plan_of(problem_, task_, context, {&isa, ""}).algorithm;
  }

  Algorithm algorithm_for(const char* algorithm, const Isa& isa) const {
    return plan_of(problem_, task_, Context(), {&isa, algorithm}).algorithm;
  }

  void mark_first(double value) { a_[0] = value; }

  Values compute(const char* algorithm, const Isa& isa, int threads, bool streams = false) const {
    values::Memory memory(result_size_);
    Task task = task_;
    task.out = memory.data();
    Context context;
    context.threads = threads;
    run(problem_, task, context, {&isa, algorithm, streams});
    return memory.values();
  }

  // Whether this algorithm is another than the plan's choice, and can do the work.
  bool differs_from_direct(const char* algorithm, const Isa& isa) const {
    return plan_of(problem_, task_, Context(), {&isa, algorithm}).names() !=
           plan_of(problem_, task_, Context(), {&isa, "direct"}).names();
  }

 private:
  const Problem problem_;
  Direction direction_;
  int64_t width_, result_size_;
  Values a_, b_, bias_;
  Task task_;
};

void check_case(const Case& c, harness::Random& random) {
  for (const Direction direction :
       {Direction::forward, Direction::backward_input, Direction::backward_weight}) {
    const Work work(c, direction, random);
    for (const Isa* isa : available_isas()) {
      const std::string label =
          harness::words(c.id, "direction", static_cast<int>(direction), isa->name);
      const Values direct = work.compute("direct", *isa, 1);
      CHECK(same_bits(direct, work.compute("naive", *isa, 4)), label);
      CHECK(same_bits(direct, work.compute("direct", *isa, 3)), label, "threads");
      CHECK(same_bits(direct, work.compute("direct", *isa, 2, true)), label, "streams");
      for (const char* loop_nest : {"rows", "channels", "lanes", "filter"})
        if (work.differs_from_direct(loop_nest, *isa))
          CHECK(same_bits(direct, work.compute(loop_nest, *isa, 2)), label, loop_nest);
      const double difference = largest_difference(direct, work.compute("eigen", *isa, 1));
      CHECK(difference < (c.single ? 1e-5 : 1e-12), label, difference);
    }
  }
}

void check_file(const std::string& file, std::size_t least) {
  harness::Random random(4);
  const std::vector<Case> all = cases::load(file);
  CHECK(all.size() >= least, file, all.size());
  for (const Case& c : all) check_case(c, random);
}

}  // namespace

TEST(kernels_on_basic_cases) { check_file("basic.csv", 50); }
TEST(kernels_on_tails) { check_file("tails.csv", 100); }
TEST(kernels_on_layers_of_networks) { check_file("networks.csv", 20); }
TEST(kernels_on_regressions) { check_file("regressions.csv", 0); }

// Random problems whose first axes have three taps: Winograd's kernels against its plain loops, bit
// for bit, and against the definition within its bound.
TEST(winograd_kernels) {
  harness::Random random(9);
  const PadMode modes[] = {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular};
  for (int i = 0; i < 150; ++i) {
    Case c;
    c.id = harness::words("winograd", i);
    c.single = random.between(0, 2) == 0;
    c.is_complex = false;
    c.bias = random.between(0, 1) == 0;
    Problem& p = c.problem;
    const int64_t batches[] = {1, 2, 5, 8, 9, 16, 17, 20, 33};
    p.batch = batches[random.between(0, 8)];
    p.groups = random.between(0, 3) == 0 ? 3 : 1;
    p.c_in = p.groups * random.between(1, i % 10 == 0 ? 150 : 12);
    p.c_out = p.groups * random.between(1, i % 10 == 0 ? 3 : 36);
    const int dims = static_cast<int>(random.between(1, 3));
    const int tiled = static_cast<int>(random.between(1, std::min(dims, 2)));
    const PadMode mode = modes[random.between(0, 3)];
    for (int d = 0; d < dims; ++d) {
      Axis& axis = p.axes[d];
      axis.in = random.between(4, dims == 1 ? 30 : 9);
      axis.kernel = d < tiled ? 3 : random.between(1, 3);
      axis.stride = d < tiled ? 1 : random.between(1, 2);
      axis.dilation = random.between(1, axis.in / axis.kernel);
      axis.mode = mode;
      axis.pad_lo = random.between(0, axis.in - 1);
      axis.pad_hi = random.between(0, 3);
      axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, axis.dilation, axis.pad_lo,
                                  axis.pad_hi);
    }
    // The plain loops are slow.
    if (p.batch * p.c_out * p.group_in() * p.taps() * (p.in_pixels() + p.out_pixels()) > 3000000)
      continue;
    for (const Direction direction : {Direction::forward, Direction::backward_input}) {
      Work work(c, direction, random);
      if (i % 3 == 0) work.spoil(i % 5 == 0 ? 40 : 1, random);
      const std::string name = i % 2 == 0 ? "winograd_f2" : "winograd_f4";
      for (const Isa* isa : available_isas()) {
        const std::string label =
            harness::words(c.id, name, "direction", static_cast<int>(direction), isa->name);
        const Values result = work.compute(name.c_str(), *isa, 1);
        CHECK(same_bits(result, work.compute(("naive_" + name).c_str(), *isa, 4)), label);
        CHECK(same_bits(result, work.compute(name.c_str(), *isa, 3)), label, "threads");
        const double difference = largest_difference(result, work.compute("direct", *isa, 1));
        CHECK(same_missing(result, work.compute("direct", *isa, 1)), label, "missing");
        CHECK(difference < (c.single ? 1e-4 : 1e-13), label, difference);
      }
    }
  }
}

// What "fast" may take besides, on random problems: within its bound, what is not finite where the
// definition has it, the same for any number of threads.
TEST(separable_and_transformed_kernels) {
  harness::Random random(11);
  const PadMode modes[] = {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular};
  int taken[2] = {0, 0};
  for (int i = 0; i < 300; ++i) {
    Case c;
    c.id = harness::words("fast", i);
    c.single = random.between(0, 2) == 0;
    c.is_complex = false;
    c.bias = random.between(0, 1) == 0;
    Problem& p = c.problem;
    p.batch = random.between(1, i % 7 == 0 ? 19 : 3);
    p.groups = random.between(0, 2) == 0 ? random.between(2, 9) : 1;
    p.c_in = p.groups * (random.between(0, 1) == 0 ? 1 : random.between(1, 4));
    p.c_out = p.groups * (random.between(0, 1) == 0 ? 1 : random.between(1, 6));
    const int dims = static_cast<int>(random.between(1, 3));
    const PadMode mode = modes[random.between(0, 3)];
    const bool strides = random.between(0, 3) == 0;
    for (int d = 0; d < dims; ++d) {
      Axis& axis = p.axes[d];
      axis.in = random.between(3, dims == 1 ? 300 : dims == 2 ? 40 : 12);
      axis.kernel = random.between(1, std::min<int64_t>(axis.in, dims == 1 ? 90 : 7));
      axis.stride = strides ? random.between(1, 3) : 1;
      axis.dilation = random.between(1, std::max<int64_t>(1, axis.in / axis.kernel / 2));
      axis.mode = mode;
      axis.pad_lo = random.between(0, axis.in - 1);
      axis.pad_hi = random.between(0, std::min<int64_t>(9, axis.in - 1));
      axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, axis.dilation, axis.pad_lo,
                                  axis.pad_hi);
    }
    for (const Direction direction : {Direction::forward, Direction::backward_input}) {
      Work work(c, direction, random);
      const bool is_separable = i % 2 == 0;
      if (is_separable) work.separate_weights(random);
      if (i % 3 == 0) work.spoil(i % 5 == 0 ? 40 : 1, random);
      const char* const name = is_separable ? "separable" : "fft";
      for (const Isa* isa : available_isas()) {
        const Algorithm algorithm = work.algorithm_for(name, *isa);
        if (algorithm != (is_separable ? Algorithm::separable : Algorithm::fft)) continue;
        ++taken[is_separable];
        const std::string label =
            harness::words(c.id, name, "direction", static_cast<int>(direction), isa->name);
        const Values result = work.compute(name, *isa, 1);
        const Values direct = work.compute("direct", *isa, 1);
        CHECK(same_bits(result, work.compute(name, *isa, 3)), label, "threads");
        CHECK(same_missing(result, direct), label, "missing");
        const double difference = work.difference_of(result, direct);
        CHECK(difference < (c.single ? 1e-6 : 1e-14), label, difference);
      }
    }
  }
  CHECK(taken[0] > 200 && taken[1] > 100, taken[0], taken[1]);
}

// Several tiles, jobs, strips and slabs; and who takes these algorithms by itself.
TEST(separable_and_transformed_images) {
  harness::Random random(12);
  const int64_t sizes[][9] = {
      // batch, channels, 3 extents, 3 of the kernel
      {1, 1, 1, 700, 300, 1, 41, 45, 1},  {2, 1, 3, 261, 190, 1, 35, 61, 1},
      {1, 3, 1, 200, 97, 1, 41, 43, 1},   {1, 1, 1, 61, 40, 53, 17, 15, 19},
      {1, 1, 1, 60011, 1, 1, 5003, 1, 1}, {2, 6, 5, 150, 121, 1, 41, 33, 1}};
  for (const auto& size : sizes) {
    Case c;
    c.id = harness::words("image", size[3]);
    c.single = c.is_complex = false;
    c.bias = true;
    c.problem.batch = size[0];
    c.problem.c_in = size[1];
    c.problem.c_out = size[2];
    for (int i = 0; i < max_spatial; ++i) {
      Axis& axis = c.problem.axes[i];
      axis.in = size[3 + i];
      axis.kernel = size[6 + i];
      axis.pad_lo = axis.pad_hi = axis.kernel / 2;
      axis.out = conv_output_size(axis.in, axis.kernel, 1, 1, axis.pad_lo, axis.pad_hi);
    }
    const Isa& isa = *available_isas().front();
    for (const bool is_separable : {false, true}) {
      Work work(c, Direction::forward, random);
      if (is_separable) work.separate_weights(random);
      const bool separates = is_separable && size[7] > 1 && (size[1] == 1 || size[2] == 1);
      const Algorithm expected = separates ? Algorithm::separable : Algorithm::fft;
      CHECK(work.choice_of(Policy::fast, isa) == expected, c.id, is_separable);
      for (const Policy policy : {Policy::direct, Policy::automatic}) {
        const Algorithm other = work.choice_of(policy, isa);
        CHECK(other != Algorithm::separable && other != Algorithm::fft, c.id, is_separable);
      }
      const char* const name = separates ? "separable" : "fft";
      const Values result = work.compute(name, isa, 2);
      CHECK(same_bits(result, work.compute(name, isa, 1)), c.id, "threads");
      const double difference = work.difference_of(result, work.compute("direct", isa, 2));
      CHECK(difference < 1e-14, c.id, is_separable, difference);
    }
  }
}

// More terms than a chunk holds, more weights than a slab: the paths of large problems.
TEST(kernels_on_long_sums) {
  harness::Random random(5);
  Case c;
  c.id = "long";
  c.single = c.is_complex = false;
  c.bias = true;
  Problem& p = c.problem;
  p.batch = 3;
  p.c_in = 700;
  p.c_out = 9;
  p.axes[0].in = 40;
  p.axes[0].kernel = 33;
  p.axes[0].out = 8;
  check_case(c, random);
}

// Few weights and long sums: the gradient of the weight is cut into parts of its terms. With and
// without windows that several taps share, and at every kind of border.
TEST(kernels_on_few_weights_and_many_pixels) {
  harness::Random random(8);
  for (const int64_t batch : {1, 3})
    for (const int64_t dilation : {1, 2, 40})
      for (const int64_t stride : {1, 2})
        for (const PadMode mode :
             {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular}) {
          Case c;
          c.id = harness::words("long", batch, dilation, stride, static_cast<int>(mode));
          c.single = c.is_complex = c.bias = false;
          c.problem.batch = batch;
          c.problem.c_in = 2;
          c.problem.c_out = 3;
          for (int i = 0; i < 2; ++i) {
            Axis& axis = c.problem.axes[i];
            axis.in = 90 - 5 * i;
            axis.kernel = 3;
            axis.stride = stride;
            axis.dilation = dilation;
            axis.mode = mode;
            axis.pad_lo = dilation;
            axis.pad_hi = dilation - 1;
            axis.out = conv_output_size(axis.in, 3, stride, dilation, axis.pad_lo, axis.pad_hi);
          }
          check_case(c, random);
        }
}

// Vectors of channels and of lanes with every kind of tail, at every kind of border.
TEST(kernels_on_channels_and_lanes) {
  struct Shape {
    int64_t batch, groups, group_in, group_out;
  };
  const Shape shapes[] = {{1, 1, 3, 37}, {3, 1, 5, 9},  {4, 2, 2, 3}, {1, 2, 3, 17},
                          {1, 21, 1, 1}, {3, 19, 1, 1}, {5, 7, 1, 1}, {1, 11, 1, 2},
                          {2, 9, 2, 1},  {4, 5, 1, 3},  {8, 3, 4, 4}, {16, 10, 1, 1},
                          {1, 6, 4, 4},  {7, 1, 1, 20}};
  harness::Random random(9);
  for (const Shape& shape : shapes)
    for (const int64_t stride : {1, 2})
      for (const int64_t dilation : {1, 2})
        for (const PadMode mode :
             {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular}) {
          Case c;
          c.id = harness::words(shape.batch, shape.groups, shape.group_in, shape.group_out, stride,
                                dilation, static_cast<int>(mode));
          c.single = (stride + dilation + static_cast<int>(mode)) % 2 == 0;
          c.is_complex = false;
          c.bias = true;
          Problem& p = c.problem;
          p.batch = shape.batch;
          p.groups = shape.groups;
          p.c_in = shape.groups * shape.group_in;
          p.c_out = shape.groups * shape.group_out;
          for (int i = 0; i < 2; ++i) {
            Axis& axis = p.axes[i];
            axis.in = 8 - i;
            axis.kernel = 3 - i;
            axis.stride = stride;
            axis.dilation = dilation;
            axis.mode = mode;
            axis.pad_lo = dilation;
            axis.pad_hi = i;
            axis.out = conv_output_size(axis.in, axis.kernel, stride, dilation, axis.pad_lo, i);
          }
          check_case(c, random);
        }
}

// Depthwise lines of every length are cut into parts, in place and in windows of wide pixels.
TEST(kernels_on_lines_of_lanes) {
  harness::Random random(12);
  for (int64_t length = 1; length <= 23; ++length)
    for (const int64_t batch : {1, 3, 16})
      for (const int64_t stride : {1, 2})
        for (const int64_t dilation : {1, 2}) {
          Case c;
          c.id = harness::words("lines", length, batch, stride, dilation);
          c.single = (length + batch + stride + dilation) % 2 == 0;
          c.is_complex = false;
          c.bias = true;
          Problem& p = c.problem;
          p.batch = batch;
          p.groups = p.c_in = p.c_out = batch == 16 ? 33 : 19;
          for (int i = 0; i < 2; ++i) {
            Axis& axis = p.axes[i];
            axis.in = i == 0 ? stride * length : 7;
            axis.kernel = 4 - i;
            axis.stride = stride;
            axis.dilation = dilation;
            axis.pad_lo = dilation;
            axis.pad_hi = 2 * dilation;
            axis.out =
                conv_output_size(axis.in, axis.kernel, stride, dilation, axis.pad_lo, axis.pad_hi);
          }
          check_case(c, random);
        }
}

// Sums of several chunks by each loop nest, and slabs of a single panel.
TEST(kernels_on_long_sums_in_columns) {
  harness::Random random(10);
  for (const int64_t groups : {1, 20}) {
    Case c;
    c.id = harness::words("long columns", groups);
    c.single = c.is_complex = false;
    c.bias = true;
    Problem& p = c.problem;
    p.c_in = groups == 1 ? 600 : groups;
    p.c_out = groups == 1 ? 70 : groups;
    p.groups = groups;
    Axis& axis = p.axes[0];
    axis.in = groups == 1 ? 40 : 18010;
    axis.kernel = groups == 1 ? 33 : 18005;
    axis.pad_hi = 3;
    axis.out = conv_output_size(axis.in, axis.kernel, 1, 1, 0, 3);
    const Work work(c, Direction::forward, random);
    for (const Isa* isa : available_isas()) {
      const Values naive = work.compute("naive", *isa, 4);
      for (const char* loop_nest : {"rows", "channels", "lanes"})
        CHECK(same_bits(work.compute(loop_nest, *isa, 2), naive), c.id, isa->name, loop_nest);
    }
  }
}

// Inputs so large that boxes of positions read windows of them, also with weights that padding
// must not meet.
TEST(kernels_on_windows) {
  harness::Random random(11);
  const int64_t sizes[][6] = {// batch, channels, groups, kernel, stride, extent
                              {3, 40, 40, 3, 1, 41}, {1, 75, 75, 5, 1, 30}, {16, 70, 1, 1, 1, 13},
                              {16, 33, 1, 1, 2, 21}, {5, 40, 1, 1, 1, 19},  {20, 24, 3, 1, 3, 29}};
  for (const auto& size : sizes)
    for (const PadMode mode : {PadMode::zeros, PadMode::circular})
      for (const bool spoiled : {false, true}) {
        Case c;
        c.id = harness::words("window", size[1], static_cast<int>(mode), spoiled);
        c.single = c.bias = true;
        c.is_complex = false;
        Problem& p = c.problem;
        p.batch = size[0];
        p.c_in = p.c_out = size[1];
        p.groups = size[2];
        for (int i = 0; i < 2; ++i) {
          Axis& axis = p.axes[i];
          axis.in = size[5] - i;
          axis.kernel = size[3];
          axis.stride = size[4];
          axis.mode = mode;
          axis.pad_lo = axis.pad_hi = axis.kernel / 2;
          axis.out =
              conv_output_size(axis.in, axis.kernel, axis.stride, 1, axis.pad_lo, axis.pad_hi);
        }
        for (const Direction direction : {Direction::forward, Direction::backward_input}) {
          Work work(c, direction, random);
          work.spoil(false, spoiled, random);
          for (const Isa* isa : available_isas())
            CHECK(same_bits(work.compute("direct", *isa, 2), work.compute("naive", *isa, 4)), c.id,
                  static_cast<int>(direction), isa->name);
        }
      }
}

// Lines of every length around a vector, columns that are lines, channels or both, and every
// border, with numbers that are not finite in the data, or in the weights.
TEST(filters_on_odd_values) {
  harness::Random random(9);
  int taken = 0;
  for (const PadMode mode :
       {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular})
    for (int number = 0; number < 40; ++number) {
      Case c;
      c.id = harness::words("odd", static_cast<int>(mode), number);
      c.single = random.below(2) == 1;
      c.is_complex = false;
      c.bias = random.below(2) == 1;
      c.problem.batch = 1 + random.below(random.below(4) == 0 ? 18 : 5);
      c.problem.c_in = 1 + random.below(3);
      c.problem.c_out = 1 + random.below(6);
      const int ndim = 1 + static_cast<int>(random.below(3));
      for (int i = 0; i < ndim; ++i) {
        Axis& axis = c.problem.axes[i];
        axis.in = 2 + random.below(i > 0 ? 13 - 3 * ndim : ndim == 1 ? 300 : 60);
        axis.mode = mode;
        axis.kernel = 1 + random.below(ndim == 1 ? 90 : ndim == 2 ? 9 : 4);
        axis.stride = 1 + std::max<int64_t>(0, random.below(5) - 2);
        axis.dilation = 1 + std::max<int64_t>(0, random.below(5) - 2);
        const int64_t reach = (axis.kernel - 1) * axis.dilation;
        axis.pad_lo = std::min<int64_t>(axis.in - 1, random.below(reach + 2));
        axis.pad_hi = std::min<int64_t>(axis.in - 1, random.below(reach + 2));
        if (axis.in + axis.pad_lo + axis.pad_hi <= reach) axis.kernel = axis.dilation = 1;
        axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, axis.dilation, axis.pad_lo,
                                    axis.pad_hi);
      }
      for (const Direction direction : {Direction::forward, Direction::backward_input})
        for (const int spoiled : {0, 1, 2}) {
          Work work(c, direction, random);
          work.spoil(spoiled == 1, spoiled == 2, random);
          for (const Isa* isa : available_isas()) {
            taken += work.algorithm_for("filter", *isa) == Algorithm::filter;
            CHECK(same_bits(work.compute("filter", *isa, 3), work.compute("naive", *isa, 4)), c.id,
                  "direction", static_cast<int>(direction), "spoiled", spoiled, isa->name);
          }
        }
    }
  CHECK(taken > 300, taken);
}

// Images and volumes of several boxes each.
TEST(filters_on_large_images) {
  harness::Random random(10);
  const int64_t sizes[][9] = {// batch, channels, 3 extents, 3 of the kernel
                              {1, 1, 1, 700, 300, 1, 9, 7, 1},  {1, 1, 4, 261, 190, 1, 3, 3, 1},
                              {3, 2, 5, 150, 97, 1, 5, 3, 1},   {1, 1, 1, 61, 40, 33, 3, 4, 3},
                              {1, 1, 1, 20011, 1, 1, 53, 1, 1}, {2, 3, 2, 50, 21, 12, 2, 3, 3}};
  for (const auto& size : sizes)
    for (const int64_t stride : {1, 2}) {
      Case c;
      c.id = harness::words("image", size[3], stride);
      c.single = stride == 2;
      c.is_complex = false;
      c.bias = true;
      c.problem.batch = size[0];
      c.problem.c_in = size[1];
      c.problem.c_out = size[2];
      for (int i = 0; i < max_spatial; ++i) {
        Axis& axis = c.problem.axes[i];
        axis.in = size[3 + i];
        axis.kernel = size[6 + i];
        axis.stride = axis.in == 1 ? 1 : stride;
        axis.pad_lo = axis.kernel / 2;
        axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, 1, axis.pad_lo, 0);
      }
      const Work work(c, Direction::forward, random);
      for (const Isa* isa : available_isas())
        CHECK(same_bits(work.compute("filter", *isa, 2), work.compute("naive", *isa, 4)), c.id,
              isa->name);
    }
}

// Lanes are samples, taken in rounds where there are many, of all groups; or pixels.
TEST(kernels_on_lanes_of_few_channels) {
  harness::Random random(9);
  for (const int64_t batch : {1, 2, 3, 5, 8, 16, 17, 20, 33})
    for (const int64_t groups : {1, 3, 7})
      for (const PadMode mode : {PadMode::zeros, PadMode::reflect}) {
        Case c;
        c.id = harness::words("lanes", batch, groups, static_cast<int>(mode));
        c.single = groups == 3;
        c.is_complex = batch == 2 && mode == PadMode::reflect;
        c.bias = false;
        c.problem.batch = batch;
        c.problem.groups = groups;
        c.problem.c_in = 2 * groups;
        c.problem.c_out = (batch % 2 + 1) * groups;
        for (int i = 0; i < max_spatial; ++i) {
          Axis& axis = c.problem.axes[i];
          axis.in = i == 0 ? 37 : 5 - i;
          axis.kernel = 3 - i;
          axis.stride = i == 0 ? 2 : 1;
          axis.dilation = i == 0 ? 3 : 1;
          axis.mode = mode;
          axis.pad_lo = i == 0 ? 4 : 1;
          axis.pad_hi = 1;
          axis.out = conv_output_size(axis.in, axis.kernel, axis.stride, axis.dilation, axis.pad_lo,
                                      axis.pad_hi);
        }
        check_case(c, random);
      }
}

// What padding leaves out is zeros in a panel, but no 0 * Inf.
TEST(kernels_on_numbers_that_are_not_finite) {
  harness::Random random(10);
  for (const int64_t batch : {1, 5, 16})
    for (const int64_t channels : {1, 2, 9}) {
      Case c;
      c.id = harness::words("infinite", batch, channels);
      c.single = c.is_complex = c.bias = false;
      c.problem.batch = batch;
      c.problem.c_in = c.problem.c_out = channels;
      for (int i = 0; i < 2; ++i) {
        Axis& axis = c.problem.axes[i];
        axis.in = axis.out = 19 + i;
        axis.kernel = 3;
        axis.pad_lo = axis.pad_hi = 1;
      }
      Work work(c, Direction::backward_weight, random);
      work.mark_first(std::numeric_limits<double>::infinity());
      for (const Isa* isa : available_isas()) {
        const Values direct = work.compute("direct", *isa, 1);
        CHECK(same_bits(direct, work.compute("naive", *isa, 4)), c.id, isa->name);
        CHECK(std::isfinite(direct[0]), c.id, isa->name);
      }
    }
}

// A tile of one column sums so many rows at a time that its chunks are short.
TEST(kernels_on_one_channel_and_many_taps) {
  harness::Random random(6);
  Case c;
  c.id = "filter";
  c.single = c.is_complex = c.bias = false;
  Axis& axis = c.problem.axes[0];
  axis.in = 9000;
  axis.kernel = 5003;
  axis.pad_lo = axis.pad_hi = 2501;
  axis.out = conv_output_size(axis.in, axis.kernel, 1, 1, axis.pad_lo, axis.pad_hi);
  const Work work(c, Direction::forward, random);
  for (const Isa* isa : available_isas())
    CHECK(same_bits(work.compute("direct", *isa, 2), work.compute("naive", *isa, 4)), isa->name);
}

#if defined(__SSE2__)
TEST(the_callers_floating_point_mode_changes_no_bits) {
  harness::Random random(7);
  Case c;
  c.id = "tiny";
  c.single = true;
  c.is_complex = c.bias = false;
  c.problem.batch = 2;
  c.problem.axes[0].in = c.problem.axes[0].out = 5;
  Values x(10, 1e-30), w(1, 1e-10), bias(1, 1e-40), usual(10), flushed(10);
  const auto compute = [&](Values& out) {
    const Task task{Direction::forward, {x.data()}, {w.data()}, {bias.data()},
                    out.data(),         false,      true};
    run(c.problem, task, Context());
  };
  compute(usual);
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
  compute(flushed);
  _mm_setcsr(before);
  CHECK(same_bits(usual, flushed), usual[0], flushed[0]);
  CHECK(usual[0] > 1e-40, usual[0]);
}
#endif
