# A long call ends soon after an interrupt or a time limit, as R's own condition, and changes
# nothing. The bounds on time are far above what is measured (50 ms), for busy machines.

skip_on_cran()
skip_on_os("windows")

# Seconds from the signal to the condition; NA where `code` came to its end before.
seconds_to_interrupt <- function(code, after = 0.2) {
  signal <- sprintf("sh -c 'sleep %f; kill -INT %d' &", after, Sys.getpid())
  system(signal)
  start <- proc.time()[["elapsed"]]
  ended <- tryCatch(
    {
      force(code)
      FALSE
    },
    interrupt = function(condition) TRUE
  )
  elapsed <- proc.time()[["elapsed"]] - start
  # A signal that came late must not end what follows.
  if (!ended) tryCatch(Sys.sleep(after + 0.5), interrupt = function(condition) NULL)
  if (ended) elapsed - after else NA
}

# A second or more of work for a layer of this dtype.
long_layer <- function(dtype = "float64") {
  nn_conv2d(64, 128, 21, padding = 10, bias = FALSE, dtype = dtype)
}

set.seed(1)
long_input <- array(rnorm(8 * 64 * 112 * 112), c(8, 64, 112, 112))

test_that("an interrupt ends a forward, on one thread and on several", {
  for (threads in 1:2) {
    withr::local_options(nnconv.threads = threads)
    for (dtype in c("float64", "float32")) {
      m <- long_layer(dtype)
      expect_lt(seconds_to_interrupt(m(long_input)), 2)
      expect_error(m$backward(long_input), "forward", class = "nnconv_value_error")
    }
  }
})

test_that("an interrupted backward leaves the gradients as they were", {
  withr::local_options(nnconv.threads = 2)
  m <- long_layer()
  m$eval()
  grad_output <- long_input[, rep(1:64, 2), , ]
  small <- list(long_input[1, , 1:9, 1:9], grad_output[1, , 1:9, 1:9])
  m$backward(small[[2]], small[[1]])
  before <- m$grad
  for (needs in c("input", "weight")) {
    code <- quote(m$backward(grad_output, long_input, needs = needs))
    expect_lt(seconds_to_interrupt(eval(code)), 2)
  }
  expect_identical(m$grad, before)
})

test_that("a time limit ends a call as R's own error, and the next call works", {
  withr::local_options(nnconv.threads = 2)
  m <- long_layer()
  start <- proc.time()[["elapsed"]]
  expect_error(
    {
      setTimeLimit(elapsed = 0.2, transient = TRUE)
      m(long_input)
    },
    "elapsed time limit"
  )
  setTimeLimit()
  expect_lt(proc.time()[["elapsed"]] - start, 2)
  small <- long_input[1, , 1:9, 1:9]
  expect_identical(m(small), nnf_conv2d(small, m$weight, padding = 10))
})
