// Does it fit? From what a caller asked (Geometry) and the extents of the arrays to the
// descriptor of the work (Problem). All size arithmetic of the package is here, once.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "axis.hpp"
#include "fault.hpp"

namespace nnconv {

constexpr int max_spatial = 3;
constexpr int64_t max_extent = 2147483647;         // of one dimension of an R array
constexpr int64_t max_padding = int64_t{1} << 53;  // before or after; modules keep it as a double

using Spatial = std::array<int64_t, max_spatial>;
using Extents = std::vector<int64_t>;

// A layer's arguments as whole numbers. Dimensions beyond `ndim` are ones without effect.
struct Geometry {
  int ndim = 1;
  bool transposed = false;
  int64_t groups = 1;
  Spatial kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1};
  Spatial pad_lo{0, 0, 0}, pad_hi{0, 0, 0}, output_padding{0, 0, 0};
  PadMode mode = PadMode::zeros;
};

// Always a convolution: `in` and `out` are its two sides, and a transposed layer, which goes
// from `out` to `in`, is the same problem read the other way.
//   in side  [batch, c_in, axes[].in]      weight [c_out, c_in / groups, axes[].kernel]
//   out side [batch, c_out, axes[].out]
struct Problem {
  int64_t batch = 1, c_in = 1, c_out = 1, groups = 1;
  Axis axes[max_spatial];

  int64_t group_in() const { return c_in / groups; }
  int64_t group_out() const { return c_out / groups; }
  int64_t in_pixels() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_pixels() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
};

// Sizes along one dimension, before any check that they are positive.
int64_t conv_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t pad_lo, int64_t pad_hi);
int64_t conv_transpose_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                                   int64_t pad_lo, int64_t pad_hi, int64_t output_padding);

// The spatial size of a layer's output, checked; a Fault that names `argument` where the input is
// too small.
Spatial output_size(const Geometry& geometry, const Spatial& input, const char* argument = "input");

// The output padding with which a transposed layer gives `wanted`; a Fault naming `argument`
// of this kind where no output padding does.
Spatial output_padding_for(const Geometry& geometry, const Spatial& input, const Spatial& wanted,
                           const char* argument, FaultKind kind);

// Channels that a layer takes and gives, as its weight says.
struct Channels {
  int64_t input, output;
};

Channels channels_of(const Geometry& geometry, const Extents& weight);

// Throws unless the weight's dim is one for this kernel and these groups.
void check_weight(const Geometry& geometry, const Extents& weight);

// The problem of a layer applied to `input` (batch, channels, spatial; batch left out for a
// single sample) with `weight`. Faults name `input`, `weight` or `padding`.
Problem fit(const Geometry& geometry, const Extents& input, const Extents& weight);

// Throws where reflect or circular padding is more than `argument` has to show, `mode` being what
// the user calls padding_mode.
void check_borders(const Geometry& geometry, const Spatial& input,
                   const std::string& argument = "input", const std::string& mode = "padding_mode");

// Extents of the layer's output for such an input, of its rank.
Extents output_extents(const Geometry& geometry, const Problem& problem, std::size_t rank);

// The last `ndim` of the extents.
Spatial spatial_of(const Extents& extents, int ndim);

// "(16, 33, 50)"
std::string show(const Extents& extents);

}  // namespace nnconv
