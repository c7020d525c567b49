// What the loop nests of forward and gradient of the input share: every result position gathers
// what its axis map lists.
#pragma once
#include <algorithm>
#include <cmath>
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

  // The positions that read nothing, which are in no class: a repair leaves what is finite.
  void fill_where_nothing_is_read(bool repairs) const {
    if (maps_[0].gaps.empty() && maps_[1].gaps.empty() && maps_[2].gaps.empty()) return;
    const auto is_gap = [&](int axis, int64_t u) {
      return !maps_[axis].gaps.empty() && maps_[axis].gaps[u] != 0;
    };
    constexpr int64_t together = 1024;
    const int64_t pixels = c_.out_pixels();
    const double work = static_cast<double>(pixels * c_.rows) * (c_.cols * c_.groups);
    parallel_for(context_, (pixels + together - 1) / together, work, [&](int64_t chunk, Worker&) {
      const int64_t end = std::min(pixels, (chunk + 1) * together);
      for (int64_t pixel = chunk * together; pixel < end; ++pixel) {
        const int64_t line = pixel / c_.out_extents[0];
        if (is_gap(0, pixel % c_.out_extents[0]) || is_gap(1, line % c_.out_extents[1]) ||
            is_gap(2, line / c_.out_extents[1]))
          fill_pixel(pixel, repairs);
      }
    });
  }

  void fill_pixel(int64_t pixel, bool repairs) const {
    for (int64_t channel = 0; channel < c_.groups * c_.cols; ++channel) {
      double* const out = c_.out + pixel * c_.out_pixel + channel / c_.cols * c_.out_group +
                          channel % c_.cols * c_.out_col;
      for (int64_t row = 0; row < c_.rows; ++row)
        if (!repairs || !std::isfinite(out[row])) out[row] = T(0) + bias_of<T>(c_, channel, row);
    }
  }

  // A, where it is read in place: the array itself, or its copy in single precision.
  void place_operand() {
    if constexpr (sizeof(T) == sizeof(double)) {
      in_place_ = c_.a.array.data;
    } else {
      const Operand& a = c_.a;
      const int64_t last = a.pixel_number(a.extents[0] - 1, a.extents[1] - 1, a.extents[2] - 1);
      const int64_t size =
          (last * a.pixel + (c_.groups - 1) * a.group + (c_.terms - 1) * a.term) * a.width() +
          c_.rows;
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
