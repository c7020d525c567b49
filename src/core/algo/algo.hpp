// The algorithms: loop nests over a contraction. Each computes the whole result.
#pragma once
#include "../axis_map.hpp"
#include "../contraction.hpp"
#include "../parallel.hpp"
#include "../plan.hpp"

namespace nnconv {

// Forward and gradient of the input, over an axis map or its inverse: by vectors of rows
// (gather_rows.cpp), and by vectors of channels or lanes (gather_columns.cpp).
void gather_rows(const Contraction&, MapSide, bool single, const Plan&, const Context&);
void gather_columns(const Contraction&, MapSide, bool single, const Plan&, const Context&);

// Likewise, of few channels and long lines (filter.cpp). False: weights that are not finite meet
// zero padding, and nothing was computed.
bool filter(const Contraction&, MapSide, bool single, const Plan&, const Context&);

// Gradient of the weight (weight_gradient.cpp).
void weight_gradient(const Contraction&, bool single, const Plan&, const Context&);

// Forward and gradient of the input where the first axes have three taps and stride 1, by fewer
// products in another order (winograd.cpp). Whether all results are finite; one that is not may
// be wrong.
bool winograd(const Contraction&, MapSide, bool single, const Plan&, const Context&);

// Forward and gradient of the input where kernels are outer products, as passes along one axis each
// (separable.cpp), which the caller computes as direct sums; whether they may take the samples of a
// channel to be all there are. Result as of winograd().
using DirectPass = FunctionView<const Contraction&, bool, const Context&>;
bool separable(const Contraction&, MapSide, bool single, const Context&, const DirectPass&);

// Forward and gradient of the input of long kernels and stride 1, by Fourier transforms (fft.cpp).
// Result as of winograd().
bool fft(const Contraction&, MapSide, bool single, const Context&);

// Winograd's by plain loops, with what is not finite taken from naive(): the oracle of both.
void naive_winograd(const Contraction&, Direction, const Plan&, bool single, const Context&);

// The definition, by plain loops in the written order: the oracle of the direct kernels, bit
// for bit. `fused`: products are added without being rounded first (naive.cpp).
void naive(const Contraction&, Direction, bool single, bool fused, const Context&);

// Another way to the same sums, by im2col and Eigen's product: an oracle by tolerance, that
// shares neither axis maps nor the order (eigen_product.cpp).
void eigen_product(const Problem&, const Task&, const Context&);

}  // namespace nnconv
