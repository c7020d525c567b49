# Gradients as functions. A step of its own on the way of a call: the arguments go to the C++ core
# as they were given, and are checked there.

#' Gradients of convolutions
#'
#' From the gradient of some loss with respect to a convolution's output (`grad_output`): the
#' gradients with respect to its input, its weight and its bias. The other arguments are those of
#' the forward call, [nnf_conv2d()] or [nnf_conv_transpose2d()] and so on.
#'
#' For complex data the gradients follow PyTorch's convention, the conjugate Wirtinger gradient: the
#' direction of steepest ascent of a real loss. The gradient of a real array is real.
#'
#' @param grad_output The gradient with respect to the output: a numeric or complex array of the
#'   output's `dim`.
#' @param input The input of the forward call.
#' @param weight The weight of the forward call.
#' @param stride,padding,dilation,groups,dtype,padding_mode,output_padding As in the forward call.
#' @param needs Which gradients to compute: some of `"input"`, `"weight"` and `"bias"`. What is not
#'   needed costs nothing.
#' @return A list of three arrays, `NULL` where not needed:
#' \describe{
#'   \item{`input`}{of the `dim` of `input`,}
#'   \item{`weight`}{of the `dim` of `weight`,}
#'   \item{`bias`}{a vector of `out_channels` numbers: the sums of `grad_output` over samples and
#'     pixels.}
#' }
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.grad")`
#' @seealso [nn_conv2d()], whose layers keep what `backward` needs.
#' @examples
#' x <- array(c(1, 2, 3, 4), dim = c(1, 1, 4))
#' w <- array(c(1, -1), dim = c(1, 1, 2))
#' # The gradient of sum(nnf_conv1d(x, w))
#' grad <- nnf_conv1d_backward(array(1, dim = c(1, 1, 3)), x, w)
#' c(grad$input)
#' #> [1]  1  0  0 -1
#' c(grad$weight)
#' #> [1] 6 9
#' grad$bias
#' #> [1] 3
#'
#' nnf_conv1d_backward(array(1, dim = c(1, 1, 3)), x, w, needs = "bias")
#' #> $input
#' #> NULL
#' #>
#' #> $weight
#' #> NULL
#' #>
#' #> $bias
#' #> [1] 3
#' #>
#' @name nnf_conv_backward
NULL

#' @rdname nnf_conv_backward
#' @export
nnf_conv1d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                dilation = 1, groups = 1, dtype = "float64",
                                needs = c("input", "weight", "bias"), padding_mode = "zeros") {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_backward_`,
    1L, grad_output, input, weight, stride, padding, dilation, groups, dtype, needs, padding_mode
  )
}

#' @rdname nnf_conv_backward
#' @export
nnf_conv2d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                dilation = 1, groups = 1, dtype = "float64",
                                needs = c("input", "weight", "bias"), padding_mode = "zeros") {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_backward_`,
    2L, grad_output, input, weight, stride, padding, dilation, groups, dtype, needs, padding_mode
  )
}

#' @rdname nnf_conv_backward
#' @export
nnf_conv3d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                dilation = 1, groups = 1, dtype = "float64",
                                needs = c("input", "weight", "bias"), padding_mode = "zeros") {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_backward_`,
    3L, grad_output, input, weight, stride, padding, dilation, groups, dtype, needs, padding_mode
  )
}

#' @rdname nnf_conv_backward
#' @export
nnf_conv_transpose1d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                          output_padding = 0, groups = 1, dilation = 1,
                                          dtype = "float64",
                                          needs = c("input", "weight", "bias")) {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_backward_`,
    1L, grad_output, input, weight, stride, padding, output_padding, groups, dilation, dtype, needs
  )
}

#' @rdname nnf_conv_backward
#' @export
nnf_conv_transpose2d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                          output_padding = 0, groups = 1, dilation = 1,
                                          dtype = "float64",
                                          needs = c("input", "weight", "bias")) {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_backward_`,
    2L, grad_output, input, weight, stride, padding, output_padding, groups, dilation, dtype, needs
  )
}

#' @rdname nnf_conv_backward
#' @export
nnf_conv_transpose3d_backward <- function(grad_output, input, weight, stride = 1, padding = 0,
                                          output_padding = 0, groups = 1, dilation = 1,
                                          dtype = "float64",
                                          needs = c("input", "weight", "bias")) {
  if (missing(grad_output)) raise_missing("grad_output")
  if (missing(input)) raise_missing("input")
  if (missing(weight)) raise_missing("weight")
  .Call(
    `_nnconv_conv_transpose_backward_`,
    3L, grad_output, input, weight, stride, padding, output_padding, groups, dilation, dtype, needs
  )
}
