// The algorithms: loop nests over a contraction. Each computes the whole result.
#pragma once
#include "../axis_map.hpp"
#include "../contraction.hpp"
#include "../parallel.hpp"
#include "../plan.hpp"

namespace nnconv {

// Forward and gradient of the input, over an axis map or its inverse (gather.cpp).
void gather(const Contraction&, MapSide, bool single, const Plan&, const Context&);

// Likewise, of few channels and long lines (filter.cpp).
void filter(const Contraction&, MapSide, bool single, const Plan&, const Context&);

// Gradient of the weight (weight_gradient.cpp).
void weight_gradient(const Contraction&, bool single, const Plan&, const Context&);

// The definition, by plain loops in the written order: the oracle of the direct kernels, bit
// for bit. `fused`: products are added without being rounded first (naive.cpp).
void naive(const Contraction&, Direction, bool single, bool fused, const Context&);

// Another way to the same sums, by im2col and Eigen's product: an oracle by tolerance, that
// shares neither axis maps nor the order (eigen_product.cpp).
void eigen_product(const Problem&, const Task&, const Context&);

}  // namespace nnconv
