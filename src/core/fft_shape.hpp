// How the "fft" loop nest cuts a problem: tiles of the result, each the end of a circular sum as
// long as a transform (overlap-save).
#pragma once
#include <cstdint>

#include "axis_map.hpp"
#include "contraction.hpp"
#include "isa/isa.hpp"

namespace nnconv {

// One axis, as a map of outputs.
struct FftAxis {
  Axis axis;
  int64_t size = 1;   // of a transform
  int64_t tiles = 1;  // along the axis
  int64_t tile = 1;   // positions of the result, the last may have fewer

  int64_t reach() const { return (axis.kernel - 1) * axis.dilation; }
};

struct FftShape {
  FftAxis axes[max_spatial];    // those that are transformed come first
  int order[max_spatial] = {};  // which axis of the problem each is
  int64_t slab_units = 1;       // columns of groups whose transformed weights fit the scratch

  int64_t size() const { return axes[0].size * axes[1].size * axes[2].size; }
  int64_t tiles() const { return axes[0].tiles * axes[1].tiles * axes[2].tiles; }
  // Two real tiles are the parts of complex numbers.
  int64_t pairs() const { return (tiles() + 1) / 2; }
};

constexpr int64_t fft_weight_bytes = 32 << 20;  // of transformed weights, which threads share
constexpr int64_t fft_job_bytes = 24 << 20;     // of a job's transforms

// Numbers of a vector of the transforms, which any machine has.
template <class T>
constexpr int64_t fft_lanes = 16 / sizeof(T);

// The way to cut with the fewest operations, by a count of them; false where it cannot be done:
// real sums over maps of outputs of stride 1, whose transforms fit the scratch.
bool fft_shape(const Contraction& c, MapSide side, FftShape& shape, double& operations);

// Whether it takes clearly less time than the direct sums.
bool fft_pays(const Contraction& c, MapSide side, bool single, const Isa& isa);

}  // namespace nnconv
