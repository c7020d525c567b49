# Convolution as a function. A step of its own on the way of a call: the arguments go to the C++
# core as they were given, and are checked there. No function of RcppExports.R stands between: that
# would take as long as all else that R does (dev/notes/0009-tiny-calls.md).

#' Convolution of arrays
#'
#' Slides a `weight` over an `input` and sums products: the convolution of neural networks, which is
#' a cross-correlation (the kernel is not flipped). One function for each number of spatial
#' dimensions.
#'
#' @section Definition:
#' For sample `n`, output channel `co` and output pixel `q` (all counted from 1, as `p` and the tap
#' `t`), in each spatial dimension,
#' \deqn{output[n, co, q] = bias[co] + \sum_{ci} \sum_{t} weight[co, ci, t] \, input[n, ci, p],
#'   \quad p = (q - 1) stride + (t - 1) dilation + 1 - before}{
#'   output[n, co, q] = bias[co] + sum over ci and t of weight[co, ci, t] * input[n, ci, p],
#'   with p = (q - 1) * stride + (t - 1) * dilation + 1 - before}
#' where `before` is the padding at that dimension's beginning. A `p` outside the input is no term
#' of the sum (`padding_mode = "zeros"`), or stands for a pixel inside (the other modes). With
#' `groups`, output channel `co` sees the input channels of its own group alone.
#'
#' @section Size of the output of a convolution:
#' `r rd_output_size()`
#'
#' @param input `r rd_input()`
#' @param weight The kernels: a numeric or complex array
#'   `(out_channels, in_channels / groups, kernel...)`.
#' @param bias What is added to each output channel: a vector of `out_channels` numbers, or `NULL`
#'   for nothing.
#' @param stride How far, in pixels, the kernel moves from one output to the next.
#'   `r rd_per_dimension("at least 1")`
#' @param padding `r rd_padding()`
#' @param dilation How far apart, in pixels, neighbouring taps of the kernel lie in the input.
#'   `r rd_per_dimension("at least 1")`
#' @param groups Number of groups that input and output channels are cut into, one whole number that
#'   divides both. `groups` equal to the number of input channels is a depthwise convolution.
#' @param dtype `r rd_dtype()`
#' @param padding_mode `r rd_padding_mode()`
#' @return A plain double (or complex) array of the rank of `input`:
#'   `(N, out_channels, spatial...)`, or `(out_channels, spatial...)` for an unbatched input,
#'   without dimnames.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.Conv2d")`
#' @seealso [nn_conv2d()] for layers with weights of their own, [nnf_conv2d_backward()] for
#'   gradients, [conv_filter()] for arrays without channels, [to_nchw()], [conv_output_size()],
#'   [nnf_pad()].
#' @examples
#' # A moving sum of three, on one sample with one channel
#' x <- array(c(1, 2, 3, 4, 5), dim = c(1, 1, 5))
#' w <- array(1, dim = c(1, 1, 3))
#' c(nnf_conv1d(x, w))
#' #> [1]  6  9 12
#' c(nnf_conv1d(x, w, padding = "same"))
#' #> [1]  3  6  9 12  9
#' c(nnf_conv1d(x, w, padding = "same", padding_mode = "replicate"))
#' #> [1]  4  6  9 12 14
#' c(nnf_conv1d(x, w, padding = "causal"))
#' #> [1]  1  3  6  9 12
#'
#' # A matrix needs its dim: one channel of an unbatched image
#' image <- array(volcano, dim = c(1, dim(volcano)))
#' slope_down <- array(c(-1, 0, 1), dim = c(1, 1, 3, 1))
#' dim(nnf_conv2d(image, slope_down, padding = "same", padding_mode = "reflect"))
#' #> [1]  1 87 61
#'
#' # Depthwise: every channel has its own kernel
#' x <- array(1:8, dim = c(1, 2, 2, 2))
#' w <- array(c(1, 10), dim = c(2, 1, 1, 1))
#' c(nnf_conv2d(x, w, groups = 2))
#' #> [1]  1 20  3 40  5 60  7 80
#' @name nnf_conv
NULL

#' @rdname nnf_conv
#' @export
nnf_conv1d <- function(input, weight, bias = NULL, stride = 1, padding = 0, dilation = 1,
                       groups = 1, dtype = "float64", padding_mode = "zeros") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_forward_`,
    1L, input, weight, bias, stride, padding, dilation, groups, dtype, padding_mode
  )
}

#' @rdname nnf_conv
#' @export
nnf_conv2d <- function(input, weight, bias = NULL, stride = 1, padding = 0, dilation = 1,
                       groups = 1, dtype = "float64", padding_mode = "zeros") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_forward_`,
    2L, input, weight, bias, stride, padding, dilation, groups, dtype, padding_mode
  )
}

#' @rdname nnf_conv
#' @export
nnf_conv3d <- function(input, weight, bias = NULL, stride = 1, padding = 0, dilation = 1,
                       groups = 1, dtype = "float64", padding_mode = "zeros") {
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_forward_`,
    3L, input, weight, bias, stride, padding, dilation, groups, dtype, padding_mode
  )
}
