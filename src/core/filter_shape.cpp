#include "filter_shape.hpp"

#include <algorithm>
#include <numeric>

namespace nnconv {

namespace {

constexpr int64_t strip_bytes = 384 << 10;         // of a strip, where it can be cut
constexpr int64_t largest_strip_bytes = 8 << 20;   // of one that cannot
constexpr int64_t weight_bytes = 2 << 20;          // every tile reads all of them
constexpr int64_t phased_taps = 64;                // of many lines that are packed in phases
constexpr double wanted_jobs = 64, min_job = 1e6;  // operations
constexpr double worth = 1.3;  // of packing again at the edges of boxes, for more jobs

// Lines along this axis share what they read: as many as there are columns for.
void share(FilterAxis& axis, int64_t lines) {
  axis.apart = axis.axis.dilation / std::gcd(axis.axis.stride, axis.axis.dilation);
  axis.lines = std::max<int64_t>(1, std::min(lines, axis.axis.out / axis.apart));
  if (axis.lines == 1 || axis.shift() >= axis.axis.kernel) axis.lines = axis.apart = 1;
}

void measure(FilterShape& shape, int vector, int element_bytes) {
  const int64_t line = 64 / element_bytes;
  const int64_t box = (shape.axes[0].largest() + shape.period - 1) / shape.period * shape.period;
  const int64_t slots = (shape.axes[0].reads(box) + shape.phases() - 1) / shape.phases();
  shape.pitch = (slots * shape.rows + vector + line - 1) / line * line;
  // Lines a power of two apart would share sets of a cache.
  if (shape.pitch / line % 2 == 0) shape.pitch += line;
  // In floating point: a strip that is refused may be of any size.
  shape.strip = static_cast<double>(shape.pitch) * shape.phases() * shape.terms *
                shape.axes[1].reads(shape.axes[1].largest()) *
                shape.axes[2].reads(shape.axes[2].largest());
}

// Elements that all boxes pack.
double packed(const FilterShape& shape) {
  double all = static_cast<double>(shape.rows) * shape.terms;
  for (const FilterAxis& axis : shape.axes)
    all *= static_cast<double>(axis.boxes) * axis.reads(axis.box);
  return all;
}

void cut(FilterAxis& axis, int64_t box, int64_t least) {
  axis.box = std::max(least, (box + least - 1) / least * least);
  axis.boxes = (axis.axis.out - std::min(least, axis.axis.out)) / axis.box + 1;
  if (axis.boxes == 1) axis.box = axis.axis.out;
}

// Halves boxes until their strip stays in a cache, and there are jobs enough, at little cost.
void cut_boxes(const Contraction& c, int vector, int mv, int element_bytes, FilterShape& shape) {
  const int64_t tile = static_cast<int64_t>(mv) * vector * shape.period;
  const int64_t least[] = {(tile + shape.rows - 1) / shape.rows,
                           shape.axes[1].lines * shape.axes[1].apart, 1};
  for (int i = 0; i < max_spatial; ++i) cut(shape.axes[i], shape.axes[i].axis.out, least[i]);
  measure(shape, vector, element_bytes);
  const double work = 2.0 * c.rows * c.cols * c.groups * c.terms * c.out_pixels() *
                      (c.b.extents[0] * c.b.extents[1] * c.b.extents[2]);
  const double whole = packed(shape);
  for (;;) {
    // The axis along which a box is longest, by what it reads beyond it.
    FilterShape best = shape;
    double cost = -1;
    for (int i = 0; i < max_spatial; ++i) {
      if (shape.axes[i].box <= least[i]) continue;
      FilterShape halved = shape;
      cut(halved.axes[i], (shape.axes[i].box + 1) / 2, least[i]);
      if (halved.axes[i].boxes == shape.axes[i].boxes) continue;
      const double here = packed(halved);
      if (cost >= 0 && here >= cost) continue;
      best = halved;
      cost = here;
    }
    if (cost < 0) return;
    const bool fits = shape.strip * element_bytes <= strip_bytes;
    const double jobs = static_cast<double>(shape.boxes() * c.groups);
    if (fits && (jobs >= wanted_jobs || work / jobs < 2 * min_job || cost > worth * whole)) return;
    shape = best;
    measure(shape, vector, element_bytes);
  }
}

}  // namespace

FilterAxis filter_axis(const Axis& axis, MapSide side) {
  return {output_map(axis, side), side == MapSide::inputs};
}

bool filter_shape(const Contraction& c, MapSide side, int vector, int mv, int element_bytes,
                  FilterShape& shape) {
  if (!c.is_real() || c.rows == 0) return false;
  for (int i = 0; i < max_spatial; ++i) {
    if (!is_output_map(c.axes[i], side)) return false;
    shape.axes[i] = filter_axis(c.axes[i], side);
  }
  shape.rows = c.rows;
  shape.terms = c.terms;
  shape.panels = (c.cols + filter_columns - 1) / filter_columns;
  shape.channels = static_cast<int>((c.cols + shape.panels - 1) / shape.panels);

  const int64_t lines = filter_columns / shape.channels;
  share(shape.axes[1], lines);
  FilterAxis& first = shape.axes[0];
  if (shape.axes[1].lines == 1 && first.axis.stride % first.axis.dilation == 0) {
    share(first, lines);
    shape.along_first = first.lines > 1;
    if (c.out_pixels() > c.out_extents[0] && first.axis.kernel < phased_taps)
      first.lines = first.apart = 1;
    shape.period = first.lines;
  }
  shape.lines = shape.axes[1].lines * first.lines;
  cut_boxes(c, vector, mv, element_bytes, shape);
  shape.packed = packed(shape) * c.groups;

  shape.sum_terms = c.terms;
  for (const FilterAxis& axis : shape.axes)
    shape.sum_terms *= axis.axis.kernel + axis.shift() * (axis.lines - 1);
  return shape.strip <= largest_strip_bytes / element_bytes &&
         shape.sum_terms * filter_columns * shape.panels * c.groups <= weight_bytes / element_bytes;
}

}  // namespace nnconv
