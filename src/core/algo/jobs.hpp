// How the work of a gathered result is cut into jobs, by the problem alone.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tiles.hpp"

namespace nnconv {

// A part of a class of positions, in tiles, times a part of the units (panels of all groups).
struct Job {
  int64_t position_class;
  Range tiles, units;
};

// The jobs of a class are a grid of ranges of tiles by ranges of units, which all classes share.
class Jobs {
 public:
  // What is walked in the inner loop over jobs: what one job leaves in a cache the next finds.
  enum class Inner { units, tiles };

  struct Limits {
    int64_t least, most;
  };

  // Tiles of a class, and the operations of one of them and one unit.
  struct ClassWork {
    int64_t tiles;
    double work;
  };

  // Cuts into jobs that are worth a thread's while and short enough for a poll between them:
  // tiles first, then units; with units of at least and at most so many.
  Jobs(const std::vector<ClassWork>& classes, Range units, Limits job_units, Inner inner)
      : units_(units), inner_(inner) {
    double largest = 0;
    for (const ClassWork& one : classes) {
      work_ += one.work * static_cast<double>(one.tiles) * static_cast<double>(units.count);
      largest = std::max(largest, one.work);
    }
    const double target = job_work(work_);
    job_units_ = std::max(job_units.least,
                          std::min({units.count, job_units.most, how_many(target, largest)}));
    unit_parts_ = parts(units.count, job_units_);
    grids_.reserve(classes.size());
    for (const ClassWork& one : classes) {
      const int64_t job_tiles = how_many(target, one.work * static_cast<double>(job_units_));
      grids_.push_back({tile_parts_, one.tiles, job_tiles});
      tile_parts_ += parts(one.tiles, job_tiles);
    }
  }

  static constexpr double wanted_jobs = 64;

  // Of a job, where all of them are so many operations.
  static double job_work(double all) {
    return std::min(max_job, std::max(min_job, all / wanted_jobs));
  }

  double work() const { return work_; }
  int64_t count() const { return tile_parts_ * unit_parts_; }

  Job operator[](int64_t number) const {
    const bool units_inside = inner_ == Inner::units;
    const int64_t u = units_inside ? number % unit_parts_ : number / tile_parts_;
    const int64_t t = units_inside ? number / unit_parts_ : number % tile_parts_;
    const auto after = std::upper_bound(grids_.begin(), grids_.end(), t,
                                        [](int64_t part, const Grid& g) { return part < g.first; });
    const Grid& grid = *(after - 1);
    return {after - 1 - grids_.begin(), part_of({0, grid.tiles}, t - grid.first, grid.job_tiles),
            part_of(units_, u, job_units_)};
  }

 private:
  static constexpr double min_job = 2.5e5, max_job = 1.6e7;  // operations

  struct Grid {
    int64_t first;  // part of the tiles of all classes
    int64_t tiles, job_tiles;
  };

  // Of those that are so many operations each. Positions that no tap reaches are in no class: where
  // there are no others, there is no work.
  static int64_t how_many(double target, double one) {
    return std::max<int64_t>(1, static_cast<int64_t>(target / std::max(1.0, one)));
  }
  static int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }
  static Range part_of(Range whole, int64_t number, int64_t size) {
    return {whole.first + number * size, std::min(size, whole.count - number * size)};
  }

  const Range units_;
  const Inner inner_;
  double work_ = 0;
  int64_t job_units_ = 1, unit_parts_ = 1, tile_parts_ = 0;
  std::vector<Grid> grids_;
};

}  // namespace nnconv
