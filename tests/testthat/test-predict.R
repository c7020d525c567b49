m <- nn_conv2d(2, 3, 3)
x <- array(stats::rnorm(20 * 2 * 5 * 6), c(20, 2, 5, 6))
y <- m(x)

reader <- function(x) function(i) x[i, , , , drop = FALSE]

# ---- one piece ----

test_that("predict() is a forward that remembers nothing", {
  m <- nn_conv1d(1, 1, 2)
  x <- array(c(1, 2, 4, 8), c(1, 1, 4))
  expect_identical(predict(m, x), m$clone()(x))
  expect_fault(m$backward(array(1, c(1, 1, 3))), "value", "input")
  expect_identical(c(predict(m, newdata = x[, , 1:2, drop = FALSE])), predict(m, x)[1])
})

# ---- batches ----

test_that("batches of any size have the bits of one piece", {
  for (layer in layers) expect_cases(layer, how_many(5, 20), batch = 7, function(case) {
    operands <- random_operands(case)
    m <- case_module(case, operands)
    whole <- predict(m, operands$input)
    for (size in c(1, 2, 3, 7, 100)) {
      expect_same_bits(predict(m, operands$input, batch_size = size), whole, size)
    }
    NULL
  })
})

test_that("every kind of array is taken in batches", {
  whole <- array(c(1:59, NA), c(10, 2, 3))
  m <- nn_conv1d(2, 2, 2)
  for (x in list(whole, whole > 30, whole + 0.5, whole * 1i, whole[1:3, , , drop = FALSE])) {
    expect_identical(predict(m, x, batch_size = 4), predict(m, x))
  }
  named <- array(stats::rnorm(6), c(3, 2, 1), list(letters[1:3], NULL, NULL))
  m <- nn_conv1d(2, 1, 1)
  expect_identical(predict(m, named, batch_size = 2), predict(m, named))
})

test_that("a transposed layer takes an output size for all batches", {
  m <- nn_conv_transpose1d(1, 1, 3, stride = 2)
  x <- array(stats::rnorm(15), c(5, 1, 3))
  for (size in list(8, c(5, 1, 8))) {
    expect_identical(predict(m, x, size, batch_size = 2), m(x, output_size = size))
  }
  expect_fault(predict(m, x, 100, batch_size = 2), "value", "output_size")
})

test_that("no samples give no output", {
  none <- x[0, , , , drop = FALSE]
  expect_identical(predict(m, none, batch_size = 3), m(none))
  expect_identical(predict(m, reader(x), n = 0, batch_size = 3), m(none))
  expect_null(predict(m, reader(x), n = 0, batch_size = 3, write = stop))
})

test_that("modules and inputs are left alone", {
  before <- deep_copy(list(module_state(m), x))
  predict(m, x, batch_size = 3)
  expect_identical(list(module_state(m), x), before)
})

test_that("batches that are no arrays of samples are refused", {
  expect_match(
    conditionMessage(expect_fault(predict(m, x[1, , , ], batch_size = 2), "shape", "newdata")),
    "samples where `batch_size` is given"
  )
  expect_fault(predict(m, x[, 1, , , drop = FALSE], batch_size = 4), "shape", "newdata")
  expect_fault(predict(m, x, batch_size = 4, n = 20), "value", "n")
  expect_fault(predict(m, x, n = 20), "value", "n")
  expect_fault(predict(m, x, write = print), "value", "write")
})

# ---- functions ----

test_that("a function gives the samples that it is asked for", {
  asked <- list()
  read <- function(i) {
    asked <<- c(asked, list(i))
    reader(x)(i)
  }
  expect_identical(predict(m, read, n = 20, batch_size = 8), y)
  expect_equal(asked, list(1:8, 9:16, 17:20))
})

test_that("a function needs to be told how many, and in which batches", {
  fault <- expect_fault(predict(m, reader(x)), "type", "newdata")
  expect_match(conditionMessage(fault), "needs `batch_size` and `n`")
  expect_fault(predict(m, reader(x), batch_size = 4), "type", "n")
  expect_fault(predict(m, reader(x), batch_size = 4, n = 2^31), "value", "write")
})

test_that("a function that gives other than it should is refused", {
  wrong <- list(
    function(i) x, function(i) NULL, function(i) x[i, , , ][1, , , ], function(i) x[1, , , ],
    function(i) x[seq_along(i), , , seq_len(6 - i[1] %/% 3), drop = FALSE],
    function(i) if (i[1] < 5) reader(x)(i) else reader(x)(i) * 1i,
    function(i) x[i, c(1, 1, 1), , , drop = FALSE]
  )
  for (read in wrong) {
    fault <- expect_fault(predict(m, read, n = 19, batch_size = 2), "shape", "newdata")
    expect_identical(conditionCall(fault)[[1]], quote(predict))
  }
  dropped <- expect_fault(predict(m, function(i) x[i, , , ], n = 1, batch_size = 1), "shape",
    "newdata")
  expect_match(conditionMessage(dropped), "drop = FALSE")
  expect_error(predict(m, function(i) stop("of the reader's"), n = 2, batch_size = 1), "reader's")
})

# ---- writing ----

test_that("outputs are written in order instead of returned", {
  written <- list()
  result <- withVisible(predict(m, x, batch_size = 6, write = function(output, i) {
    written <<- c(written, list(list(output, i)))
  }))
  expect_identical(result, list(value = NULL, visible = FALSE))
  for (each in written) expect_identical(each[[1]], y[each[[2]], , , , drop = FALSE])
  expect_equal(lapply(written, `[[`, 2), list(1:6, 7:12, 13:18, 19:20))
})

test_that("what was written before an interrupt is whole, and nothing else changes", {
  before <- module_state(m)
  written <- integer()
  read <- function(i) {
    if (20 %in% i) rlang::interrupt()
    reader(x)(i)
  }
  ended <- tryCatch(
    predict(m, read, n = 20, batch_size = 6, write = function(output, i) {
      written <<- c(written, i[seq_len(nrow(output))])
    }),
    interrupt = function(condition) "interrupted"
  )
  expect_identical(ended, "interrupted")
  expect_identical(written, 1:18)
  expect_identical(module_state(m), before)
})

test_that("no batch is kept", {
  skip_on_cran()
  # Outputs of 77 MB, which R counts.
  read <- function(i) array(1, c(length(i), 1, 3e5))
  used <- numeric()
  predict(nn_conv1d(1, 8, 1), read, n = 24, batch_size = 4, write = function(output, i) {
    used <<- c(used, sum(gc()[, 2]))
  })
  expect_length(used, 6)
  expect_lt(diff(range(used)), 20)
})

# ---- progress ----

shown <- function(...) {
  withr::local_options(
    cli.progress_show_after = 0, cli.progress_handlers_only = "cli", cli.unicode = FALSE
  )
  read <- function(i) {
    Sys.sleep(0.25)
    reader(x)(i)
  }
  utils::capture.output(
    predict(m, read, n = 20, batch_size = 5, write = function(output, i) NULL, ...),
    type = "message"
  )
}

test_that("progress tells the part that is done and the time that is left", {
  expect_match(paste(shown(progress = TRUE), collapse = "\n"), "Predicting.* (25|50|75)% .*ETA: ")
  expect_identical(shown(progress = FALSE), character())
})

# ---- workers ----

# Two workers for the rest of a test.
local_workers <- function(strategy = "multisession", envir = parent.frame()) {
  testthat::skip_on_cran()
  testthat::skip_if_not_installed("future")
  old <- future::plan(strategy, workers = 2)
  withr::defer(future::plan(old), envir)
}

test_that("workers give the bits of one piece", {
  for (strategy in c("multisession", "multicore")) {
    local_workers(strategy)
    expect_identical(predict(m, x, batch_size = 3), y)
    scale <- 2
    expect_identical(
      predict(m, function(i) scale * x[i, , , , drop = FALSE], n = 20, batch_size = 3), m(2 * x)
    )
    written <- integer()
    predict(m, x, batch_size = 3, write = function(output, i) {
      expect_identical(output, y[i, , , , drop = FALSE])
      written <<- c(written, i)
    })
    expect_identical(written, 1:20)
  }
})

test_that("workers use one thread, or the option's, and its algorithm", {
  local_workers()
  m <- nn_conv1d(1, 1, 1, bias = FALSE)
  m$weight <- array(1, c(1, 1, 1))
  threads <- function(i) array(nnconv::conv_get_num_threads(), c(length(i), 1, 1))
  fast <- function(i) array(nnconv::conv_get_algorithm() == "fast", c(length(i), 1, 1))
  on_workers <- function(f) c(predict(m, f, n = 2, batch_size = 1))
  withr::with_options(list(nnconv.threads = NULL), expect_identical(on_workers(threads), c(1, 1)))
  withr::with_options(list(nnconv.threads = 3), expect_identical(on_workers(threads), c(3, 3)))
  withr::with_options(list(nnconv.algorithm = "fast"), {
    expect_identical(on_workers(fast), c(1, 1))
  })
  left <- lapply(1:2, function(i) future::future(getOption("nnconv.threads")))
  expect_identical(future::value(left), list(NULL, NULL))
})

test_that("no more batches are under way than there are workers", {
  local_workers()
  folder <- withr::local_tempdir()
  read <- function(i) {
    file.create(file.path(folder, i[1]))
    array(0, c(length(i), 1, 1))
  }
  ahead <- integer()
  predict(nn_conv1d(1, 1, 1), read, n = 12, batch_size = 1, write = function(output, i) {
    Sys.sleep(0.05)
    ahead <<- c(ahead, length(list.files(folder)) - i)
  })
  expect_lte(max(ahead), 1)
})

test_that("faults on workers are those of the call here", {
  local_workers()
  fault <- expect_fault(predict(m, x[, 1, , , drop = FALSE], batch_size = 4), "shape", "newdata")
  expect_identical(conditionCall(fault)[[1]], quote(predict))
  expect_fault(predict(m, function(i) x, n = 20, batch_size = 4), "shape", "newdata")
  expect_error(
    predict(m, function(i) stop("of the reader's"), n = 20, batch_size = 4), "of the reader's"
  )
  expect_identical(predict(m, x, batch_size = 3), y)
})

test_that("gradients of shards, summed in order, are those of one step", {
  skip_if_not_installed("future.apply")
  local_workers()
  target <- array(stats::rnorm(length(y)), dim(y))
  gradient_of <- function(m, x, target, of) {
    m <- m$clone()
    m$zero_grad()
    m$backward(2 * (m(x) - target) / of, needs = c("weight", "bias"))
    m$grad
  }
  shards <- split(1:20, rep(1:3, c(7, 7, 6)))
  summed_over <- function(shards) {
    parts <- future.apply::future_lapply(shards, function(rows) {
      gradient_of(m, x[rows, , , , drop = FALSE], target[rows, , , , drop = FALSE], length(y))
    })
    Reduce(function(sum, part) Map(`+`, sum, part), parts)
  }
  whole <- gradient_of(m, x, target, length(y))
  summed <- summed_over(shards)
  for (name in c("weight", "bias")) expect_close(summed[[name]], whole[[name]], 1e-12, name)
  future::plan("sequential")
  expect_identical(summed_over(shards), summed)
})

# ---- large numbers ----

test_that("indices go beyond the range of integers", {
  expect_identical(batch_indices(1, 4, 10), 1:4)
  expect_identical(batch_indices(9, 4, 10), 9:10)
  expect_identical(batch_indices(2^31, 4, 2^31 + 2), 2^31 + 0:2)
  expect_identical(batch_indices(2^53 - 1, 4, 2^53), 2^53 - 1:0)
  expect_identical(check_whole(2^53, "n"), 2^53)
})
