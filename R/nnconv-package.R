# The package's own help page, and what the namespace imports.

#' nnconv: convolution layers on plain arrays
#'
#' The convolution and transposed convolution layers of neural networks, in one, two and three
#' dimensions, with the names, shapes and numbers of torch, on plain R arrays.
#'
#' * Layers: [nn_conv2d()], [nn_conv_transpose2d()] and their 1d and 3d forms; what they can do is
#'   on the page [nnconv_module].
#' * The same as functions: [nnf_conv2d()], [nnf_conv_transpose2d()], their gradients
#'   [nnf_conv2d_backward()], and [nnf_pad()].
#' * Sizes: [conv_output_size()], [conv_transpose_output_size()], [receptive_field()].
#' * Pictures: `plot()` of a layer, [plot_conv()], [plot_feature_maps()], [plot_receptive_field()].
#' * Any number of samples, in batches and on workers: [predict()][predict.nnconv_module].
#' * From the C and C++ code of other packages: `vignette("package-authors", package = "nnconv")`.
#' * Filters for series, matrices, volumes and images as they are: [conv_filter()].
#' * From other layouts to that of the layers: [to_nchw()], [from_nchw()].
#' * Settings: [conv_set_num_threads()], [conv_set_algorithm()].
#' * Weights in files: [conv_read_safetensors()], [conv_write_safetensors()].
#' * Settings: [conv_set_num_threads()], [conv_set_algorithm()]; what is wrong: [nnconv_sitrep()].
#'
#' @references `r rd_references("torch.nn.Conv2d")`
#' @examples
#' # Smooth a terrain with a 3 x 3 mean, edges reflected
#' terrain <- array(volcano, dim = c(1, dim(volcano)))
#' mean3 <- array(1 / 9, dim = c(1, 1, 3, 3))
#' smooth <- nnf_conv2d(terrain, mean3, padding = "same", padding_mode = "reflect")
#' dim(smooth)
#' #> [1]  1 87 61
#' round(smooth[1, 1:3, 1:3], 2)
#' #>        [,1]   [,2]   [,3]
#' #> [1,] 100.67 101.00 101.33
#' #> [2,] 101.00 101.33 101.67
#' #> [3,] 102.00 102.33 102.67
#' @useDynLib nnconv, .registration = TRUE
#' @importFrom Rcpp sourceCpp
#' @name nnconv-package
#' @aliases nnconv
#' @keywords internal
"_PACKAGE"
