# Output sizes by arithmetic alone. The arguments go to the C++ core, which does the sums for the
# convolutions themselves.

#' Size of the output of a convolution
#'
#' The spatial size that a convolution or a transposed convolution would give, without computing it.
#'
#' @section Size of the output of a convolution:
#' `r rd_output_size()`
#'
#' @section Size of the output of a transposed convolution:
#' `r rd_transpose_output_size()`
#'
#' @param input_size The spatial size of the input: one whole number of at least 1 for each spatial
#'   dimension, without the batch and the channels. Its length says how many spatial dimensions
#'   there are.
#' @param kernel_size,stride,dilation As in the layers. `r rd_per_dimension("at least 1")`
#' @param padding As in [nnf_conv2d()], or in [nnf_conv_transpose2d()] for the transposed one.
#' @param output_padding `r rd_output_padding()`
#' @return An integer vector of the length of `input_size`.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.Conv2d")`
#' @seealso [nn_conv2d()], [nn_conv_transpose2d()], [plot_conv()], which draws how the sizes come
#'   about; `vignette("padding", package = "nnconv")`
#' @examples
#' conv_output_size(c(28, 28), kernel_size = 5)
#' #> [1] 24 24
#' conv_output_size(c(224, 224), kernel_size = 7, stride = 2, padding = 3)
#' #> [1] 112 112
#' conv_output_size(100, kernel_size = 3, dilation = 8, padding = "causal")
#' #> [1] 100
#' conv_transpose_output_size(c(7, 7), kernel_size = 4, stride = 2, padding = 1)
#' #> [1] 14 14
#' @export
conv_output_size <- function(input_size, kernel_size, stride = 1, padding = 0, dilation = 1) {
  if (missing(input_size)) raise_missing("input_size")
  if (missing(kernel_size)) raise_missing("kernel_size")
  output_size_(FALSE, input_size, kernel_size, stride, padding, 0, dilation)
}

#' @rdname conv_output_size
#' @export
conv_transpose_output_size <- function(input_size, kernel_size, stride = 1, padding = 0,
                                       output_padding = 0, dilation = 1) {
  if (missing(input_size)) raise_missing("input_size")
  if (missing(kernel_size)) raise_missing("kernel_size")
  output_size_(TRUE, input_size, kernel_size, stride, padding, output_padding, dilation)
}
