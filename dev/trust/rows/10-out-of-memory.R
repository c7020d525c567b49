# Row 10: no memory. The k-th allocation of a call fails, for every k, alone or with all after it;
# R's own large ones too; and a ceiling stands over the process. Each time it is an R error, or,
# where what waited for the next call is enough, the same bits; no block is lost, a module is as it
# was, and the next call gives the same bits.

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
starved <- watch(nnf_pad(array(0, 1), c(0, 1)), fail = 1)
kept <- live_blocks()

# Every k-th allocation of a call, or those of a sample.
fail_each <- function(counter, kind, threads, ...) {
  options(nnconv.threads = threads)
  label <- sprintf("%s, %d threads,", kind$name, threads)
  call <- new_call(kind)
  call$prepare()
  expected <- call$run()
  call$prepare()
  asked <- watch(call$run(), ...)$asked
  # Threads share the work otherwise each time.
  numbers <- seq_len(asked + if (threads > 1) 20 else 0)
  if (!is_full) numbers <- sort(unique(c(1:2, asked, pick(numbers, 6))))
  errors <- 0
  for (k in numbers) {
    for (all in c(FALSE, TRUE)) {
      call$prepare()
      tried <- watch(call$run(), fail = k, all = all, ...)
      errors <- errors + !is.null(tried$message)
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
  errors
}

set.seed(10)
fail_all_kinds <- function(part, tried, ...) {
  counter <- new_counter()
  errors <- 0
  for (kind in tried) {
    for (threads in 1:2) errors <- errors + fail_each(counter, kind, threads, ...)
  }
  counter$check(errors > 0, "no call fails")
  counter$report(part, sprintf("%d of them errors", errors))
}
of_sample <- function(n) if (is_full) kinds else kinds[pick(seq_along(kinds), n)]
fail_all_kinds("the k-th allocation fails", of_sample(8))
fail_all_kinds("also R's own large ones", of_sample(3), of_r = TRUE, least = 4000)

under_ceiling <- function(counter, kind, threads) {
  options(nnconv.threads = threads)
  call <- new_call(kind, long = TRUE)
  call$prepare()
  expected <- call$run()
  errors <- 0
  for (megabytes in how_many(c(1, 4, 16, 32, 64, 128, 256, 512, 1024), c(1, 32, 256))) {
    call$prepare()
    set_ceiling(megabytes)
    tried <- watch(call$run())
    set_ceiling(NULL)
    errors <- errors + !is.null(tried$message)
    counter$check(
      is_sound(tried, call, expected), kind$name, threads, "threads, under", megabytes, "MB",
      tried$message
    )
    tried <- NULL
  }
  counter$check(goes_on(call, expected), kind$name, threads, "threads, afterwards")
  errors
}

ceilings <- new_counter()
errors <- 0
for (kind in of_sample(2)) {
  for (threads in 1:2) errors <- errors + under_ceiling(ceilings, kind, threads)
}
ceilings$check(live_blocks() == kept, live_blocks() - kept, "blocks are lost")
ceilings$report("a ceiling on the process", sprintf("%d of them errors", errors))
