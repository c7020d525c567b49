#include "problem.hpp"

#include <algorithm>

namespace nnconv {

namespace {

std::string along(const Geometry& geometry, int i) {
  return geometry.ndim == 1 ? "" : " along spatial dimension " + std::to_string(i + 1);
}

// What the user may have meant by an array with other channels.
std::string channels_fix(const Geometry& geometry, const Extents& input, int64_t channels) {
  const bool batched = input.size() == static_cast<std::size_t>(geometry.ndim) + 2;
  if (input.back() == channels) {
    static const char* const spatial[] = {"L", "HW", "DHW"};
    return std::string("If its last dimension is the channels: `to_nchw(input, \"") +
           (batched ? "N" : "") + spatial[geometry.ndim - 1] + "C\")`.";
  }
  if (!batched && channels == 1) {
    Extents dim = input;
    dim.insert(dim.begin() + 1, 1);
    return "If its first dimension is the samples: `array(input, c" + show(dim) + ")`.";
  }
  return "";
}

}  // namespace

Spatial spatial_of(const Extents& extents, int ndim) {
  Spatial spatial{1, 1, 1};
  std::copy(extents.end() - ndim, extents.end(), spatial.begin());
  return spatial;
}

std::string show(const Extents& extents) {
  std::string text = "(";
  for (std::size_t i = 0; i < extents.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(extents[i]);
  return text + ")";
}

int64_t conv_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t pad_lo, int64_t pad_hi) {
  const int64_t room = in + pad_lo + pad_hi - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

int64_t conv_transpose_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                                   int64_t pad_lo, int64_t pad_hi, int64_t output_padding) {
  return (in - 1) * stride - pad_lo - pad_hi + dilation * (kernel - 1) + output_padding + 1;
}

Spatial output_size(const Geometry& geometry, const Spatial& input, const char* argument) {
  const Geometry& g = geometry;
  Spatial size{1, 1, 1};
  for (int i = 0; i < g.ndim; ++i) {
    size[i] = g.transposed
                  ? conv_transpose_output_size(input[i], g.kernel[i], g.stride[i], g.dilation[i],
                                               g.pad_lo[i], g.pad_hi[i], g.output_padding[i])
                  : conv_output_size(input[i], g.kernel[i], g.stride[i], g.dilation[i], g.pad_lo[i],
                                     g.pad_hi[i]);
    if (size[i] > max_extent)
      throw Fault(FaultKind::shape, argument,
                  "small enough for an output of at most 2147483647 positions" + along(g, i),
                  std::to_string(input[i]) + ", which gives " + std::to_string(size[i]));
    if (size[i] >= 1) continue;
    if (g.transposed)
      throw Fault(FaultKind::shape, argument,
                  "large enough for an output of at least 1 position" + along(g, i) +
                      " after `padding` is cut off",
                  std::to_string(input[i]) + ", which gives " + std::to_string(size[i]));
    throw Fault(FaultKind::shape, argument,
                "at least as large as the kernel once padded" + along(g, i) + ": " +
                    std::to_string(g.dilation[i] * (g.kernel[i] - 1) + 1) + " (a kernel of " +
                    std::to_string(g.kernel[i]) + ", `dilation` " + std::to_string(g.dilation[i]) +
                    ")",
                std::to_string(input[i]) + " + " + std::to_string(g.pad_lo[i] + g.pad_hi[i]) +
                    " of padding");
  }
  return size;
}

Spatial output_padding_for(const Geometry& geometry, const Spatial& input, const Spatial& wanted,
                           const char* argument, FaultKind kind) {
  const Geometry& g = geometry;
  Spatial extra{0, 0, 0};
  for (int i = 0; i < g.ndim; ++i) {
    const int64_t least = conv_transpose_output_size(input[i], g.kernel[i], g.stride[i],
                                                     g.dilation[i], g.pad_lo[i], g.pad_hi[i], 0);
    // PyTorch's range; a layer's own output padding may go beyond it when dilation does.
    const int64_t most = least + std::max(g.stride[i] - 1, g.output_padding[i]);
    extra[i] = wanted[i] - least;
    if (wanted[i] < 1 || wanted[i] < least || wanted[i] > most)
      throw Fault(kind, argument,
                  "from " + std::to_string(std::max<int64_t>(least, 1)) + " to " +
                      std::to_string(most) + along(g, i) + " for this input",
                  std::to_string(wanted[i]));
  }
  return extra;
}

// A transposed weight has the channels of the input first.
Channels channels_of(const Geometry& geometry, const Extents& weight) {
  const int64_t second = weight[1] * geometry.groups;
  return geometry.transposed ? Channels{weight[0], second} : Channels{second, weight[0]};
}

void check_weight(const Geometry& geometry, const Extents& weight) {
  const double channels = static_cast<double>(weight[1]) * geometry.groups;
  if (spatial_of(weight, geometry.ndim) == geometry.kernel && channels <= max_extent &&
      weight[0] % geometry.groups == 0)
    return;
  throw Fault(FaultKind::shape, "weight", "an array that fits the layer's kernel and groups",
              "one of dim " + show(weight));
}

Problem fit(const Geometry& geometry, const Extents& input, const Extents& weight) {
  const Geometry& g = geometry;
  check_weight(g, weight);
  const Channels channels = channels_of(g, weight);
  const std::size_t batched_rank = static_cast<std::size_t>(g.ndim) + 2;
  const int64_t batch = input.size() == batched_rank ? input[0] : 1;
  const int64_t found = input[input.size() - g.ndim - 1];
  if (found != channels.input)
    throw Fault(FaultKind::shape, "input",
                "an array with " + std::to_string(channels.input) +
                    (channels.input == 1 ? " channel" : " channels") + ", as `weight` has",
                "one with " + std::to_string(found) + " (its dim is " + show(input) + ")",
                channels_fix(g, input, channels.input));

  const Spatial from = spatial_of(input, g.ndim);
  const Spatial to = output_size(g, from);

  Problem problem;
  problem.batch = batch;
  problem.groups = g.groups;
  problem.c_in = g.transposed ? channels.output : channels.input;
  problem.c_out = g.transposed ? channels.input : channels.output;
  for (int i = 0; i < max_spatial; ++i) {
    Axis& axis = problem.axes[i];
    axis.in = g.transposed ? to[i] : from[i];
    axis.out = g.transposed ? from[i] : to[i];
    axis.kernel = g.kernel[i];
    axis.stride = g.stride[i];
    axis.dilation = g.dilation[i];
    axis.pad_lo = g.pad_lo[i];
    axis.pad_hi = g.pad_hi[i];
    axis.mode = g.mode;
  }
  check_borders(g, from);
  return problem;
}

void check_borders(const Geometry& geometry, const Spatial& input, const std::string& argument,
                   const std::string& mode) {
  const Geometry& g = geometry;
  if (g.mode != PadMode::reflect && g.mode != PadMode::circular) return;
  const bool reflect = g.mode == PadMode::reflect;
  for (int i = 0; i < g.ndim; ++i) {
    const int64_t pad = std::max(g.pad_lo[i], g.pad_hi[i]);
    if (pad <= input[i] - (reflect ? 1 : 0)) continue;
    throw Fault(FaultKind::shape, "padding",
                std::string(reflect ? "smaller than" : "at most") + " the size of `" + argument +
                    "` (" + std::to_string(input[i]) + along(g, i) + ") where `" + mode +
                    "` is \"" + (reflect ? "reflect" : "circular") + "\"",
                std::to_string(pad), "`" + mode + " = \"replicate\"` has no such limit.");
  }
}

Extents output_extents(const Geometry& geometry, const Problem& problem, std::size_t rank) {
  const bool transposed = geometry.transposed;
  Extents extents;
  extents.reserve(rank);
  if (rank == static_cast<std::size_t>(geometry.ndim) + 2) extents.push_back(problem.batch);
  extents.push_back(transposed ? problem.c_in : problem.c_out);
  for (int i = 0; i < geometry.ndim; ++i)
    extents.push_back(transposed ? problem.axes[i].in : problem.axes[i].out);
  return extents;
}

}  // namespace nnconv
