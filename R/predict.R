# predict(): many samples through a module, in batches, here or on the workers of a plan of the
# package future. Not on the way of a call of a module.

#' Outputs for any number of samples
#'
#' `predict(m, newdata)` is `m(newdata)`, whatever the module's mode, and nothing is remembered.
#' With `batch_size` it takes that many samples at a time, so that the working memory does not grow
#' with their number, shows how far it is, can be interrupted at any time, and runs on the workers
#' of a plan of the package future, on this machine or on many. The result has the same bits as in
#' one piece.
#'
#' @section Samples from elsewhere:
#' Where the samples do not fit into memory, `newdata` is a function: `newdata(i)` gives the samples
#' `i`, a run of neighbouring whole numbers from 1 to `n`, as an array with as many samples. It may
#' read them from files, a data base or an array on disk.
#'
#' Where the output does not fit into memory either, `write` is a function: `write(output, i)` is
#' called for each batch, in order and in this session, with whole batches only. What an interrupt
#' or an error leaves written is complete up to the last `i` that `write` saw.
#'
#' @section Workers:
#' With `batch_size`, and a plan other than `sequential`, batches go to the plan's workers, and come
#' back in order. No more batches are under way than there are workers.
#'
#' ```r
#' # Four R sessions on this machine
#' future::plan("multisession", workers = 4)
#' # Three machines
#' future::plan("cluster", workers = c("one", "two", "three"))
#' # Up to twenty jobs under Slurm, of eight processors, 4096 MB for each, and an hour
#' future::plan(
#'   future.batchtools::batchtools_slurm, template = "slurm-simple", workers = 20,
#'   resources = list(ncpus = 8, memory = 4096, walltime = 3600)
#' )
#' predict(m, x, batch_size = 256)
#' ```
#'
#' nnconv must be installed where the workers are. A worker uses one thread, for there are usually
#' as many workers as processors; where they have more, `options(nnconv.threads = 8)` in this
#' session says so for them too. The option `nnconv.algorithm` is this session's as well. If
#' `newdata` is a function it is called on the workers, so what it reads must be reachable from
#' there; an array is sent in batches. Workers with other instruction sets than this machine's give
#' results that differ in their last bits.
#'
#' For training, gradients of shards are summed the same way:
#' `vignette("long-work", package = "nnconv")`.
#'
#' @param object A module, see [nnconv_module].
#' @param newdata An input array, as for `m(input)`; or, with `batch_size`, a function that gives
#'   the samples of which it is given the indices.
#' @param output_size The output's size, for transposed layers only, as for `m(input, output_size)`.
#' @param batch_size How many samples to compute at a time: a whole number of at least 1, or `NULL`
#'   for all in one piece.
#' @param n The number of samples, where `newdata` is a function: a whole number.
#' @param write `NULL`, or a function of an output array and the indices of its samples, which keeps
#'   the output.
#' @param progress Whether batches show a progress bar, with the time that is left, once they have
#'   taken two seconds: `TRUE` or `FALSE`.
#' @param ... Not used, and refused.
#' @return The output: an array of the rank of the input, its first dimension all samples. `NULL`,
#'   invisibly, where `write` is given.
#' @section Errors:
#' `r rd_errors()`
#' @seealso [nnconv_module]
#' @examples
#' set.seed(1)
#' m <- nn_conv2d(1, 4, kernel_size = 3)
#' x <- array(rnorm(10 * 1 * 8 * 8), dim = c(10, 1, 8, 8))
#' y <- predict(m, x, batch_size = 4)
#' dim(y)
#' #> [1] 10  4  6  6
#' identical(y, predict(m, x))
#' #> [1] TRUE
#'
#' # A thousand images that are never in memory together, and a summary of each
#' brightness <- numeric(1000)
#' predict(
#'   m, function(i) array(i, dim = c(length(i), 1, 8, 8)),
#'   n = 1000, batch_size = 64,
#'   write = function(output, i) brightness[i] <<- apply(output, 1, max)
#' )
#' round(brightness[c(1, 10, 1000)], 2)
#' #> [1]   0.57   3.97 377.60
#' @importFrom stats predict
#' @export
predict.nnconv_module <- function(object, newdata, output_size = NULL, batch_size = NULL, n = NULL,
                                  write = NULL, progress = interactive(), ...) {
  check_no_more(...)
  if (missing(newdata)) {
    raise_missing("newdata")
  }
  check_flag(progress, "progress")
  if (is.null(batch_size)) {
    check_in_one_piece(newdata, n, write)
    return(predict_piece(object, newdata, output_size))
  }
  batch_size <- check_count_(batch_size, "batch_size", 1L)
  n <- count_samples(module_data(object), newdata, n)
  check_writer(write, n)
  if (n == 0 && is.null(write)) {
    return(predict_batch(object, newdata, integer(), output_size))
  }
  sink <- if (is.null(write)) array_sink(n) else writer_sink(write)
  run_batches(object, newdata, output_size, n, batch_size, sink$put, progress)
  sink$result()
}

# ---- arguments ----

check_in_one_piece <- function(newdata, n, write) {
  if (is.function(newdata)) {
    raise_fault(
      "type", "newdata", "an array where `batch_size` is NULL", "a function",
      "A function that gives samples needs `batch_size` and `n`."
    )
  }
  needless <- Filter(function(argument) !is.null(argument), list(n = n, write = write))
  if (length(needless)) {
    raise_fault(
      "value", names(needless)[[1L]], "NULL where `batch_size` is NULL", describe_(needless[[1L]])
    )
  }
}

count_samples <- function(data, newdata, n) {
  if (is.function(newdata)) {
    return(check_whole(n, "n"))
  }
  if (!is.null(n)) {
    raise_fault("value", "n", "NULL where `newdata` is an array", describe_(n))
  }
  count_samples_(data$geometry, newdata, data$in_channels)
}

# A whole number that may be beyond the range of integers.
check_whole <- function(x, argument) {
  must <- "a whole number from 0 up"
  if (!is.numeric(x) || is.object(x)) {
    raise_fault(if (is_bare_na(x)) "value" else "type", argument, must, describe_(x))
  }
  if (length(x) != 1L || !is.finite(x) || x != floor(x) || x < 0 || x > 2^53) {
    raise_fault("value", argument, must, describe_(x))
  }
  as.double(x)
}

check_writer <- function(write, n) {
  if (!is.null(write) && !is.function(write)) {
    raise_fault(
      if (is_bare_na(write)) "value" else "type", "write", "NULL or a function", describe_(write)
    )
  }
  if (is.null(write) && n > .Machine$integer.max) {
    raise_fault(
      "value", "write", "a function where there are more samples than an array can have", "NULL"
    )
  }
}

# ---- batches ----

# Calls `put(output, i)` for all batches in order, each with the indices of its samples. No more
# batches are under way than there are workers.
run_batches <- function(object, newdata, output_size, n, batch_size, put, progress) {
  workers <- count_workers()
  start <- if (workers > 0) start_on_worker else start_here
  bar <- if (progress) cli::cli_progress_bar("Predicting", total = n)
  under_way <- list()
  first <- 1
  while (first <= n || length(under_way) > 0L) {
    while (first <= n && length(under_way) < max(workers, 1)) {
      i <- batch_indices(first, batch_size, n)
      batch <- if (is.function(newdata)) newdata else take_samples_(newdata, first, length(i))
      under_way <- c(under_way, list(list(i = i, output = start(object, batch, i, output_size))))
      first <- first + batch_size
    }
    done <- under_way[[1L]]$i
    put(under_way[[1L]]$output(), done)
    under_way <- under_way[-1L]
    if (progress) {
      cli::cli_progress_update(set = done[[length(done)]], id = bar)
    }
  }
}

batch_indices <- function(first, batch_size, n) {
  seq(first, min(first + batch_size - 1, n))
}

# `batch` is the samples `i`, or a function that gives them.
predict_batch <- function(object, batch, i, output_size) {
  if (is.function(batch)) {
    batch <- check_batch(batch(i), i, length(module_data(object)$kernel_size))
  }
  predict_piece(object, batch, output_size)
}

predict_piece <- function(object, newdata, output_size) {
  with_argument_renamed(
    module_call(module_data(object), newdata, output_size, remembers = FALSE),
    from = "input", to = "newdata"
  )
}

check_batch <- function(batch, i, ndim) {
  if (length(dim(batch)) != ndim + 2L || nrow(batch) != length(i)) {
    raise_fault(
      "shape", "newdata",
      "a function that gives an array with as many samples as it is given indices",
      paste("one that gives", describe_(batch), "for", length(i)),
      if (length(i) == 1L) "Index by `drop = FALSE`, which keeps a single sample's batch." else ""
    )
  }
  batch
}

# ---- where batches run: each gives a function that waits for the output ----

start_here <- function(object, batch, i, output_size) {
  output <- predict_batch(object, batch, i, output_size)
  function() output
}

start_on_worker <- function(object, batch, i, output_size) {
  settings <- list(
    nnconv.threads = getOption("nnconv.threads", 1L),
    nnconv.algorithm = getOption("nnconv.algorithm")
  )
  output <- future::future(predict_with(settings, object, batch, i, output_size))
  function() value_on_worker(output)
}

predict_with <- function(settings, ...) {
  old <- options(settings)
  on.exit(options(old))
  predict_batch(...)
}

# A fault there is one of the user's call here.
value_on_worker <- function(output) {
  tryCatch(
    future::value(output),
    nnconv_error = function(fault) {
      raise_fault(fault$kind, fault$argument, fault$must, fault$found, fault$fix)
    }
  )
}

# Workers of the plan of the package future; 0 where there is none, or it is to work here.
count_workers <- function() {
  if (!isNamespaceLoaded("future") || inherits(future::plan(), "sequential")) {
    return(0)
  }
  workers <- future::nbrOfWorkers()
  # Some schedulers name no limit.
  if (is.finite(workers)) workers else 100
}

# ---- where outputs go ----

writer_sink <- function(write) {
  list(put = function(output, i) write(output, i), result = function() invisible(NULL))
}

# One array for all, made when the first output tells its size.
array_sink <- function(n) {
  all <- NULL
  list(
    put = function(output, i) {
      if (is.null(all)) {
        all <<- new_samples(output, n)
      }
      check_alike(output, all)
      put_samples_(all, i[[1L]], output)
    },
    result = function() all
  )
}

new_samples <- function(output, n) {
  dim <- c(n, dim(output)[-1L])
  samples <- vector(typeof(output), prod(dim))
  dim(samples) <- dim
  samples
}

check_alike <- function(output, all) {
  if (typeof(output) != typeof(all) || !identical(dim(output)[-1L], dim(all)[-1L])) {
    raise_fault(
      "shape", "newdata", "a function that gives samples of one size and type",
      paste("one whose outputs are", describe_(all), "and", describe_(output))
    )
  }
}
