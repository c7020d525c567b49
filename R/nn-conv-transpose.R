# The transposed convolution layers. The step that makes a module: every argument is checked here,
# once, by the C++ core, which leaves the geometry that the module's calls use.

#' Transposed convolution layers
#'
#' A layer that holds the weights of a transposed convolution, which makes images larger where a
#' convolution makes them smaller. It is called like a function, `m(x)` or
#' `m(x, output_size = size)`; what it can do besides is on the page [nnconv_module].
#'
#' A convolution of stride 2 maps inputs of two sizes to the same output size, so the transpose has
#' a choice of two. `output_padding` makes it once, for the layer; `output_size`, in a call, makes
#' it for that call and takes the place of `output_padding`: the spatial sizes, or a whole `dim()`
#' of the input's rank, whose last numbers are used. In each dimension it lies between the smallest
#' size (the one without output padding) and `stride - 1` more.
#'
#' `weight`, then `bias`, start as draws from the uniform distribution on `(-sqrt(k), sqrt(k))` with
#' `k = groups / (out_channels * prod(kernel_size))`, by R's own generator, so [set.seed()] repeats
#' them. Where `dtype` is complex, the real and the imaginary part are each drawn with `k / 2`.
#'
#' @section Shapes:
#' * input: `(N, in_channels, spatial...)` or, unbatched, `(in_channels, spatial...)`
#' * output: the same with `out_channels` and the sizes below
#' * `weight`: `(in_channels, out_channels / groups, kernel_size...)`
#' * `bias`: `out_channels` numbers
#'
#' The spatial dimensions are `L` (1d), `H, W` (2d: rows, columns) or `D, H, W` (3d).
#' [nnf_conv_transpose2d()] defines the sum that is computed.
#'
#' @section Size of the output of a transposed convolution:
#' `r rd_transpose_output_size()`
#'
#' @section Pictures of the arguments:
#' `r rd_transposed_picture()`
#'
#' [plot_conv()] draws the like of any layer of one or two dimensions.
#'
#' @inheritParams nnf_conv_transpose
#' @inheritParams nn_conv
#' @param bias Whether the layer adds a number to each output channel: `TRUE` or `FALSE`.
#' @param padding_mode `"zeros"`, and nothing else.
#' @return A module, see [nnconv_module]: a function of class `nnconv_conv_transpose1d`,
#'   `nnconv_conv_transpose2d` or `nnconv_conv_transpose3d`.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.ConvTranspose2d")`
#' @seealso [nnf_conv_transpose2d()] for the same on arrays of your own, [nn_conv2d()],
#'   [conv_transpose_output_size()].
#' @examples
#' down <- nn_conv2d(1, 4, kernel_size = 3, stride = 2)
#' up <- nn_conv_transpose2d(4, 1, kernel_size = 3, stride = 2)
#' x <- array(volcano, dim = c(1, dim(volcano)))
#' dim(x)
#' #> [1]  1 87 61
#' dim(down(x))
#' #> [1]  4 43 30
#' dim(up(down(x)))
#' #> [1]  1 87 61
#' # An even size would not come back by itself
#' x <- x[, 1:86, 1:60, drop = FALSE]
#' dim(up(down(x)))
#' #> [1]  1 85 59
#' dim(up(down(x), output_size = dim(x)))
#' #> [1]  1 86 60
#' @name nn_conv_transpose
NULL

#' @rdname nn_conv_transpose
#' @export
nn_conv_transpose1d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                                output_padding = 0, groups = 1, bias = TRUE, dilation = 1,
                                padding_mode = "zeros", device = "cpu", dtype = "float64") {
  new_conv_transpose(
    1L, in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias,
    dilation, padding_mode, device, dtype
  )
}

#' @rdname nn_conv_transpose
#' @export
nn_conv_transpose2d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                                output_padding = 0, groups = 1, bias = TRUE, dilation = 1,
                                padding_mode = "zeros", device = "cpu", dtype = "float64") {
  new_conv_transpose(
    2L, in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias,
    dilation, padding_mode, device, dtype
  )
}

#' @rdname nn_conv_transpose
#' @export
nn_conv_transpose3d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                                output_padding = 0, groups = 1, bias = TRUE, dilation = 1,
                                padding_mode = "zeros", device = "cpu", dtype = "float64") {
  new_conv_transpose(
    3L, in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias,
    dilation, padding_mode, device, dtype
  )
}

new_conv_transpose <- function(ndim, in_channels, out_channels, kernel_size, stride, padding,
                               output_padding, groups, bias, dilation, padding_mode, device,
                               dtype) {
  if (missing(in_channels)) raise_missing("in_channels")
  if (missing(out_channels)) raise_missing("out_channels")
  if (missing(kernel_size)) raise_missing("kernel_size")
  spec <- conv_spec_(
    ndim, TRUE, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation,
    groups, padding_mode, device, dtype
  )
  check_flag(bias, "bias")
  new_module("conv_transpose", spec, bias)
}
