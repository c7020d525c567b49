# A layer along each of its spatial dimensions: what numbers and pictures of it are made from. Not
# on the way of a call.

spatial_names <- list("length", c("height", "width"), c("depth", "height", "width"))

# A data frame of a row for each spatial dimension. Positions of input and output count from 1.
# The numbers are those of the geometry, in the order in which src/module.cpp packs them.
module_axes <- function(m) {
  data <- module_data(m)
  ndim <- length(data$kernel_size)
  numbers <- matrix(data$geometry[-(1:6)], 3L)[seq_len(ndim), , drop = FALSE]
  colnames(numbers) <- c("kernel", "stride", "dilation", "before", "after", "output_padding")
  rownames(numbers) <- spatial_names[[ndim]]
  axes <- data.frame(numbers)
  axes$span <- axes$dilation * (axes$kernel - 1) + 1
  axes$transposed <- is_transposed(m)
  axes
}

is_transposed <- function(m) {
  inherits(m, "nnconv_conv_transpose")
}

# How far the taps are from the first one, along one dimension.
taps_of <- function(axis) {
  axis$dilation * (seq_len(axis$kernel) - 1)
}

check_module <- function(m, argument) {
  if (!inherits(m, "nnconv_module")) {
    raise_fault("type", argument, "a layer, as nn_conv2d() makes", describe_(m))
  }
}

# The dim of the output for an input of this dim, by the checks of a call.
output_dim_for <- function(m, input_dim) {
  data <- module_data(m)
  with_argument_renamed(
    module_output_dim_(data$geometry, input_dim, data$weight),
    from = "input", to = "input_dim"
  )
}

# The same of spatial sizes.
output_size_for <- function(m, input_size) {
  with_argument_renamed(
    output_dim_for(m, c(m$in_channels, input_size))[-1L],
    from = "input_dim", to = "input_size"
  )
}
