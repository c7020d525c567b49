// What the loop nests of forward and gradient of the input share: every result position gathers
// what its axis map lists.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "../filter_shape.hpp"
#include "../scratch.hpp"
#include "algo.hpp"
#include "gather_terms.hpp"
#include "jobs.hpp"
#include "window.hpp"

namespace nnconv {

// What boxes of a class read, and where: in A itself, or in the window of the box at hand.
template <class T>
struct Reading {
  const AxisClass* of[max_spatial] = {};  // whose lists these are
  int64_t most[max_spatial] = {};         // positions of a box, for a window
  AxisEntries lists[max_spatial];
  WindowAxis window[max_spatial];
  Operand a;                // strides and extents of what is read
  Box box;                  // with its bases there
  const T* data = nullptr;  // from element `first` of its first pixel on
  int64_t first = 0;
  Buffer buffer;
};

template <class T>
class Gather {
 protected:
  Gather(const Contraction& c, MapSide side, const Plan& plan, const Context& context)
      : c_(c),
        side_(side),
        tiling_(plan.tiling),
        context_(context),
        streams_(plan.streams),
        taps_(c.b.extents[0] * c.b.extents[1] * c.b.extents[2]),
        packing_(plan.isa->table<T>().packing),
        maps_{axis_map(c.axes[0], side, context), axis_map(c.axes[1], side, context),
              axis_map(c.axes[2], side, context)} {
    while (chunk_terms_ * 2 * tiling_.height() * static_cast<int64_t>(sizeof(T)) <= chunk_bytes)
      chunk_terms_ *= 2;
  }

  template <class Visit>
  void for_each_class(const Visit& visit) const {
    for (const AxisClass& k : maps_[2].classes)
      for (const AxisClass& j : maps_[1].classes)
        for (const AxisClass& i : maps_[0].classes) visit(PositionClass{{&i, &j, &k}});
  }

  void list_axis(int i, const AxisClass& positions, AxisEntries& entries) const {
    if (!padded_) return list_entries_of(c_.axes[i], side_, positions, entries);
    entries.clear();
    for (int64_t tap = 0; tap < c_.axes[i].kernel; ++tap)
      entries.push_back({tap, tap, padded_axes_[i].distance(tap)});
  }

  // Elements of what a box reads, `content` of each pixel, and the pieces that stand side by side.
  struct Reads {
    double elements, pieces;
  };

  Reads reads_of(const PositionClass& positions, const Boxes& boxes, int64_t content) const {
    Reads reads{static_cast<double>(content * c_.a.width()), 1};
    AxisEntries entries;
    WindowAxis axis;
    for (int i = 0; i < max_spatial; ++i) {
      const int64_t box = boxes.largest(positions, i);
      if (box > 1) {
        list_axis(i, *positions.axes[i], entries);
        axis.set(*positions.axes[i], box, entries);
      }
      const auto extent = static_cast<double>(box > 1 ? axis.extent() : positions.axes[i]->entries);
      reads.elements *= extent;
      if (i > 0 || content < c_.a.pixel) reads.pieces *= extent;
    }
    return reads;
  }

  // Halves boxes, along the axis where that costs the least, to `most` positions and to what
  // stays in a cache; but not below `least` positions. Lines are cut in grains.
  Boxes boxes_of(const PositionClass& positions, int64_t content, double most, int64_t least,
                 int64_t grain) const {
    const auto fits = [](double elements) { return elements * sizeof(T) <= box_bytes; };
    const auto cost = [&](const Boxes& boxes) {
      const Reads reads = reads_of(positions, boxes, content);
      return static_cast<double>(boxes.count()) * (reads.elements + piece_cost * reads.pieces);
    };
    Boxes boxes;
    boxes.grain = grain;
    for (;;) {
      const int64_t size = boxes.largest(positions);
      if (size < 2 * least) return boxes;
      const double bound = static_cast<double>(size * content * c_.a.width()) * positions.entries();
      if (static_cast<double>(size) <= most &&
          (fits(bound) || fits(reads_of(positions, boxes, content).elements)))
        return boxes;
      Boxes best = boxes;
      double lowest = 0;
      for (int i = 0; i < max_spatial; ++i) {
        Boxes halved = boxes;
        halved.parts[i] = std::min(2 * boxes.parts[i], boxes.grains(positions, i));
        if (halved.parts[i] == boxes.parts[i]) continue;
        const double here = cost(halved);
        if (lowest > 0 && here >= lowest) continue;
        best = halved;
        lowest = here;
      }
      if (lowest == 0) return boxes;
      boxes = best;
    }
  }

  // Lists the classes of positions and cuts them by cut(class). Where A is large and windows are
  // wanted, boxes read windows of it, of `content` elements of a pixel, unless too much would be
  // packed again and again. Each box is packed for `parts` ranges of units at most.
  template <class Cut>
  void place_boxes(double most_packed, int64_t content, int64_t parts, const Cut& cut) {
    const double size = static_cast<double>(c_.a.extents[0] * c_.a.extents[1] * c_.a.extents[2]) *
                        static_cast<double>(content * c_.a.width());
    windows_ = most_packed > 0 && size * sizeof(T) >= small_bytes;
    padded_ = windows_ && pads_well();
    list_classes();
    if (!windows_) return;
    for (const PositionClass& one : classes_) boxes_.push_back(cut(one));
    double packed = 0, largest = 0, all_boxes = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const double elements = reads_of(classes_[i], boxes_[i], content).elements;
      packed += elements * static_cast<double>(boxes_[i].count());
      all_boxes += static_cast<double>(boxes_[i].count());
      largest = std::max(largest, elements);
    }
    parts_ = std::max(1.0, std::min(static_cast<double>(parts), Jobs::wanted_jobs / all_boxes));
    // Pixels that are a power of two apart would share sets of a cache.
    constexpr int64_t line = 64 / sizeof(T);
    window_pixel_ = content;
    if (content % (8 * line) == 0) window_pixel_ += (line - 1) / c_.a.term * c_.a.term + c_.a.term;
    if (packed * parts_ <= most_packed * size && largest * sizeof(T) <= largest_window &&
        (!padded_ || !reads_padding_ || weights_are_finite()))
      return;
    windows_ = padded_ = false;
    list_classes();
  }

  void list_classes() {
    classes_.clear();
    if (padded_)
      classes_.push_back({{&padded_classes_[0], &padded_classes_[1], &padded_classes_[2]}});
    else
      for_each_class([&](const PositionClass& one) { classes_.push_back(one); });
  }

  // Whether all positions can be one class, which reads padding too: as zeros, which add nothing to
  // a sum while the weights are finite.
  bool pads_well() {
    double there = 1, padded = 1;
    reads_padding_ = false;
    for (int i = 0; i < max_spatial; ++i) {
      const Axis& axis = c_.axes[i];
      if (!is_output_map(axis, side_)) return false;
      padded_axes_[i] = filter_axis(axis, side_);
      const Axis& read = padded_axes_[i].axis;
      padded_classes_[i] = {0, 1, read.out, -read.pad_lo, read.stride, read.kernel, read.kernel};
      double entries = 0;
      for (const AxisClass& one : maps_[i].classes)
        entries += static_cast<double>(one.count) * one.entries;
      there *= entries;
      padded *= static_cast<double>(read.out) * read.kernel;
      reads_padding_ = reads_padding_ || entries < static_cast<double>(read.out) * read.kernel;
    }
    return padded <= most_padding * there;
  }

  bool weights_are_finite() const {
    const double* const data = c_.b.array.data;
    const int64_t size = c_.b.pixel * c_.b.width() * taps_;
    std::atomic<bool> finite{true};
    parallel_ranges(context_, size, [&](int64_t i, int64_t end) {
      bool all = true;
      for (; i < end; ++i) all &= std::isfinite(static_cast<T>(data[i]));
      if (!all) finite = false;
    });
    return finite;
  }

  // How many of so many units a job has: what it packs is to be shared.
  Jobs::Limits units_of_job(int64_t units) const {
    return {windows_ ? std::max<int64_t>(1, static_cast<int64_t>(units / parts_)) : 1, units};
  }

  // Lists what a class, or a box of it, reads.
  void read_class(std::size_t number, Reading<T>& r) const {
    const PositionClass& positions = classes_[number];
    r.a = c_.a;
    r.data = in_place_;
    if (windows_) r.a.pixel = window_pixel_;
    for (int i = 0; i < max_spatial; ++i) {
      const int64_t most = windows_ ? boxes_[number].largest(positions, i) : 0;
      if (r.of[i] != positions.axes[i] || r.most[i] != most) {
        list_axis(i, *positions.axes[i], r.lists[i]);
        if (windows_) r.window[i].set(*positions.axes[i], most, r.lists[i]);
        r.of[i] = positions.axes[i];
        r.most[i] = most;
      }
      if (windows_) r.a.extents[i] = r.window[i].extent();
    }
  }

  // Packs the window of a box of that class, of which the given elements of each pixel are read.
  void read_box(std::size_t number, int64_t box, Range content, Reading<T>& r) const {
    r.box = boxes_[number].box(classes_[number], box);
    const int64_t line = r.a.extents[0] * r.a.pixel * r.a.width();
    T* const window = r.buffer.template get<T>(line * r.a.extents[1] * r.a.extents[2]);
    r.data = window;
    r.first = content.first;
    for_each_place(r, 2, [&](int64_t z, int64_t z_at) {
      for_each_place(r, 1, [&](int64_t y, int64_t y_at) {
        T* const to = window + (y_at + r.a.extents[1] * z_at) * line;
        if (y < 0 || z < 0) return std::fill(to, to + line, T(0));
        const int64_t from = c_.a.pixel_number(0, y, z) * c_.a.pixel + content.first;
        r.window[0].for_each_part([&](const WindowAxis::Run& part) {
          pack_run(c_.a.array.data + from * c_.a.width(), part, content.count * c_.a.width(), r,
                   to);
        });
      });
    });
    for (AxisClass& axis : r.box.axes) axis.base = 0, axis.base_step = 1;
  }

  // For each slot of a class in the written order: the index of its first term, the tap, and the
  // pixel that is read, relative to a position's base.
  template <class Visit>
  void for_each_slot(const PositionClass& positions, const Reading<T>& r,
                     const Visit& visit) const {
    const auto& axes = positions.axes;
    for (const AxisEntry& k : r.lists[2])
      for (const AxisEntry& j : r.lists[1])
        for (const AxisEntry& i : r.lists[0]) {
          const int64_t slot = i.slot + axes[0]->slots * (j.slot + axes[1]->slots * k.slot);
          visit(slot * c_.terms, c_.b.pixel_number(i.tap, j.tap, k.tap),
                r.a.pixel_number(i.position, j.position, k.position));
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
    if (windows_) return;
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
  const bool streams_;
  const int64_t taps_;
  int64_t chunk_terms_ = block_terms;
  const T* in_place_ = nullptr;  // A, as far as it is read where it stands
  T* slab_ = nullptr;            // packed B of slab_units_
  Range slab_units_{0, 0};
  std::vector<PositionClass> classes_;
  std::vector<Boxes> boxes_;  // of each class
  bool windows_ = false;      // boxes read windows of A

 private:
  static constexpr double box_bytes = 384 << 10;    // what a box reads
  static constexpr double small_bytes = 128 << 10;  // of an A that is rounded as a whole
  static constexpr double piece_cost = 512;         // elements that a jump takes as long as
  static constexpr double largest_window = 4 << 20;
  static constexpr double most_packed = 4;      // how often a number is packed, on average
  static constexpr double most_padding = 1.25;  // terms, where those of padding are added too

  // The position that is read where a window has position `at`, or -1: there are zeros. A box that
  // is smaller than others has places that nobody reads.
  int64_t source(int axis, int64_t at) const {
    if (!padded_) return at < c_.a.extents[axis] ? at : -1;
    const FilterAxis& padded = padded_axes_[axis];
    return at < padded.reads(padded.axis.out) - padded.axis.pad_lo ? padded.axis.inside(at) : -1;
  }

  // Calls visit(position or -1, place) for what a box reads along an axis.
  template <class Visit>
  void for_each_place(const Reading<T>& r, int axis, const Visit& visit) const {
    for (const WindowAxis::Run& run : r.window[axis].runs())
      for (int64_t i = 0; i < run.count; ++i)
        visit(source(axis, r.box.axes[axis].base + run.first + i * r.window[axis].step()),
              run.at + i);
  }

  // A run of pixels of a line: those of A itself, and the border before and after them.
  void pack_run(const double* line, const WindowAxis::Run& run, int64_t content,
                const Reading<T>& r, T* to) const {
    const int64_t pixel = c_.a.pixel * c_.a.width(), to_pixel = r.a.pixel * r.a.width();
    const int64_t step = r.window[0].step(), first = r.box.axes[0].base + run.first;
    to += run.at * to_pixel;
    const auto place_from = [&](int64_t position) {
      return std::min(run.count, position <= first ? 0 : (position - first + step - 1) / step);
    };
    const auto pack_border = [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        const int64_t x = source(0, first + i * step);
        if (x < 0)
          std::fill(to + i * to_pixel, to + i * to_pixel + content, T(0));
        else
          packing_.copy_lines(line + x * pixel, 0, 1, content, to + i * to_pixel, 0);
      }
    };
    const int64_t begin = place_from(0), end = place_from(c_.a.extents[0]);
    pack_border(0, begin);
    const double* const from = line + (first + begin * step) * pixel;
    if (content == to_pixel && content == step * pixel)
      packing_.copy_lines(from, 0, 1, (end - begin) * content, to + begin * to_pixel, 0);
    else
      packing_.copy_lines(from, step * pixel, end - begin, content, to + begin * to_pixel,
                          to_pixel);
    pack_border(end, run.count);
  }

  static constexpr int64_t chunk_bytes = 1 << 20;  // what is packed of one tile and one chunk

  static constexpr double packing = 32;  // operations that an element costs

  const PackKernels<T>& packing_;
  const AxisMap maps_[max_spatial];
  FilterAxis padded_axes_[max_spatial];
  AxisClass padded_classes_[max_spatial];
  bool padded_ = false;         // all positions are one class, which reads padding too
  bool reads_padding_ = false;  // and there is any
  double parts_ = 1;
  int64_t window_pixel_ = 0;  // from pixel to pixel of a window
  Buffer copy_buffer_, slab_buffer_;
};

}  // namespace nnconv
