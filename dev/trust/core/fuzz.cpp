#include "fuzz.hpp"

#include <string>

#include "call.hpp"
#include "oracle.hpp"
#include "part.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

constexpr double most_products = 2e4, most_numbers = 5e4;

// Numbers from bytes; zeros when these are spent.
class Bytes {
 public:
  Bytes(const std::uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

  int next() { return at_ == end_ ? 0 : *at_++; }

  // From `least` on: small mostly, and now and then anything that R can ask for.
  int64_t number(int64_t least, int64_t usual) {
    const int first = next();
    if (first < 250) return least + first % usual;
    int64_t value = first - 250;
    for (int i = 0; i < 3; ++i) value = value << 8 | next();
    return std::max(least, first == 255 ? max_extent - value % 3 : value);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* const end_;
};

// Arguments each in its own range, as the glue lets them through; arrays that mostly fit them.
Layer read_layer(Bytes& bytes) {
  Layer layer;
  Geometry& g = layer.geometry;
  const int shape = bytes.next(), kinds = bytes.next();
  g.ndim = 1 + shape % 3;
  g.transposed = (shape & 4) != 0;
  if (!g.transposed) g.mode = static_cast<PadMode>(shape >> 3 & 3);
  layer.bias = (shape & 32) != 0;
  layer.single = (shape & 64) != 0;
  if ((shape & 128) != 0) {
    layer.complex_dtype = (kinds & 1) != 0;
    layer.complex_input = (kinds & 2) != 0;
    layer.complex_weight = (kinds & 4) != 0;
    layer.complex_bias = layer.bias && (kinds & 8) != 0;
    layer.complex_grad = (kinds & 16) != 0;
  }
  g.groups = bytes.number(1, 4);
  const int64_t in = bytes.number(1, 20), out = bytes.number(1, 40);
  Extents size;
  for (int i = 0; i < g.ndim; ++i) {
    size.push_back(bytes.number(1, 60));
    g.kernel[i] = bytes.number(1, 8);
    g.stride[i] = bytes.number(1, 4);
    g.dilation[i] = bytes.number(1, 4);
    g.pad_lo[i] = bytes.number(0, 8);
    g.pad_hi[i] = bytes.number(0, 8);
    if (g.transposed)
      g.output_padding[i] = std::min(bytes.number(0, 4), std::max(g.stride[i], g.dilation[i]) - 1);
  }
  if ((kinds & 32) == 0) layer.input.push_back(bytes.number(0, 20));
  // Channels of a group and all of them, or what need not fit.
  const int64_t most = max_extent / g.groups;
  const bool fits = (kinds & 192) != 192 && in <= most && out <= most;
  layer.input.push_back(fits ? in * g.groups : in);
  layer.input.insert(layer.input.end(), size.begin(), size.end());
  layer.weight = {fits ? (g.transposed ? in : out) * g.groups : out, g.transposed ? out : in};
  layer.weight.insert(layer.weight.end(), g.kernel.begin(), g.kernel.begin() + g.ndim);
  if (!fits && bytes.next() % 4 == 0) layer.weight.back() = bytes.number(1, 8);
  return layer;
}

bool is_refused(const Layer& layer) {
  try {
    fit(layer.geometry, layer.input, layer.weight);
    return false;
  } catch (const Fault&) {
    return true;
  }
}

// Of a valid layer: whether there is time and memory to compute it.
bool is_small(const Layer& layer) {
  double numbers = 0;
  for (const Result result : all_results) {
    double count = 1;
    for (const int64_t extent : extents_of(layer, result))
      count *= static_cast<double>(std::max<int64_t>(1, extent));
    numbers += count;
  }
  for (int i = 0; i < layer.geometry.ndim; ++i)
    numbers += static_cast<double>(layer.geometry.pad_lo[i]) +
               static_cast<double>(layer.geometry.pad_hi[i]);
  return numbers <= most_numbers && products(layer) <= most_products;
}

// Every algorithm that whole numbers allow: those of "fast" are not exact.
std::vector<How> all_ways(Bytes& bytes) {
  std::vector<How> ways;
  for (const char* algorithm : {"direct", "rows", "channels", "lanes", "filter", "winograd_f2"}) {
    How how;
    how.algorithm = algorithm;
    ways.push_back(how);
  }
  for (const Policy policy : all_policies) {
    How how;
    how.policy = policy;
    how.threads = 1 + bytes.next() % 2;
    how.streams = bytes.next() % 2 == 1;
    how.shift = bytes.next() % 8;
    ways.push_back(how);
  }
  return ways;
}

bool is_exact(const Layer& layer, const Call& call, Result result, const How& how) {
  if (result == Result::grad_bias) return true;
  const Plan plan = call.plan(how);
  // Winograd's numbers have a few bits more.
  return plan.algorithm != Algorithm::separable && plan.algorithm != Algorithm::fft &&
         plan.winograd_results != 4 && most_terms(layer) * 9 < (layer.single ? 1 << 18 : 1 << 24);
}

// Bits where they are exact; else nothing but that it comes to an end.
bool compute_all(const Layer& layer, Bytes& bytes) {
  const Draw draw = [&](Random&) { return static_cast<double>(bytes.next() % 7 - 3); };
  Random unused(1);
  const Arrays arrays = draw_arrays(layer, draw, unused);
  const std::vector<How> ways = all_ways(bytes);
  bool is_right = true;
  for (const Result result : all_results) {
    const Call call(layer, arrays, result);
    const Values expected = sums_of<WholeSum>(layer, arrays, result).values();
    for (const How& how : ways) {
      const Values found = call.compute(how);
      if (!is_exact(layer, call, result, how) || values::same_bits(found, expected)) continue;
      std::printf("FAILED: %s %s %s\n", describe(layer).c_str(), name_of(result),
                  describe(how).c_str());
      is_right = false;
    }
  }
  return is_right;
}

}  // namespace

Outcome try_one(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const Layer layer = read_layer(bytes);
  if (is_refused(layer) == is_valid(layer)) {
    std::printf("FAILED: %s should be %s\n", describe(layer).c_str(),
                is_valid(layer) ? "taken" : "refused");
    return Outcome::wrong;
  }
  if (!is_valid(layer)) return Outcome::refused;
  if (!is_small(layer)) return Outcome::too_large;
  return compute_all(layer, bytes) ? Outcome::computed : Outcome::wrong;
}

// Bytes of random length.
bool try_bytes(long count, long seed) {
  Random random(seed);
  Part part("layers from random bytes");
  long refused = 0, computed = 0;
  while (part.tried() < count) {
    std::vector<std::uint8_t> bytes(40 + random.below(200));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
    const Outcome outcome = try_one(bytes.data(), bytes.size());
    refused += outcome == Outcome::refused;
    computed += outcome == Outcome::computed;
    part.check(outcome != Outcome::wrong, "see above");
  }
  return part.report(harness::words(computed, "computed", refused, "refused"));
}

}  // namespace trust

// libFuzzer's entry: dev/core.mk links it in place of main().
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (trust::try_one(data, size) == trust::Outcome::wrong) std::abort();
  return 0;
}
