# The number of threads. Set here as an option; read by the C++ core at each call.

#' Number of threads
#'
#' `conv_set_num_threads()` asks for a number of threads for the calls to come;
#' `conv_get_num_threads()` tells how many a call would use now. Results do not depend on it, not
#' even in the last bit.
#'
#' The number is kept in the option `nnconv.threads` and nowhere else, so
#' `options(nnconv.threads = 2)` and `withr::local_options()` work too. Without the option a call
#' uses the processors that this process may use (affinity and cgroup quota count), at most
#' `OMP_NUM_THREADS`. A number that was asked for is honoured up to `OMP_THREAD_LIMIT`. In a forked
#' child (`parallel::mclapply()`) it is 1, whatever was asked for, and a build without OpenMP
#' always uses 1. `options(nnconv.threads = NULL)` goes back to the default, which is not the same
#' as to ask for the number that it was.
#'
#' @param n How many threads: one whole number of at least 1.
#' @return `conv_get_num_threads()`: one integer. `conv_set_num_threads()`: the number before,
#'   invisibly.
#' @section Errors:
#' `r rd_errors()`
#' @seealso [conv_set_algorithm()]
#' @examples
#' conv_set_num_threads(1)
#' conv_get_num_threads()
#' #> [1] 1
#' options(nnconv.threads = NULL)
#' @name conv_set_num_threads
NULL

#' @rdname conv_set_num_threads
#' @export
conv_set_num_threads <- function(n) {
  if (missing(n)) raise_missing("n")
  n <- check_count_(n, "n", 1L)
  # Unchecked: the option may have been set to anything.
  old <- getOption("nnconv.threads")
  if (is.null(old)) {
    old <- num_threads_()
  }
  options(nnconv.threads = n)
  invisible(old)
}

#' @rdname conv_set_num_threads
#' @export
conv_get_num_threads <- function() {
  num_threads_()
}
