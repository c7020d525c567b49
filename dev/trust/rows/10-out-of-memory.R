# Row 10: no memory. The k-th allocation of a call fails, for every k, alone or with all after it;
# R's own too; and a ceiling stands over the process. Each time it is an R error, or, where memory
# that waited for the next call was enough, the same bits; no block is lost, a module is as it was,
# and the next call gives the same bits.

source("dev/trust/row.R")
source("dev/trust/preload.R")
preload()
source("dev/trust/calls.R")

is_sound <- function(tried, call, expected) {
  if (is.null(tried$message)) identical(tried$value, expected) else !call$changed()
}

# The same bits from a call with all the memory that it wants.
goes_on <- function(call, expected) {
  call$prepare()
  identical(call$run(), expected)
}

# What Rcpp makes once, with the first error of this kind, is kept.
watch(nnf_pad(array(0, 1), c(0, 1)), fail = 1)
kept <- live_blocks()

# Every k-th allocation of a call, or those of a sample; `errors` counts those that end the call.
errors <- 0
fail_each <- function(counter, kind, threads, ...) {
  options(nnconv.threads = threads)
  label <- paste0(kind$name, ", ", threads, " threads")
  call <- new_call(kind)
  call$prepare()
  expected <- call$run()
  call$prepare()
  asked <- watch(call$run(), ...)$asked
  # Threads share the work otherwise each time.
  numbers <- seq_len(asked + if (threads > 1) 20 else 0)
  if (!is_full) numbers <- sort(unique(c(1:2, asked, pick(numbers, 8))))
  for (k in numbers) {
    for (all in c(FALSE, TRUE)) {
      call$prepare()
      tried <- watch(call$run(), fail = k, all = all, ...)
      errors <<- errors + !is.null(tried$message)
      counter$check(
        is_sound(tried, call, expected) && goes_on(call, expected),
        label, "allocation", k, "of", asked, if (all) "and all after it" else "alone", tried$message
      )
    }
  }
  tried <- NULL
  call$prepare()
  lost <- live_blocks() - kept
  counter$check(lost == 0, label, lost, "blocks are lost")
}

set.seed(10)
tried_kinds <- if (is_full) kinds else kinds[pick(seq_along(kinds), 8)]
counter <- new_counter()
for (kind in tried_kinds) for (threads in 1:2) fail_each(counter, kind, threads)
counter$report("the k-th allocation fails", sprintf("%d of them errors, 0 blocks lost", errors))
