# Transposed convolution as a function. A step of its own on the way of a call: the arguments go to
# the C++ core as they were given, and are checked there.

#' Transposed convolution of arrays
#'
#' The transpose of a convolution: it maps an array of the size of a convolution's output to one of
#' the size of its input, as the gradient of the input does. It is used to make images larger, and
#' is also called fractionally strided convolution or, wrongly, deconvolution.
#'
#' @section Definition:
#' Every input pixel adds its value times the kernel to the output. In each spatial dimension, with
#' all indices counted from 1,
#' \deqn{output[n, co, q] = bias[co] + \sum_{ci} \sum_{(p, t)} weight[ci, co, t] \, input[n, ci, p]
#'   }{output[n, co, q] = bias[co] + sum over ci and (p, t) of weight[ci, co, t] * input[n, ci, p]}
#' over the pairs of input pixel and tap with
#' `q = (p - 1) * stride + (t - 1) * dilation + 1 - before`, where `before` is the padding at that
#' dimension's beginning.
#'
#' @section Size of the output of a transposed convolution:
#' `r rd_transpose_output_size()`
#'
#' @inheritParams nnf_conv
#' @param weight The kernels: a numeric or complex array
#'   `(in_channels, out_channels / groups, kernel...)`.
#' @param stride How far apart, in pixels, the kernels of neighbouring input pixels lie in the
#'   output. `r rd_per_dimension("at least 1")`
#' @param padding `r rd_transpose_padding()`
#' @param output_padding `r rd_output_padding()`
#' @param dilation How far apart, in pixels, neighbouring taps of the kernel lie in the output.
#'   `r rd_per_dimension("at least 1")`
#' @return A plain double (or complex) array of the rank of `input`:
#'   `(N, out_channels, spatial...)`, or `(out_channels, spatial...)` for an unbatched input,
#'   without dimnames.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.ConvTranspose2d")`
#' @seealso [nn_conv_transpose2d()] for layers with weights of their own,
#'   [nnf_conv_transpose2d_backward()] for gradients, [conv_transpose_output_size()].
#' @examples
#' # Each value is spread over two outputs
#' x <- array(c(1, 2, 3), dim = c(1, 1, 3))
#' w <- array(c(1, 10), dim = c(1, 1, 2))
#' c(nnf_conv_transpose1d(x, w, stride = 2))
#' #> [1]  1 10  2 20  3 30
#' # ... which overlap at stride 1
#' c(nnf_conv_transpose1d(x, w))
#' #> [1]  1 12 23 30
#' # Two columns cut from the end
#' c(nnf_conv_transpose1d(x, w, stride = 2, padding = list(c(0, 2))))
#' #> [1]  1 10  2 20
#'
#' # An image, twice as large
#' image <- array(volcano, dim = c(1, dim(volcano)))
#' dim(nnf_conv_transpose2d(image, array(1, dim = c(1, 1, 2, 2)), stride = 2))
#' #> [1]   1 174 122
#' @name nnf_conv_transpose
NULL

#' @rdname nnf_conv_transpose
#' @export
nnf_conv_transpose1d <- function(input, weight, bias = NULL, stride = 1, padding = 0,
                                 output_padding = 0, groups = 1, dilation = 1,
                                 dtype = "float64") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_forward_`,
    1L, input, weight, bias, stride, padding, output_padding, groups, dilation, dtype
  )
}

#' @rdname nnf_conv_transpose
#' @export
nnf_conv_transpose2d <- function(input, weight, bias = NULL, stride = 1, padding = 0,
                                 output_padding = 0, groups = 1, dilation = 1,
                                 dtype = "float64") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_forward_`,
    2L, input, weight, bias, stride, padding, output_padding, groups, dilation, dtype
  )
}

#' @rdname nnf_conv_transpose
#' @export
nnf_conv_transpose3d <- function(input, weight, bias = NULL, stride = 1, padding = 0,
                                 output_padding = 0, groups = 1, dilation = 1,
                                 dtype = "float64") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_forward_`,
    3L, input, weight, bias, stride, padding, output_padding, groups, dilation, dtype
  )
}
