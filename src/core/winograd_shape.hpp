// Where Winograd's F(m, 3) can take the place of the direct sums, and where it pays.
#pragma once
#include <string>

#include "contraction.hpp"
#include "parallel.hpp"

namespace nnconv {

// The first axes that F(m, 3) can tile: those of three taps and stride 1, of real numbers; in an
// inverse map, if no border repeats positions.
int winograd_axes(const Contraction& c, Direction direction);

// Results of a tile along an axis: what is asked for ("winograd_f2", "winograd_f4", or "naive_"
// and those), or what takes the fewest products; 0: none.
int winograd_results(const Contraction& c, Direction direction, int axes, Policy policy,
                     const std::string& wanted);

}  // namespace nnconv
