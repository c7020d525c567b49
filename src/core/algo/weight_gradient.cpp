// Gradient of the weight: for every tap, a sum of outer products over output pixels and samples, in
// the order that GradientOrder says.
//
//   for each job = (groups, output channels, input channels, taps, part of the chunks)   [threads]
//     for each chunk
//       pack grad_output: panels of vectors
//       pack the window of the input that the taps read, in which terms follow each other
//       for each panel, for each tile of columns = (tap, input channel): kernel
//       add the sums to the stack of the job
//     leave the sums of the part
//   join the sums of the parts                                                           [threads]
//
// Vectors are of one of two kinds, with the same bits: output channels (gradient_channels.hpp), or
// lanes of the order (gradient_lanes.hpp).
//
// What padding leaves out is packed as zeros: right as long as all numbers are finite, and then so
// is the result. Where it is not, all is done again, by channels and without what is left out.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../scratch.hpp"
#include "algo.hpp"
#include "gradient_channels.hpp"
#include "gradient_lanes.hpp"
#include "gradient_pack.hpp"
#include "gradient_shape.hpp"

namespace nnconv {

namespace {

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Contraction& c, const Plan& plan, const Context& context, bool exact)
      : c_(c),
        context_(context),
        table_(plan.isa->table<T>()),
        shape_(c, plan, table_.vector, sizeof(T), exact),
        packing_(shape_, table_),
        by_channels_(shape_, packing_, table_),
        by_lanes_(shape_, table_) {}

  void run() {
    if (shape_.order.steps() == 0) {
      std::fill(c_.out, c_.out + shape_.outputs, 0.0);
      return;
    }
    const std::vector<GradientJob> jobs = shape_.cut_jobs();
    const int64_t parts = shape_.parts();
    if (parts > 1) partial_ = partial_buffer_.template get<T>(parts * shape_.outputs);
    parallel_for(context_, static_cast<int64_t>(jobs.size()), shape_.work(),
                 [&](int64_t job, Worker& worker) { run_job(jobs[job], worker); });
    if (parts > 1)
      parallel_ranges(context_, shape_.outputs,
                      [&](int64_t begin, int64_t end) { join_parts(begin, end); });
  }

  // Whether zeros stood for what is not there, next to a number that is not finite.
  bool must_be_exact() const {
    if (shape_.exact || shape_.constant_input() || !shape_.packs_zeros()) return false;
    return !std::all_of(c_.out, c_.out + shape_.outputs, [](double x) { return std::isfinite(x); });
  }

 private:
  // What one thread keeps from job to job.
  struct Workspace {
    Buffer panels, window, sums;
    GradientChunk chunk;
    std::vector<WeightColumn> columns;
    typename GradientByChannels<T>::Workspace by_channels;
    typename GradientByLanes<T>::Workspace by_lanes;
  };

  void run_job(const GradientJob& job, Worker& worker) {
    Workspace& w = worker.local<Workspace>();
    const WeightBlock& block = job.block;
    const Window window = shape_.window_of(block);
    const std::vector<ColumnSlice> slices = list_columns(shape_, block, window, w.columns);
    const int64_t window_size = shape_.window_numbers(block, slices.back().block.cols.count);
    const GradientOperands<T> packed = {shape_.window_of(block),
                                        w.panels.template get<T>(shape_.panel_numbers(block)),
                                        w.window.template get<T>(window_size)};
    packing_.clear_padding(block, packed, window_size);
    if (shape_.constant_input())
      std::fill(packed.input, packed.input + window_size, static_cast<T>(c_.b.array.data[0]));
    const int64_t size = shape_.sums_of(block);
    T* const sums = w.sums.template get<T>(size * shape_.stack_depth());
    SumTree tree;
    // Where the sums with the next number go.
    const auto next_sums = [&](int64_t number) {
      const int depth = tree.depth(), joins = tree.joins_before(number);
      join_top(sums, size, depth, joins);
      tree.push(number);
      return sums + (depth - joins) * size;
    };
    const int64_t end = std::min(shape_.chunks(), (job.part + 1) * shape_.part_chunks());
    for (int64_t chunk = job.part * shape_.part_chunks(); chunk < end; ++chunk) {
      w.chunk.list(shape_, chunk, packed.window);
      packing_.pack_panels(block, w.chunk, packed.panels);
      w.by_channels.forget();
      // Lanes are joined block by block.
      const Range& steps = w.chunk.steps;
      const int64_t together = shape_.by_lanes ? shape_.block_steps : shape_.chunk_steps();
      for (int64_t step = steps.first; step < steps.end(); step += together) {
        T* const to = next_sums(step / together);
        if (shape_.by_lanes)
          by_lanes_.list_steps(w.chunk, {step, std::min(together, steps.end() - step)}, w.by_lanes);
        for (const ColumnSlice& slice : slices) {
          if (!shape_.constant_input() && (slices.size() > 1 || step == steps.first))
            packing_.pack_window(slice.block, w.chunk, packed);
          if (shape_.by_lanes)
            by_lanes_.add(w.columns, slice, packed, to, w.by_lanes);
          else
            by_channels_.add(w.chunk, w.columns, slice, packed, to, w.by_channels, worker);
          if (worker.stopped()) return;
        }
      }
    }
    const int depth = tree.depth();
    join_top(sums, size, depth, tree.joins_at_end());
    leave_sums(job, w.columns, sums);
  }

  // The sums of a job are the result, or wait for those of the other parts.
  void leave_sums(const GradientJob& job, const std::vector<WeightColumn>& columns, const T* sums) {
    const WeightBlock& block = job.block;
    const int64_t n_columns = static_cast<int64_t>(columns.size()),
                  rows = shape_.padded_rows(block);
    for (int64_t number = 0; number < n_columns; ++number) {
      const WeightColumn& column = columns[number];
      const int64_t out =
          c_.out_number(column.tap[0], column.tap[1], column.tap[2]) * c_.out_pixel +
          column.col * c_.out_col;
      for (int64_t g = 0; g < block.groups.count; ++g)
        for (int64_t r = 0; r < block.rows.count; ++r) {
          const T sum = shape_.by_lanes ? sums[(r * n_columns + number) * block.groups.count + g]
                                        : sums[number * rows + r];
          const int64_t at = out + (block.groups.first + g) * c_.out_group + block.rows.first + r;
          if (partial_ == nullptr)
            c_.out[at] = static_cast<double>(sum + T(0));
          else
            partial_[job.part * shape_.outputs + at] = sum;
        }
    }
  }

  void join_parts(int64_t begin, int64_t end) const {
    SumTree tree;
    std::vector<T*> stack;
    const auto join = [&](int joins) {
      for (; joins > 0; --joins) {
        const T* const right = stack.back();
        stack.pop_back();
        for (int64_t i = begin; i < end; ++i) stack.back()[i] += right[i];
      }
    };
    for (int64_t part = 0; part < shape_.parts(); ++part) {
      join(tree.joins_before(part));
      tree.push(part);
      stack.push_back(partial_ + part * shape_.outputs);
    }
    join(tree.joins_at_end());
    for (int64_t i = begin; i < end; ++i) c_.out[i] = static_cast<double>(stack[0][i] + T(0));
  }

  const Contraction& c_;
  const Context& context_;
  const KernelTable<T>& table_;
  GradientShape shape_;
  const GradientPacking<T> packing_;
  const GradientByChannels<T> by_channels_;
  const GradientByLanes<T> by_lanes_;
  T* partial_ = nullptr;  // sums of all parts, where there are several
  Buffer partial_buffer_;
};

template <class T>
void compute(const Contraction& c, const Plan& plan, const Context& context) {
  WeightGradient<T> gradient(c, plan, context, false);
  gradient.run();
  if (gradient.must_be_exact()) WeightGradient<T>(c, plan, context, true).run();
}

}  // namespace

void weight_gradient(const Contraction& c, bool single, const Plan& plan, const Context& context) {
  if (single)
    compute<float>(c, plan, context);
  else
    compute<double>(c, plan, context);
}

}  // namespace nnconv
