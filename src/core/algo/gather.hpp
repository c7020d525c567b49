// What the loop nests of forward and gradient of the input share: every result position gathers
// what its axis map lists.
#pragma once
#include <algorithm>
#include <vector>

#include "../scratch.hpp"
#include "algo.hpp"
#include "gather_terms.hpp"
#include "jobs.hpp"
#include "positions.hpp"

namespace nnconv {

// The lists of a class of positions along each axis, which the next class may share.
struct EntryLists {
  const AxisClass* of[max_spatial] = {};
  AxisEntries lists[max_spatial];
};

template <class T>
class Gather {
 protected:
  Gather(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : c_(c),
        side_(side),
        tiling_(plan.tiling),
        context_(context),
        taps_(c.b.extents[0] * c.b.extents[1] * c.b.extents[2]),
        maps_{axis_map(c.axes[0], side, context), axis_map(c.axes[1], side, context),
              axis_map(c.axes[2], side, context)} {
    while (chunk_terms_ * 2 * tiling_.height() * static_cast<int64_t>(sizeof(T)) <= chunk_bytes)
      chunk_terms_ *= 2;
  }

  std::size_t number_of_classes() const {
    return maps_[0].classes.size() * maps_[1].classes.size() * maps_[2].classes.size();
  }

  template <class Visit>
  void for_each_class(const Visit& visit) const {
    for (const AxisClass& k : maps_[2].classes)
      for (const AxisClass& j : maps_[1].classes)
        for (const AxisClass& i : maps_[0].classes) visit(PositionClass{{&i, &j, &k}});
  }

  // For each slot of a class in the written order: the index of its first term, the tap, and the
  // pixel that is read, relative to a position's base.
  template <class Visit>
  void for_each_slot(const PositionClass& positions, EntryLists& entries,
                     const Visit& visit) const {
    const auto& axes = positions.axes;
    for (int i = 0; i < max_spatial; ++i) {
      if (entries.of[i] == axes[i]) continue;
      list_entries_of(c_.axes[i], side_, *axes[i], entries.lists[i]);
      entries.of[i] = axes[i];
    }
    for (const AxisEntry& k : entries.lists[2])
      for (const AxisEntry& j : entries.lists[1])
        for (const AxisEntry& i : entries.lists[0]) {
          const int64_t slot = i.slot + axes[0]->slots * (j.slot + axes[1]->slots * k.slot);
          visit(slot * c_.terms, c_.b.pixel_number(i.tap, j.tap, k.tap),
                c_.a.pixel_number(i.position, j.position, k.position));
        }
  }

  // For the positions that read nothing, which are in no class.
  void fill_where_nothing_is_read() const {
    if (maps_[0].complete && maps_[1].complete && maps_[2].complete) return;
    const int64_t channels = c_.groups * c_.cols;
    parallel_ranges(context_, c_.rows * channels * c_.out_pixels(), [&](int64_t i, int64_t end) {
      while (i < end) {
        const int64_t column = i / c_.rows;
        const double bias[] = {T(0) + bias_of<T>(c_, column % channels, 0),
                               T(0) + bias_of<T>(c_, column % channels, 1)};
        for (const int64_t stop = std::min(end, (column + 1) * c_.rows); i < stop; ++i)
          c_.out[i] = bias[(i - column * c_.rows) % 2];
      }
    });
  }

  // A, where it is read in place: the array itself, or its copy in single precision.
  void place_operand() {
    if constexpr (sizeof(T) == sizeof(double)) {
      in_place_ = c_.a.array.data;
    } else {
      const int64_t size =
          c_.a.pixel * c_.a.width() * c_.a.extents[0] * c_.a.extents[1] * c_.a.extents[2];
      T* const copy = copy_buffer_.template get<T>(size);
      const double* const data = c_.a.array.data;
      parallel_ranges(context_, size, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) copy[i] = static_cast<T>(data[i]);
      });
      in_place_ = copy;
    }
  }

  // Calls run() for each slab of units, whose packed B is of that many bytes, or one unit.
  template <class Run>
  void for_each_slab(int64_t units, int64_t unit_size, int64_t bytes, const Run& run) {
    const int64_t unit_bytes = unit_size * static_cast<int64_t>(sizeof(T));
    const int64_t most = std::max<int64_t>(1, bytes / unit_bytes);
    for (int64_t first = 0; first < units; first += most) {
      slab_units_ = {first, std::min(most, units - first)};
      slab_ = slab_buffer_.template get<T>(slab_units_.count * unit_size);
      run();
    }
  }

  // Packs the slab by pack(unit, taps), taps in parts small enough for a poll between them.
  template <class Pack>
  void pack_slab(int64_t unit_size, const Pack& pack) {
    const int64_t part_taps = std::max<int64_t>(1, (1 << 20) * taps_ / unit_size);
    const int64_t parts = (taps_ + part_taps - 1) / part_taps;
    const double work = packing * static_cast<double>(slab_units_.count * unit_size);
    parallel_for(context_, slab_units_.count * parts, work, [&](int64_t chunk, Worker&) {
      const int64_t first = chunk % parts * part_taps;
      pack(slab_units_.first + chunk / parts, Range{first, std::min(part_taps, taps_ - first)});
    });
  }

  int64_t tile_size() const { return tiling_.height() * tiling_.nr; }

  const Contraction& c_;
  const MapSide side_;
  const Tiling& tiling_;
  const Context& context_;
  const int64_t taps_;
  int64_t chunk_terms_ = block_terms;
  const T* in_place_ = nullptr;  // A, as far as it is read where it stands
  T* slab_ = nullptr;            // packed B of slab_units_
  Range slab_units_{0, 0};

 private:
  static constexpr int64_t chunk_bytes = 1 << 20;  // what is packed of one tile and one chunk

  static constexpr double packing = 32;  // operations that an element costs

  const AxisMap maps_[max_spatial];
  Buffer copy_buffer_, slab_buffer_;
};

}  // namespace nnconv
