# The receptive field of a stack of layers: numbers, from the geometry of the layers alone.

#' Receptive field of a stack of layers
#'
#' How much of the input an output of several layers, one after the other, depends on.
#'
#' Output `q` of the last layer depends on the `size` positions of the input from
#' `start + (q - 1) * stride` on, in each spatial dimension. A `start` below 1 lies in the padding;
#' what padding repeats by `padding_mode` is not counted as seen. Dilation may leave out positions
#' in between, which [plot_receptive_field()] shows.
#'
#' A transposed layer goes forward by `1 / stride`, so `stride` and `start` may then be fractions.
#' Its outputs see different numbers of positions: `size` is the largest of them, and the positions
#' are the whole ones from `start + (q - 1) * stride` on.
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

# The fields of outputs repeat after as many of them as the transposed strides make of one position.
largest_field <- function(axes) {
  strides <- vapply(axes[is_transposed_axes(axes)], `[[`, 0, "stride")
  sizes <- vapply(seq_len(prod(strides)), function(q) {
    positions <- trace_back(axes, q)[[1L]]$position
    if (length(positions)) diff(range(positions)) + 1 else 0
  }, 0)
  max(sizes)
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
  taps <- axis$dilation * (seq_len(axis$kernel) - 1)
  inputs <- if (axis$transposed) {
    outer(outputs - 1 + axis$before, taps, "-") / axis$stride + 1
  } else {
    outer((outputs - 1) * axis$stride + 1 - axis$before, taps, "+")
  }
  exists <- inputs == floor(inputs) & (is.infinite(size) | inputs >= 1 & inputs <= size)
  data.frame(output = rep(outputs, axis$kernel)[exists], input = inputs[exists])
}
