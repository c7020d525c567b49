// Kernels that are outer products of one vector for each axis, as gaussians, boxes and derivatives
// are: their sums are passes along one axis each.
#pragma once
#include <cstdint>
#include <vector>

#include "axis_map.hpp"
#include "contraction.hpp"

namespace nnconv {

// The kernel of each pair of channels as a product of vectors: for an axis of several taps
// [pair, tap], taps as the map of outputs has them. A group has as many pairs as channels on the
// side that may have several.
using Factors = std::vector<double>;

// The last axis of several positions, along which the result is cut into strips, and the bytes that
// a pass makes of a sample for one position of it, at most.
int strip_axis(const Contraction& c);
double strip_line(const Contraction& c);

// Whether passes can do it: real sums over maps of outputs, where each group has one channel on one
// side, and several axes have several taps; of lines that fit the scratch.
bool may_separate(const Contraction& c, MapSide side);

// Whether they are clearly fewer products.
bool separation_pays(const Contraction& c, MapSide side);

// Finds the factors of all axes, where all kernels have them but for rounding.
bool separate(const Contraction& c, MapSide side, bool single, Factors (&factors)[max_spatial]);

}  // namespace nnconv
