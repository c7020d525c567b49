# The choice of algorithms. Set here as an option; read by the C++ core at each call.

#' Algorithms
#'
#' `conv_set_algorithm()` says which algorithms the calls to come may use;
#' `conv_get_algorithm()` tells what was said. It is kept in the option `nnconv.algorithm` and
#' nowhere else, so `options(nnconv.algorithm = "direct")` and `withr::local_options()` work too.
#'
#' \describe{
#'   \item{`"direct"`}{Every element is the defining sum, added in one fixed order. It lies within
#'     `32 * u * (sum(|x| * |w|) + |b|)` of the exact sum on ordinary data and never beyond 96
#'     instead of 32, where `u` is `2^-53` in float64 and `2^-24` in float32.}
#'   \item{`"auto"`}{The default. As `"direct"`, or, where it is faster, F(2) Winograd, which
#'     changes the bound to `32 * u * (sum over channels of max(|x|) * sum(|w|) + |b|)`.
#'     A value outside the window of an output never touches it. Sums of integers are exact while
#'     `sum(|x| * |w|)` is below `2^52` (float32: `2^24` direct, `2^18` auto).}
#'   \item{`"fast"`}{May also use algorithms that are less accurate, within
#'     `1e-12 * max(|x|) * sum(|w|)` (float32: `1e-5`), for outputs and gradients of inputs: F(4)
#'     Winograd; passes along one dimension after the other where kernels are outer products, as
#'     gaussians and boxes are, with one channel on one side of each group; and Fourier transforms
#'     for long kernels of stride 1.}
#' }
#' Under each of them `NA`, `NaN` and infinite values reach exactly the outputs whose sum they are
#' a term of, the same call gives the same bits whatever the number of threads, and a sample gives
#' the same bits alone and in a batch.
#'
#' @param name `"auto"`, `"direct"` or `"fast"`.
#' @return `conv_get_algorithm()`: one string. `conv_set_algorithm()`: the string before,
#'   invisibly.
#' @section Errors:
#' `r rd_errors()`
#' @references Lavin and Gray (2016). Fast algorithms for convolutional neural networks. *CVPR*,
#'   4013-4021. \doi{10.1109/CVPR.2016.435}
#'
#'   Mathieu, Henaff and LeCun (2014). Fast training of convolutional networks through FFTs. *ICLR*.
#'   \doi{10.48550/arXiv.1312.5851}
#' @seealso [conv_set_num_threads()]
#' @examples
#' old <- conv_set_algorithm("direct")
#' conv_get_algorithm()
#' #> [1] "direct"
#' conv_set_algorithm(old)
#' @name conv_set_algorithm
NULL

#' @rdname conv_set_algorithm
#' @export
conv_set_algorithm <- function(name) {
  if (missing(name)) raise_missing("name")
  check_choice(name, "name", algorithms)
  old <- asked_algorithm()
  options(nnconv.algorithm = name)
  invisible(old)
}

#' @rdname conv_set_algorithm
#' @export
conv_get_algorithm <- function() {
  name <- asked_algorithm()
  check_choice(name, "nnconv.algorithm", algorithms)
  name
}

# Unchecked: the option may be set to anything.
asked_algorithm <- function() {
  getOption("nnconv.algorithm", "auto")
}

algorithms <- c("auto", "direct", "fast")
