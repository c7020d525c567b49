# The convolution layers. The step that makes a module: every argument is checked here, once, by
# the C++ core, which leaves the geometry that the module's calls use.

#' Convolution layers
#'
#' A layer holds the weights of a convolution and is called like a function on an array of samples,
#' channels and pixels. There is one constructor for each number of spatial dimensions:
#' `nn_conv1d()` for series, `nn_conv2d()` for images, `nn_conv3d()` for volumes. What a layer can
#' do besides is on the page [nnconv_module].
#'
#' `weight`, then `bias`, start as draws from the uniform distribution on `(-sqrt(k), sqrt(k))` with
#' `k = groups / (in_channels * prod(kernel_size))`, by R's own generator, so [set.seed()] repeats
#' them. Where `dtype` is complex, the real and the imaginary part are each drawn with `k / 2`.
#'
#' @section Shapes:
#' * input: `(N, in_channels, spatial...)` or, unbatched, `(in_channels, spatial...)`
#' * output: the same with `out_channels` and the sizes below
#' * `weight`: `(out_channels, in_channels / groups, kernel_size...)`
#' * `bias`: `out_channels` numbers
#'
#' The spatial dimensions are `L` (1d), `H, W` (2d: rows, columns) or `D, H, W` (3d).
#' [nnf_conv2d()] defines the sum that is computed.
#'
#' @section Size of the output of a convolution:
#' `r rd_output_size()`
#'
#' @section Pictures of the arguments:
#' `r rd_arguments_picture()`
#'
#' [plot_conv()] draws the like of any layer of one or two dimensions.
#'
#' @inheritParams nnf_conv
#' @param in_channels,out_channels Number of channels of the input and of the output: whole numbers
#'   of at least 1.
#' @param kernel_size Size of the kernel in pixels. `r rd_per_dimension("at least 1")`
#' @param bias Whether the layer adds a number to each output channel: `TRUE` or `FALSE`.
#' @param device Where the layer computes: `"cpu"`, and nothing else.
#' @return A module, see [nnconv_module]: a function of class `nnconv_conv1d`, `nnconv_conv2d` or
#'   `nnconv_conv3d`.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.Conv2d")`
#' @seealso [nnf_conv2d()] for the same on arrays of your own, [nn_conv_transpose2d()],
#'   [conv_output_size()].
#' @examples
#' set.seed(1)
#' m <- nn_conv2d(3, 8, kernel_size = 3, padding = "same")
#' m
#' #> nn_conv2d(3, 8, kernel_size = 3, padding = "same")
#' #> weight  8 x 3 x 3 x 3
#' #> bias    8
#' #> 224 parameters, training mode
#' x <- array(runif(2 * 3 * 10 * 12), dim = c(2, 3, 10, 12))
#' y <- m(x)
#' dim(y)
#' #> [1]  2  8 10 12
#'
#' # Gradients of sum(y^2) / 2, and a step downhill
#' before <- sum(y^2) / 2
#' grad_input <- m$backward(y)
#' m$weight <- m$weight - 1e-4 * m$grad$weight
#' m$bias <- m$bias - 1e-4 * m$grad$bias
#' m$zero_grad()
#' sum(m(x)^2) / 2 < before
#' #> [1] TRUE
#'
#' # A causal, dilated convolution of a series: 12 months apart, none from the future
#' m <- nn_conv1d(1, 1, kernel_size = 3, dilation = 12, padding = "causal", bias = FALSE)
#' m$weight <- array(1 / 3, dim = dim(m$weight))
#' temperature <- array(nottem, dim = c(1, length(nottem)))
#' round(m(temperature)[1, 25:30], 2)
#' #> [1] 40.77 39.77 43.00 45.27 54.63 58.33
#' @name nn_conv
NULL

#' @rdname nn_conv
#' @export
nn_conv1d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                      dilation = 1, groups = 1, bias = TRUE, padding_mode = "zeros",
                      device = "cpu", dtype = "float64") {
  new_conv(
    1L, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
    padding_mode, device, dtype
  )
}

#' @rdname nn_conv
#' @export
nn_conv2d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                      dilation = 1, groups = 1, bias = TRUE, padding_mode = "zeros",
                      device = "cpu", dtype = "float64") {
  new_conv(
    2L, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
    padding_mode, device, dtype
  )
}

#' @rdname nn_conv
#' @export
nn_conv3d <- function(in_channels, out_channels, kernel_size, stride = 1, padding = 0,
                      dilation = 1, groups = 1, bias = TRUE, padding_mode = "zeros",
                      device = "cpu", dtype = "float64") {
  new_conv(
    3L, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
    padding_mode, device, dtype
  )
}

new_conv <- function(ndim, in_channels, out_channels, kernel_size, stride, padding, dilation,
                     groups, bias, padding_mode, device, dtype) {
  if (missing(in_channels)) raise_missing("in_channels")
  if (missing(out_channels)) raise_missing("out_channels")
  if (missing(kernel_size)) raise_missing("kernel_size")
  spec <- conv_spec_(
    ndim, FALSE, in_channels, out_channels, kernel_size, stride, padding, 0L, dilation, groups,
    padding_mode, device, dtype
  )
  check_flag(bias, "bias")
  new_module("conv", spec, bias)
}
