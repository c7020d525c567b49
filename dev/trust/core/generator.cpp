#include "generator.hpp"

#include <algorithm>

using namespace nnconv;

namespace trust {

namespace {

using harness::Random;

// More often small.
int64_t pick(const Range& range, Random& random) {
  return random.between(range.low, random.between(range.low, range.high));
}

bool chance(int percent, Random& random) { return random.below(100) < percent; }

void draw_padding(Geometry& g, Random& random) {
  const int64_t form = random.below(6);
  for (int i = 0; i < g.ndim; ++i) {
    const int64_t reach = g.dilation[i] * (g.kernel[i] - 1);
    int64_t before = 0, after = 0;
    switch (form) {
      case 1:  // the same
        before = reach / 2, after = reach - before;
        break;
      case 2:  // causal
        before = reach;
        break;
      case 3:  // pairs
        before = random.below(reach + 3), after = random.below(reach + 3);
        break;
      case 4:  // a number
      case 5:
        before = after = random.below(std::min<int64_t>(reach, 4) + 2);
        break;
    }
    g.pad_lo[i] = before, g.pad_hi[i] = after;
  }
}

// Reals mostly; complex numbers all over, or here and there.
void draw_kinds(Layer& layer, int complex_percent, Random& random) {
  layer.single = chance(40, random);
  layer.make_complex(chance(complex_percent, random));
  if (!layer.complex_dtype || chance(50, random)) return;
  for (bool* kind :
       {&layer.complex_dtype, &layer.complex_input, &layer.complex_weight, &layer.complex_bias})
    *kind = chance(50, random);
  layer.complex_bias &= layer.bias;
  layer.complex_grad = chance(50, random);
}

Layer propose(const Recipe& recipe, Family family, Random& random) {
  Layer layer;
  Geometry& g = layer.geometry;
  g.ndim = static_cast<int>(random.between(1, 3));
  g.transposed = chance(35, random);
  g.groups = pick(recipe.groups, random);
  if (!g.transposed && chance(45, random)) g.mode = static_cast<PadMode>(random.between(1, 3));
  const int dims = g.ndim - 1;
  Extents size;
  for (int i = 0; i < g.ndim; ++i) {
    size.push_back(pick(recipe.size[dims], random));
    g.kernel[i] = pick(recipe.kernel[dims], random);
    g.stride[i] = chance(50, random) ? 1 : pick({1, recipe.stride}, random);
    g.dilation[i] = chance(50, random) ? 1 : pick({1, recipe.dilation}, random);
    if (g.transposed && chance(40, random))
      g.output_padding[i] = random.below(std::max(g.stride[i], g.dilation[i]));
  }
  if (family == Family::winograd) {
    const int tiled = chance(70, random) ? 2 : 1;
    for (int i = 0; i < std::min(g.ndim, tiled); ++i)
      g.kernel[i] = 3, g.stride[i] = 1, g.output_padding[i] = 0;
  }
  draw_padding(g, random);

  const int64_t in = pick(recipe.group_in, random), out = pick(recipe.group_out, random);
  const int64_t batch = recipe.batches[random.below(static_cast<int64_t>(recipe.batches.size()))];
  if (batch != unbatched) layer.input.push_back(batch);
  layer.input.push_back(g.groups * in);
  layer.input.insert(layer.input.end(), size.begin(), size.end());
  layer.weight = {g.groups * (g.transposed ? in : out), g.transposed ? out : in};
  layer.weight.insert(layer.weight.end(), g.kernel.begin(), g.kernel.begin() + g.ndim);
  layer.bias = chance(70, random);
  draw_kinds(layer, recipe.complex_percent, random);
  return layer;
}

void set(Range (&ranges)[3], const Range& line, const Range& image, const Range& volume) {
  ranges[0] = line, ranges[1] = image, ranges[2] = volume;
}

}  // namespace

Recipe recipe_of(Family family) {
  Recipe recipe;
  switch (family) {
    case Family::general:
      recipe.batches = {unbatched, 0, 1, 1, 2, 2, 3, 4, 5, 8, 9, 16, 17, 33};
      recipe.groups = {1, 3}, recipe.group_in = {1, 6}, recipe.group_out = {1, 9};
      set(recipe.size, {1, 24}, {1, 9}, {1, 5}), set(recipe.kernel, {1, 9}, {1, 4}, {1, 3});
      recipe.stride = 4, recipe.dilation = 3, recipe.least = 0, recipe.most = 4e4,
      recipe.complex_percent = 30;
      break;
    case Family::batch:
      recipe.batches = {7, 8, 12, 13, 15, 16, 17, 20, 24, 32, 33, 64};
      recipe.groups = {1, 2}, recipe.group_in = {1, 8}, recipe.group_out = {1, 9};
      set(recipe.size, {2, 12}, {2, 6}, {1, 4}), set(recipe.kernel, {1, 4}, {1, 3}, {1, 2});
      recipe.stride = 3, recipe.most = 8e4, recipe.complex_percent = 25;
      break;
    case Family::line:
      recipe.batches = {1, 2, 3, 8, unbatched};
      recipe.group_in = {1, 1}, recipe.group_out = {1, 5};
      set(recipe.size, {30, 400}, {8, 60}, {4, 16}), set(recipe.kernel, {1, 9}, {1, 4}, {1, 3});
      recipe.complex_percent = 15;
      break;
    case Family::channels:
      recipe.batches = {1, 2, 3, 5, unbatched};
      recipe.groups = {1, 2}, recipe.group_in = {3, 40}, recipe.group_out = {9, 80};
      set(recipe.size, {2, 14}, {2, 7}, {2, 4}), set(recipe.kernel, {1, 4}, {1, 3}, {1, 2});
      recipe.most = 2e5, recipe.complex_percent = 15;
      break;
    case Family::depthwise:
      recipe.batches = {1, 2, 3, 5, 8, 17, unbatched};
      recipe.groups = {6, 75}, recipe.group_in = {1, 1}, recipe.group_out = {1, 1};
      set(recipe.size, {2, 30}, {2, 10}, {2, 5}), set(recipe.kernel, {1, 7}, {1, 4}, {1, 3});
      recipe.dilation = 3, recipe.complex_percent = 10;
      break;
    case Family::filter:
      recipe.batches = {1, 2, 3, 5, 9, unbatched};
      recipe.groups = {1, 2}, recipe.group_in = {1, 3}, recipe.group_out = {1, 6};
      set(recipe.size, {20, 300}, {6, 40}, {3, 12}), set(recipe.kernel, {2, 90}, {2, 9}, {1, 4});
      recipe.stride = 3, recipe.dilation = 3, recipe.most = 2e5;
      break;
    case Family::winograd:
      recipe.batches = {unbatched, 1, 2, 3, 4, 4, 8, 8, 16, 17};
      recipe.groups = {1, 2}, recipe.group_in = {16, 22}, recipe.group_out = {16, 33};
      set(recipe.size, {66, 140}, {13, 20}, {8, 11}), set(recipe.kernel, {3, 3}, {1, 3}, {1, 3});
      recipe.most = 5e6;
      break;
    case Family::deep:
      recipe.batches = {1, 2, 3, 8, unbatched};
      recipe.group_in = {60, 700}, recipe.group_out = {1, 12};
      set(recipe.size, {2, 40}, {2, 8}, {2, 4}), set(recipe.kernel, {1, 33}, {1, 4}, {1, 3});
      recipe.most = 4e5, recipe.complex_percent = 10;
      break;
    case Family::pixels:
      recipe.batches = {1, 2, 3, 9, 20, unbatched};
      recipe.groups = {1, 2}, recipe.group_in = {1, 3}, recipe.group_out = {1, 4};
      set(recipe.size, {200, 5000}, {20, 90}, {8, 20}), set(recipe.kernel, {1, 5}, {1, 3}, {1, 3});
      recipe.dilation = 40, recipe.most = 5e5, recipe.complex_percent = 15;
      break;
    case Family::window:
      recipe.batches = {1, 3, 5, 16, 20};
      recipe.groups = {1, 75}, recipe.group_in = {1, 70}, recipe.group_out = {1, 70};
      set(recipe.size, {200, 900}, {13, 41}, {6, 12}), set(recipe.kernel, {1, 2}, {1, 3}, {1, 2});
      recipe.stride = 3, recipe.dilation = 1, recipe.most = 2e6, recipe.complex_percent = 5;
      break;
    case Family::separable:
      recipe.batches = {1, 2, 3, unbatched};
      recipe.groups = {1, 3}, recipe.group_in = {1, 2}, recipe.group_out = {1, 2};
      set(recipe.size, {20, 90}, {13, 40}, {7, 14}), set(recipe.kernel, {5, 30}, {9, 17}, {5, 7});
      recipe.dilation = 1, recipe.most = 1e6;
      break;
    case Family::fourier:
      recipe.batches = {1, 2, 3, unbatched};
      recipe.groups = {1, 2}, recipe.group_in = {1, 3}, recipe.group_out = {1, 4};
      set(recipe.size, {200, 1500}, {24, 60}, {10, 18}),
          set(recipe.kernel, {100, 400}, {10, 25}, {5, 9});
      recipe.stride = 1, recipe.dilation = 1, recipe.most = 1.5e6;
      break;
    case Family::large:
      recipe.batches = {1, 2, 3, 5, 8, 9, 16, 17, 33};
      recipe.groups = {1, 20}, recipe.group_in = {1, 64}, recipe.group_out = {1, 64};
      set(recipe.size, {100, 9000}, {12, 150}, {6, 30}),
          set(recipe.kernel, {1, 30}, {1, 7}, {1, 3});
      recipe.dilation = 3, recipe.least = 5e6, recipe.most = 1.5e7, recipe.complex_percent = 10;
      break;
  }
  return recipe;
}

Layer random_layer(const Recipe& recipe, Family family, Random& random) {
  for (;;) {
    const Layer layer = propose(recipe, family, random);
    if (!is_valid(layer)) continue;
    const double work = products(layer);
    if (work >= recipe.least && work <= recipe.most) return layer;
  }
}

Family small_family(int64_t number) {
  constexpr Family families[] = {Family::general,   Family::batch,  Family::line, Family::channels,
                                 Family::depthwise, Family::filter, Family::deep, Family::general};
  return families[number % 8];
}

Family any_family(int64_t number) {
  constexpr Family rare[] = {Family::winograd, Family::pixels,   Family::winograd,
                             Family::window,   Family::winograd, Family::separable,
                             Family::winograd, Family::fourier};
  return number % 5 == 4 ? rare[number / 5 % 8] : small_family(number - number / 5);
}

}  // namespace trust
