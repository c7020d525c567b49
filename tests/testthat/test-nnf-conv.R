line <- array(c(1, 2, 3, 4, 5), c(1, 1, 5))
ones <- array(1, c(1, 1, 3))

test_that("a convolution slides without flipping", {
  expect_identical(c(nnf_conv1d(line, array(c(1, 0, 0), c(1, 1, 3)))), c(1, 2, 3))
  expect_identical(c(nnf_conv1d(line, array(c(0, 0, 10), c(1, 1, 3)), bias = 1)), c(31, 41, 51))
})

test_that("padding comes in every form", {
  sums <- function(...) c(nnf_conv1d(line, ones, ...))
  expect_identical(sums(padding = "valid"), c(6, 9, 12))
  expect_identical(sums(padding = "same"), c(3, 6, 9, 12, 9))
  expect_identical(sums(padding = "causal"), c(1, 3, 6, 9, 12))
  expect_identical(sums(padding = "causal", stride = 2), c(1, 6, 12))
  expect_identical(sums(padding = 1), sums(padding = "same"))
  expect_identical(sums(padding = list(c(2, 0))), sums(padding = "causal"))
  expect_identical(sums(padding = list(c(0, 2))), c(6, 9, 12, 9, 5))
  pair <- array(1, c(1, 1, 2))
  expect_identical(c(nnf_conv1d(line, pair, padding = "same")), c(3, 5, 7, 9, 5))
})

test_that("padding comes in every mode", {
  sums <- function(mode, padding = "same") {
    c(nnf_conv1d(line, ones, padding = padding, padding_mode = mode))
  }
  expect_identical(sums("reflect"), c(5, 6, 9, 12, 13))
  expect_identical(sums("replicate"), c(4, 6, 9, 12, 14))
  expect_identical(sums("circular"), c(8, 6, 9, 12, 10))
  expect_identical(sums("replicate", "causal"), c(3, 4, 6, 9, 12))
  expect_identical(sums("circular", list(c(0, 5))), c(6, 9, 12, 10, 8, 6, 9, 12))
})

test_that("stride and dilation go by dimension, the first first", {
  x <- array(as.double(1:20), c(1, 1, 4, 5))
  w <- array(1, c(1, 1, 1, 1))
  expect_identical(nnf_conv2d(x, w, stride = c(3, 2))[1, 1, , ], x[1, 1, c(1, 4), c(1, 3, 5)])
  corner <- array(c(1, 0, 0, 100), c(1, 1, 2, 2))
  expect_identical(
    nnf_conv2d(x, corner, dilation = c(2, 3))[1, 1, , ],
    x[1, 1, 1:2, 1:2] + 100 * x[1, 1, 3:4, 4:5]
  )
})

test_that("groups keep channels apart", {
  x <- array(1:4, c(1, 4, 1))
  w <- array(c(1, 100, 10, 1000), c(2, 2, 1))
  expect_identical(c(nnf_conv1d(x, w, groups = 2)), c(21, 4300))
})

test_that("the output has the input's rank, and nothing of its looks", {
  batched <- array(1:12, c(2, 2, 3), list(NULL, c("a", "b"), NULL))
  w <- array(1, c(3, 2, 2))
  expect_identical(attributes(nnf_conv1d(batched, w)), list(dim = c(2L, 3L, 2L)))
  expect_identical(attributes(nnf_conv1d(batched[1, , ], w)), list(dim = c(3L, 2L)))
  expect_identical(nnf_conv1d(batched[0, , , drop = FALSE], w), array(0, c(0, 3, 2)))
})

test_that("integer and logical input are numbers, and their NA is missing", {
  x <- array(c(TRUE, FALSE, NA, TRUE), c(1, 1, 4))
  w <- array(c(1, 1), c(1, 1, 2))
  expect_identical(c(nnf_conv1d(x, w)), c(1, NA, NA))
  expect_identical(c(nnf_conv1d(x + 0L, w)), c(1, NA, NA))
  expect_type(nnf_conv1d(x, w), "double")
})

test_that("complex data or a complex dtype make the result complex", {
  x <- array(1:3, c(1, 1, 3))
  w <- array(c(1, 2), c(1, 1, 2))
  expect_identical(c(nnf_conv1d(x * 1i, w)), c(5i, 8i))
  expect_identical(c(nnf_conv1d(x, w * 1i)), c(5i, 8i))
  expect_identical(c(nnf_conv1d(x, w, dtype = "complex64")), c(5 + 0i, 8 + 0i))
})

test_that("a bare matrix gets a dim to try only where the layer takes one channel", {
  fix_of <- function(code) tryCatch(code, nnconv_error = function(fault) fault$fix)
  one <- array(1, c(1, 1, 3, 3))
  expect_match(fix_of(nnf_conv2d(volcano, one)), "array(input, c(1, 1, 87, 61))", fixed = TRUE)
  two_groups <- array(1, c(2, 1, 3, 3))
  fix <- fix_of(nnf_conv2d(volcano, two_groups, groups = 2))
  expect_identical(fix, "These are the numbers of one channel; 2 channels are taken.")
})
