# NA, NaN and infinite values reach the elements whose defining sum has them, and no others.

# Where the sums are finite: the bits of the clean run; elsewhere the very value, NA and NaN alike.
footprint <- function(actual, clean, reference) {
  finite <- is.finite(reference)
  identical(is.na(c(actual)), is.na(c(reference))) &&
    same_bits(c(actual)[finite], c(clean)[finite]) &&
    (is.complex(actual) || same_bits(c(actual)[!finite], c(reference)[!finite]))
}

check_footprint <- function(case) {
  complex <- is_complex(case$dtype)
  operands <- random_operands(case, "integer")
  marked <- operands
  for (name in pick(list("input", "weight", "grad_output", c("input", "weight")))[[1]]) {
    at <- sample.int(length(marked[[name]]), 1)
    marked[[name]][at] <- if (complex) NA else pick(non_finite)
  }
  reference <- reference_results(case, marked)
  wrong <- character()
  for (algorithm in c("direct", "auto", "fast")) {
    withr::local_options(nnconv.algorithm = algorithm)
    is_right <- mapply(footprint, results(case, marked), results(case, operands), reference)
    wrong <- c(wrong, sprintf("%s %s", algorithm, names(reference)[!is_right]))
  }
  wrong
}

test_that("what is not finite stays where it belongs", {
  for (layer in layers) expect_cases(layer, how_many(10, 60), check_footprint)
})

test_that("a missing bias is missing in its channel alone", {
  for (layer in layers) {
    expect_cases(layer, 20, bias = TRUE, dtype = "float64", batch = 2, function(case) {
      operands <- random_operands(case)
      clean <- forward(case, operands)
      operands$bias[1] <- NA
      output <- forward(case, operands)
      channel <- slice.index(output, 2)
      c(
        if (!all(is.na(output[channel == 1]))) "its channel",
        if (!same_bits(output[channel != 1], clean[channel != 1])) "another channel"
      )
    })
  }
})

test_that("padding by zeros adds no 0 * Inf", {
  input <- array(1, c(1, 1, 3, 3))
  weight <- array(c(Inf, rep(1, 8)), c(1, 1, 3, 3))
  output <- nnf_conv2d(input, weight, padding = 1)
  expect_identical(output[1, 1, , ], rbind(c(4, 6, 4), c(6, Inf, Inf), c(4, Inf, Inf)))
  expect_identical(nnf_conv2d(input, weight, padding = 3)[1, 1, 1, ], rep(0, 7))
})

test_that("missing integers and logicals are NA", {
  integers <- array(c(1L, NA, 3L, 4L, 5L), c(1, 1, 5))
  logicals <- array(c(TRUE, FALSE, TRUE, TRUE, NA), c(1, 1, 5))
  weight <- array(c(1, 2), c(1, 1, 2))
  expect_equal(c(nnf_conv1d(integers, weight)), c(NA, NA, 11, 14))
  expect_equal(c(nnf_conv1d(logicals, weight)), c(1, 2, 3, NA))
  expect_equal(c(nnf_conv_transpose1d(integers, weight)), c(1, NA, NA, 10, 13, 10))
  expect_equal(c(nnf_pad(integers, c(1, 0), "replicate")), c(1, 1, NA, 3, 4, 5))
})

test_that("integers and logicals count as the doubles they are", {
  for (layer in layers) {
    expect_cases(layer, 20, dtype = "float64", function(case) {
      operands <- random_operands(case, "integer")
      expected <- results(case, operands)
      storage.mode(operands$input) <- "integer"
      integer <- differing(results(case, operands), expected)
      operands$input <- operands$input > 0
      logical <- results(case, operands)
      operands$input <- operands$input + 0
      c(integer, differing(logical, results(case, operands)))
    })
  }
})
