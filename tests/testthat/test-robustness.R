# What a careless or hostile caller may do: no crash, no memory beyond the promise, no deafness to
# time limits.

# Megabytes that `code` takes at its peak beyond what the process has before, and the result's own.
peak_beyond <- function(code) {
  status <- function(field) {
    line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
    as.numeric(gsub("[^0-9]", "", line)) / 1024
  }
  gc()
  writeLines("5", "/proc/self/clear_refs")
  before <- status("VmRSS")
  result <- force(code)
  status("VmHWM") - before - as.numeric(utils::object.size(result)) / 2^20
}

skip_unless_memory_shows <- function() {
  skip_on_cran()
  writable <- file.exists("/proc/self/clear_refs") && file.access("/proc/self/clear_refs", 2) == 0
  skip_if_not(writable, "no way to see the peak of memory here")
}

ones <- function(...) array(1, c(...))

test_that("a module with a damaged geometry gives an error or a result, never a crash", {
  set.seed(1)
  modules <- list(
    nn_conv1d(2, 4, 3, padding = 1, padding_mode = "reflect", groups = 2),
    nn_conv2d(1, 2, 3, padding = "same", padding_mode = "circular"),
    nn_conv_transpose1d(2, 2, 4, stride = 2, output_padding = 1)
  )
  inputs <- list(ones(2, 12), ones(1, 6, 7), ones(2, 5))
  values <- c(NA, NaN, -1, 0, 0.5, 1, 2, 3, 4, 1e3, 5e11, 2^31, 2^53, 2^62, 1e300, Inf)
  outcomes <- 0
  for (i in seq_along(modules)) {
    for (at in seq_along(environment(modules[[i]])$geometry)) {
      for (value in values) {
        m <- modules[[i]]$clone()
        data <- environment(m)
        data$geometry[at] <- value
        setTimeLimit(elapsed = 5, transient = TRUE)
        output <- tryCatch(m(inputs[[i]]), error = identity)
        if (is.array(output) && length(output) < 1e6) {
          tryCatch(m$backward(output, inputs[[i]]), error = identity)
        }
        outcomes <- outcomes + (inherits(output, "error") || is.array(output))
      }
    }
  }
  setTimeLimit()
  expect_identical(outcomes, length(modules) * 24 * length(values))
})

test_that("a module with a damaged weight is refused wherever the weight's dim is read", {
  for (weight in list(c(1, 1, 1), NULL, ones(1, 3), ones(1, 1, 3, 1), ones(1, 1, 0))) {
    m <- nn_conv1d(1, 1, 3)
    kind <- if (is.numeric(weight)) "shape" else "type"
    assign("weight", weight, environment(m))
    expect_fault(summary(m, input_dim = c(1, 1, 10)), kind, "weight")
    expect_fault(plot_conv(m), kind, "weight")
    expect_fault(plot_receptive_field(m), kind, "weight")
    expect_fault(m(ones(1, 1, 10)), kind, "weight")
  }
})

test_that("predict() counts samples by the geometry, whatever the fields say", {
  m <- nn_conv1d(1, 1, 3)
  x <- ones(2, 1, 10)
  expected <- m(x)
  for (kernel_size in list(rep(3L, 700), integer(), NULL, "3")) {
    assign("kernel_size", kernel_size, environment(m))
    expect_identical(predict(m, x, batch_size = 1), expected)
    fault <- expect_fault(predict(m, ones(10), batch_size = 1), "shape", "newdata")
    expect_match(fault$must, "(batch, channels, length) or (channels, length)", fixed = TRUE)
  }
})

test_that("pads whose sum no integer holds are damaged ones", {
  m <- nn_conv1d(1, 1, 3)
  data <- environment(m)
  pads <- 6 + c(10, 13)
  data$geometry[pads] <- 2^53
  expect_fault(m(ones(1, 5)), "shape", "input")
  for (pad in c(2^53 + 2, 2^62)) {
    data$geometry[pads] <- pad
    expect_error(m(ones(1, 5)), "this module is damaged")
  }
})

test_that("a module without a format is refused", {
  for (format in list(NULL, NA, integer(), "later", 1:2)) {
    m <- nn_conv1d(1, 1, 3)
    assign("format", format, environment(m))
    expect_fault(m(ones(1, 5)), "value", "format")
    expect_fault(summary(m), "value", "format")
  }
})

test_that("functions and modules pad alike, or both refuse, however far the kernel reaches", {
  skip_on_cran()
  reach <- 2^31 - 1
  x <- ones(1, 1, 7)
  exact <- nn_conv1d(1, 1, 2^22 + 1, dilation = reach, padding = "same", bias = FALSE)
  expect_identical(exact(x), nnf_conv1d(x, exact$weight, dilation = reach, padding = "same"))
  beyond <- 2^22 + 3
  for (padding in c("same", "causal")) {
    expect_fault(nn_conv1d(1, 1, beyond, dilation = reach, padding = padding), "value", "padding")
    expect_fault(
      nnf_conv1d(x, ones(1, 1, beyond), dilation = reach, padding = padding), "value", "padding"
    )
  }
})

# An array as it may come from a damaged file: with another dim than its length allows.
damaged_array <- function(dim, other) {
  as_bytes <- function(x) writeBin(as.integer(x), raw(), endian = "big")
  bytes <- serialize(ones(dim), NULL)
  at <- grepRaw(as_bytes(dim), bytes, fixed = TRUE)
  bytes[at - 1 + seq_along(as_bytes(dim))] <- as_bytes(other)
  unserialize(bytes)
}

test_that("a damaged dim is none, and nothing beyond the array is read", {
  x <- damaged_array(c(1, 2, 9), c(1, 2, 1e9))
  w <- damaged_array(c(3, 2, 3), c(3, 2, 1e8))
  expect_identical(dim(x), c(1L, 2L, 1000000000L))
  expect_fault(nnf_conv1d(x, ones(3, 2, 3)), "shape", "input")
  expect_fault(nnf_conv1d(ones(1, 2, 9), w), "shape", "weight")
  expect_fault(nnf_conv1d_backward(x, ones(1, 2, 9), ones(2, 2, 1)), "shape", "grad_output")
  expect_fault(nnf_pad(x, c(1, 1)), "shape", "input")
  m <- nn_conv1d(2, 3, 3)
  expect_fault(m(damaged_array(c(1, 2, 9), c(-1, -2, 9))), "shape", "input")
  expect_fault(m$weight <- damaged_array(c(3, 2, 1), c(3, 2, 3)), "shape", "weight")
  assign("weight", w, environment(m))
  expect_fault(m(ones(1, 2, 9)), "shape", "weight")
  expect_fault(m$load_state_dict(list(weight = w, bias = 1:3)), "shape", "state$weight")
})

test_that("what no memory can hold is an R error", {
  expect_error(
    nnf_pad(ones(1, 1, 1, 1), rep(c(0, 2^31 - 2), 2)),
    "^not enough memory for the working space of this call$"
  )
  expect_error(nnf_conv1d(ones(1, 1, 1), ones(1e6, 1, 1), padding = 1e9), "memory|allocate")
})

test_that("strings that are no text are named in an error", {
  bytes <- "\xff"
  Encoding(bytes) <- "bytes"
  expect_error(nnf_conv1d(ones(1, 5), ones(1, 1, 3), padding = bytes), class = "nnconv_value_error")
  expect_fault(nn_conv1d(1, 1, 3)$load_state_dict(list(a = 1), prefix = bytes), "value", "prefix")
  odd <- structure(1, class = bytes)
  expect_error(nnf_conv1d(ones(1, 5), ones(1, 1, 3), stride = odd), class = "nnconv_type_error")
})

test_that("long strings are cut in messages, between characters", {
  fault <- expect_fault(nn_conv1d(1, 1, 3, dtype = strrep("\u00e9", 1e6)), "value", "dtype")
  expect_identical(fault$found, paste0("the string \"", strrep("\u00e9", 100), "...\""))
})

test_that("a long sequence is refused before it is written out", {
  skip_on_cran()
  expect_fault(nnf_pad(ones(5), 1:3e10), "value", "pad")
})

test_that("more threads than work cost nothing", {
  withr::local_options(nnconv.threads = 1e6)
  expect_identical(c(nnf_conv1d(ones(1, 5), ones(1, 1, 3))), c(3, 3, 3))
  skip_unless_memory_shows()
  expect_lt(peak_beyond(nnf_conv1d(ones(1, 5), ones(1, 1, 3))), 20)
})

test_that("scratch stays below the ceiling", {
  skip_unless_memory_shows()
  withr::local_options(nnconv.threads = 1)
  long <- ones(1, 1, 6001)
  wide <- ones(8, 1024, 7, 7, 7)
  volume <- ones(1, 1024, 7, 7, 7)
  image <- ones(1, 1, 1500, 1500)
  deep <- ones(2, 512, 20, 20)
  weight <- ones(512, 512, 3, 3)
  ceiling <- 64
  expect_lt(peak_beyond(nnf_conv1d(long, long, padding = "same")), ceiling)
  expect_lt(peak_beyond(nnf_conv3d(volume, wide)), ceiling)
  expect_lt(
    peak_beyond(nnf_conv2d_backward(ones(1, 1, 1, 1), image, ones(1, 1, 1, 1), stride = 1500)),
    ceiling
  )
  expect_lt(peak_beyond(nnf_conv2d(deep, weight, padding = 1)), ceiling)
  expect_lt(peak_beyond(nnf_conv2d_backward(deep, deep, weight, padding = 1)), ceiling)
})

test_that("R collects results that are used no more", {
  skip_unless_memory_shows()
  withr::local_options(nnconv.threads = 1)
  x <- ones(1, 1, 4e5)
  w <- ones(1, 1, 3)
  expect_lt(peak_beyond(for (i in 1:300) nnf_conv1d(x, w)), 400)  # of 960
})

test_that("results outlive the package", {
  skip_on_cran()
  skip_on_os("windows")
  code <- bquote({
    library(nnconv, lib.loc = .(dirname(system.file(package = "nnconv"))))
    y <- lapply(1:20, function(i) nnf_conv1d(array(i, c(1, 1, 1e5)), array(1, c(1, 1, 3))))
    path <- system.file(package = "nnconv")
    unloadNamespace("nnconv")
    library.dynam.unload("nnconv", path)
    same <- identical(c(y[[20]]), rep(60, 99998))
    rm(y)
    gc()
    cat(same)
  })
  script <- withr::local_tempfile(lines = deparse(code), fileext = ".R")
  said <- system2(file.path(R.home("bin"), "Rscript"), shQuote(script), stdout = TRUE)
  expect_identical(said, "TRUE")
})

test_that("large numbers in small arguments are quick, or heed a time limit", {
  skip_on_cran()
  seconds <- function(code) {
    setTimeLimit(elapsed = 0.3, transient = TRUE)
    on.exit(setTimeLimit())
    system.time(tryCatch(force(code), error = identity))[["elapsed"]]
  }
  x <- ones(1, 1, 2)
  w <- ones(1, 1, 1)
  expect_lt(seconds(nnf_conv1d(ones(1, 1, 12), ones(1, 1, 3), padding = 5e7)), 3)
  expect_lt(
    seconds(nnf_conv1d_backward(
      ones(1, 1, 3), x, w, padding = 1.5e8, stride = 1.5e8, padding_mode = "replicate"
    )),
    3
  )
  expect_lt(seconds(nnf_conv1d(ones(1, 1, 3e4), ones(1, 1, 30001), padding = "same")), 3)
  expect_lt(seconds(nnf_pad(array(1, 1), c(0, 1e8))), 3)
})

test_that("TRUE is no number", {
  x <- ones(1, 5)
  expect_error(nnf_conv1d(x, ones(1, 1, 3), TRUE), "`bias`", class = "nnconv_type_error")
  m <- nn_conv1d(1, 1, 3)
  expect_error(m$bias <- TRUE, "`bias`", class = "nnconv_type_error")
})
