# The receptive field of a stack of layers: numbers, from the geometry of the layers alone.

#' Receptive field of a stack of layers
#'
#' How much of the input an output of several layers, one after the other, depends on.
#'
#' Where no layer is transposed, output `q` of the last layer depends on the `size` positions of
#' the input from `start + (q - 1) * stride` on, in each spatial dimension. A `start` below 1 lies
#' in the padding; what padding repeats by `padding_mode` is not counted as seen. Dilation may leave
#' out positions in between, which [plot_receptive_field()] shows.
#'
#' A transposed layer goes forward by `1 / stride`, so `stride` and `start` may then be fractions.
#' Outputs then differ in what they see: output `q` sees no position before
#' `start + (q - 1) * stride`, but may begin to see later, and `size` is that of the output that
#' sees the most, from its first position to its last. An output may see nothing at all.
#'
#' A pooling layer counts as a convolution of its `kernel_size` and `stride`; layers that work on
#' each value alone, such as activations, change nothing.
#'
#' @param ... Layers, or lists of layers, the first one first. All have as many spatial dimensions.
#' @return A data frame with a row for each spatial dimension and the columns `size`, `stride` and
#'   `start`.
#' @section Errors:
#' `r rd_errors()`
#' @references Araujo, Norris and Sim (2019). Computing receptive fields of convolutional neural
#'   networks. *Distill*. \doi{10.23915/distill.00021}
#' @seealso [plot_receptive_field()], [conv_output_size()], `summary()` of a layer in
#'   [nnconv_module]
#' @examples
#' # Three small kernels see as much as one of 7x7
#' conv3 <- nn_conv2d(1, 1, kernel_size = 3, padding = "same")
#' receptive_field(conv3, conv3, conv3)
#' #>        size stride start
#' #> height    7      1    -2
#' #> width     7      1    -2
#'
#' # Ten causal layers of two taps each, the dilation doubled from one to the next
#' layers <- lapply(2^(0:9), function(dilation) {
#'   nn_conv1d(1, 1, kernel_size = 2, dilation = dilation, padding = "causal")
#' })
#' receptive_field(layers)
#' #>        size stride start
#' #> length 1024      1 -1022
#' @export
receptive_field <- function(...) {
  stack_field(lapply(check_layers(...), module_axes))
}

# All layers in one list, checked.
check_layers <- function(...) {
  layers <- unlist(lapply(list(...), function(x) if (inherits(x, "list")) x else list(x)), FALSE)
  if (length(layers) == 0L) {
    raise_fault("value", "...", "one layer or more", "empty")
  }
  for (layer in layers) {
    check_module(layer, "...")
  }
  ndim <- vapply(layers, function(layer) length(layer$kernel_size), 0L)
  if (any(ndim != ndim[[1L]])) {
    raise_fault(
      "shape", "...", "layers with the same number of spatial dimensions",
      paste("layers with", enumerate(ndim))
    )
  }
  unname(layers)
}

# `stack` is a list of module_axes(), the first layer first.
stack_field <- function(stack) {
  start <- 1
  stride <- 1
  size <- 1
  for (axes in stack) {
    if (axes$transposed[[1L]]) {
      stride <- stride / axes$stride
      start <- start + stride * (axes$before - axes$span + 1)
      size <- size + stride * (axes$span - 1)
    } else {
      start <- start - stride * axes$before
      size <- size + stride * (axes$span - 1)
      stride <- stride * axes$stride
    }
  }
  if (any(is_transposed_axes(stack))) {
    size <- vapply(seq_along(start), function(i) largest_field(axis_stack(stack, i)), 0)
  }
  data.frame(size = size, stride = stride, start = start, row.names = rownames(stack[[1L]]))
}

is_transposed_axes <- function(stack) {
  vapply(stack, function(axes) axes$transposed[[1L]], NA)
}

# The i-th spatial dimension of each layer.
axis_stack <- function(stack, i) {
  lapply(stack, function(axes) axes[i, ])
}

# How far it is from the first to the last position of the output that sees the most. Outputs are
# not traced back one by one, but as patterns: what many of them depend on, each some periods
# further on. At a transposed layer a pattern becomes one for each phase that meets the input.
largest_field <- function(axes) {
  patterns <- list(list(positions = 0, period = 1))
  for (i in rev(seq_along(axes))) {
    step <- if (axes[[i]]$transposed) transposed_patterns else convolved_pattern
    found <- unlist(lapply(patterns, step, axes[[i]]), recursive = FALSE)
    patterns <- unique(lapply(found, plain_pattern, axes[seq_len(i - 1L)]))
  }
  max(0, vapply(patterns, function(pattern) diff(range(pattern$positions)) + 1, 0))
}

convolved_pattern <- function(pattern, axis) {
  positions <- links_to(pattern$positions, axis)$input
  list(list(positions = positions, period = pattern$period * axis$stride))
}

transposed_patterns <- function(pattern, axis) {
  divisor <- greatest_divisor(pattern$period, axis$stride)
  phases <- axis$stride / divisor
  period <- pattern$period / divisor
  spread <- unique(as.vector(outer(pattern$positions - 1 + axis$before, taps_of(axis), "-")))
  spread <- spread[spread %% divisor == 0]
  # As many periods on, this is a multiple of the stride, and so a position of the input.
  periods <- ((-spread / divisor) %% phases * inverse(period, phases)) %% phases
  positions <- (spread + periods * pattern$period) / axis$stride + 1
  lapply(split(positions, periods), function(positions) {
    list(positions = positions, period = period)
  })
}

# Moved to the first period, and without the positions that cannot lead to the ends of a field in
# the input of the layers before.
plain_pattern <- function(pattern, before) {
  positions <- sort(unique(pattern$positions))
  positions <- positions - pattern$period * floor(positions[[1L]] / pattern$period)
  list(positions = outermost(positions, before), period = pattern$period)
}

# The layers before treat positions alike that are a multiple of this number apart: the first and
# the last of them lead further out than those in between.
outermost <- function(positions, before) {
  strides <- vapply(before[is_transposed_axes(before)], `[[`, 0, "stride")
  phases <- positions %% prod(strides)
  positions[!duplicated(phases) | !duplicated(phases, fromLast = TRUE)]
}

greatest_divisor <- function(a, b) {
  if (b == 0) a else greatest_divisor(b, a %% b)
}

# The number that `a` times which is 1 modulo `m`.
inverse <- function(a, m) {
  a <- a %% m
  if (a <= 1) a else ((1 - m * inverse(m, a)) / a) %% m
}

# The first and the last position that output `at` of the last layer depends on, of any size of
# input; none where it sees nothing.
field_ends <- function(axes, at) {
  for (i in rev(seq_along(axes))) {
    at <- outermost(sort(unique(links_to(at, axes[[i]])$input)), axes[seq_len(i - 1L)])
  }
  if (length(at)) range(at)
}

# The positions that output `at` of the last layer depends on, along one dimension: for the input
# of each layer and the output of the last a data frame of `position` and `paths`, the number of
# ways from there to the output. `sizes` says how many positions there are of each; without it
# there is no border.
trace_back <- function(axes, at, sizes = rep(Inf, length(axes) + 1L)) {
  steps <- list(data.frame(position = at, paths = 1))
  for (i in rev(seq_along(axes))) {
    steps <- c(list(step_back(steps[[1L]], axes[[i]], sizes[[i]])), steps)
  }
  steps
}

step_back <- function(step, axis, size) {
  links <- links_to(step$position, axis, size)
  paths <- step$paths[match(links$output, step$position)]
  position <- sort(unique(links$input))
  sums <- rowsum(paths, match(links$input, position))
  data.frame(position = position, paths = as.vector(sums))
}

# The positions of the input that make these of the output, along one dimension.
links_to <- function(outputs, axis, size = Inf) {
  taps <- taps_of(axis)
  inputs <- if (axis$transposed) {
    outer(outputs - 1 + axis$before, taps, "-") / axis$stride + 1
  } else {
    outer((outputs - 1) * axis$stride + 1 - axis$before, taps, "+")
  }
  exists <- inputs == floor(inputs) & (is.infinite(size) | inputs >= 1 & inputs <= size)
  data.frame(output = rep(outputs, axis$kernel)[exists], input = inputs[exists])
}
