// The choice: a pure function of the work and the machine, never of the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "contraction.hpp"
#include "isa/isa.hpp"
#include "parallel.hpp"
#include "scratch.hpp"

namespace nnconv {

enum class Algorithm {
  rows,
  channels,
  lanes,
  filter,
  weight_gradient,
  winograd,
  separable,
  fft,
  naive,
  naive_winograd,
  eigen
};

// How a group's columns are cut into panels of nr or nr - 1 and rows into tiles of mv vectors.
// Where tiles are of channels or lanes: how those (`cols` of them) are cut into panels of mv
// vectors.
struct Tiling {
  int64_t cols = 0, panels = 0;
  int nr = 0, mv = 0, vector = 0;

  int64_t height() const { return static_cast<int64_t>(mv) * vector; }  // rows of a tile
  int64_t wide_panels() const { return cols - panels * (nr - 1); }
  int64_t first_col(int64_t panel) const {
    return panel * (nr - 1) + std::min(panel, wide_panels());
  }
  int width(int64_t panel) const { return panel < wide_panels() ? nr : nr - 1; }
};

struct Plan {
  Algorithm algorithm = Algorithm::rows;
  const Isa* isa = nullptr;
  Tiling tiling;
  bool reads_in_place = false;  // whole vectors of rows, where they fill vectors; or all are packed
  bool by_lanes = false;  // gradient of a weight: vectors are lanes of its order, not channels
  TileKind vectors = TileKind::rows;            // of a tile of Winograd's
  int winograd_axes = 0, winograd_results = 0;  // the first axes are tiled; results along one
  bool streams = false;  // the result goes past the caches, where it makes whole lines of these
  bool repairs = false;  // computes anew what is not finite in the result, and leaves the rest
  const char* transform = nullptr;  // of Winograd's, by name, as are kernel and reason
  const char *kernel = "", *reason = "";

  std::string names() const {
    return transform == nullptr ? kernel : std::string(transform) + ", " + kernel;
  }
};

// What tests ask for: "" (the choice is the plan's), "direct" (without Winograd), "naive",
// "eigen", or a loop nest: "rows", "channels", "lanes", "filter", "separable", "fft", "winograd_f2"
// or "winograd_f4", which is as "direct" where it cannot do the work; "naive_winograd_f2" and "_f4"
// are plain loops of those.
Plan choose(const Contraction& contraction, Direction direction, bool single, const Isa& isa,
            Policy policy, const std::string& wanted);

// Whether a line of rows is worth reading in place: the last vector of a line repeats rows, a fifth
// of the work at most.
inline bool fills_vectors(int64_t rows, int64_t vector) {
  const int64_t vectors = (rows + vector - 1) / vector;
  return rows >= vector && 5 * rows >= 4 * vectors * vector;
}

// Panels as wide as tiles go, or narrower where one, of `terms` terms, would fill the scratch.
template <class T>
Tiling tiling_for(const KernelTable<T>& table, int64_t rows, int64_t cols, int64_t terms) {
  const int64_t room = packed_columns_bytes / (terms * static_cast<int64_t>(sizeof(T)));
  const int64_t widest = std::max<int64_t>(1, std::min<int64_t>(table.max_nr, room));
  Tiling tiling;
  tiling.cols = cols;
  tiling.panels = (cols + widest - 1) / widest;
  tiling.nr = static_cast<int>((cols + tiling.panels - 1) / tiling.panels);
  tiling.mv = table.mv_for(tiling.nr, rows);
  tiling.vector = table.vector;
  return tiling;
}

}  // namespace nnconv
