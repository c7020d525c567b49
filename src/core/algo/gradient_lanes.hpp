// Sums of the gradient of a weight whose vectors are lanes of the order, over groups; the sums of a
// channel's lanes are joined at last.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../scratch.hpp"
#include "gradient_pack.hpp"

namespace nnconv {

template <class T>
class GradientByLanes {
 public:
  // What one thread keeps from job to job.
  struct Workspace {
    Buffer lane_sums;
    std::vector<Segment> segments;
  };

  GradientByLanes(const GradientShape& shape, const KernelTable<T>& table)
      : shape_(shape), order_(shape.order), vector_(table.vector) {
    for (int width = 1; width <= max_tile_columns; ++width) {
      kernels_[width] = table.find(TileKind::lanes, shape.mv, width);
      if (kernels_[width] != nullptr) widest_ = width;
    }
  }

  // The pieces of a block of steps, for all columns alike.
  void list_steps(const GradientChunk& chunk, const Range& some, Workspace& w) const {
    w.segments.clear();
    for (const LinePiece& piece : chunk.pieces) {
      const int64_t from = std::max(some.first, piece.step);
      const int64_t end = std::min(some.end(), piece.step + piece.steps);
      if (from < end)
        w.segments.push_back({piece.at / shape_.line_pixels + from - piece.step,
                              from - chunk.steps.first, static_cast<int32_t>(end - from), -1});
    }
    w.segments.back().merges = 0;
  }

  // The sums of a slice's columns over the steps that are listed, at their places among those of
  // the block.
  void add(const std::vector<WeightColumn>& all_columns, const ColumnSlice& slice,
           const GradientOperands<T>& packed, T* sums, Workspace& w) const {
    const WeightBlock& block = slice.block;
    const int64_t columns = slice.columns.count, units = shape_.units_of(block);
    const int64_t pitch = shape_.row_pitch(packed.window),
                  n_columns = static_cast<int64_t>(all_columns.size());
    const int64_t step = shape_.constant_input() ? 0
                         : order_.by_pixel       ? order_.lanes
                                                 : shape_.height;
    T* const lane_sums =
        w.lane_sums.template get<T>(units * columns * shape_.height + vector_ * max_tile_vectors);
    const std::vector<Range> tiles = cut_evenly({0, columns}, quotient_up(columns, widest_));
    for (int64_t row = 0; row < block.rows.count; ++row) {
      for (int64_t unit = 0; unit < units; ++unit) {
        const T* const panel = packed.panels + (row * units + unit) * shape_.unit_pitch();
        for (const Range& some : tiles) {
          const T* at[max_tile_columns];
          for (int64_t j = 0; j < some.count; ++j) {
            const WeightColumn& column = all_columns[slice.columns.first + some.first + j];
            const int64_t col = column.col - block.cols.first;
            at[j] = shape_.constant_input() ? packed.input
                    : order_.by_pixel
                        ? packed.input + col * pitch + column.at + unit * shape_.height
                        : packed.input + (col * units + unit) * pitch + column.at * shape_.height;
          }
          kernels_[some.count]->sum(at, step, panel, w.segments.data(),
                                    static_cast<int64_t>(w.segments.size()),
                                    lane_sums + (unit * columns + some.first) * shape_.height);
        }
      }
      join_lanes(lane_sums, columns, block.groups.count,
                 sums + (row * n_columns + slice.columns.first) * block.groups.count);
    }
  }

 private:
  // From [unit, column, lane of the unit] to [column, group].
  void join_lanes(const T* lane_sums, int64_t columns, int64_t groups, T* sums) const {
    const int64_t all = order_.lanes, height = shape_.height;
    T lanes[GradientShape::lanes_of_order];
    for (int64_t column = 0; column < columns; ++column) {
      const T* unit = lane_sums + column * height;
      int64_t in_unit = 0;
      for (int64_t group = 0; group < groups; ++group) {
        // Those of a group may stand in several units.
        for (int64_t done = 0, part; done < all; done += part) {
          part = std::min(all - done, height - in_unit);
          std::copy(unit + in_unit, unit + in_unit + part, lanes + done);
          in_unit += part;
          if (in_unit < height) continue;
          in_unit = 0;
          unit += columns * height;
        }
        *sums++ = all == GradientShape::lanes_of_order ? joined(lanes) : joined(lanes, all);
      }
    }
  }

  static T joined(const T (&x)[GradientShape::lanes_of_order]) {
    T y[8];
    for (int i = 0; i < 8; ++i) y[i] = x[i] + x[i + 8];
    for (int i = 0; i < 4; ++i) y[i] += y[i + 4];
    return (y[0] + y[2]) + (y[1] + y[3]);
  }

  static T joined(T* lanes, int64_t count) {
    for (int64_t apart = GradientShape::lanes_of_order / 2; apart > 0; apart /= 2)
      for (int64_t lane = 0; lane < apart && lane + apart < count; ++lane)
        lanes[lane] += lanes[lane + apart];
    return lanes[0];
  }

  const GradientShape& shape_;
  const GradientOrder& order_;
  const int vector_;
  const TileKernel<T>* kernels_[max_tile_columns + 1] = {};  // by width
  int64_t widest_ = 1;
};

}  // namespace nnconv
