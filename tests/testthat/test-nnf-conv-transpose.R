line <- array(c(1, 2, 3), c(1, 1, 3))
pair <- array(c(1, 10), c(1, 1, 2))

test_that("every input pixel is spread over the kernel", {
  spread <- function(...) c(nnf_conv_transpose1d(line, pair, ...))
  expect_identical(spread(), c(1, 12, 23, 30))
  expect_identical(spread(bias = 100), c(101, 112, 123, 130))
  expect_identical(spread(stride = 2), c(1, 10, 2, 20, 3, 30))
  expect_identical(spread(stride = 3), c(1, 10, 0, 2, 20, 0, 3, 30))
  expect_identical(spread(dilation = 2), c(1, 2, 13, 20, 30))
})

test_that("padding cuts and output_padding adds", {
  spread <- function(...) c(nnf_conv_transpose1d(line, pair, stride = 2, ...))
  expect_identical(spread(padding = 1), c(10, 2, 20, 3))
  expect_identical(spread(padding = list(c(0, 2))), c(1, 10, 2, 20))
  expect_identical(spread(output_padding = 1), c(1, 10, 2, 20, 3, 30, 0))
  expect_identical(spread(padding = list(c(0, 2)), output_padding = 1), c(1, 10, 2, 20, 3))
})

test_that("words of padding are for convolutions", {
  expect_fault(nnf_conv_transpose1d(line, pair, padding = "same"), "type", "padding")
})

test_that("groups keep channels apart, and have their own output channels", {
  x <- array(c(1, 10), c(1, 2, 1))
  w <- array(c(1, 2, 3, 4), c(2, 2, 1))
  expect_identical(c(nnf_conv_transpose1d(x, w, groups = 2)), c(1, 3, 20, 40))
  expect_identical(c(nnf_conv_transpose1d(x, w)), c(21, 43))
})

test_that("the output has the input's rank", {
  w <- array(1, c(2, 3, 2, 2))
  expect_identical(dim(nnf_conv_transpose2d(array(0, c(5, 2, 3, 4)), w)), c(5L, 3L, 4L, 5L))
  expect_identical(dim(nnf_conv_transpose2d(array(0, c(2, 3, 4)), w)), c(3L, 4L, 5L))
  expect_identical(dim(nnf_conv_transpose2d(array(0, c(0, 2, 3, 4)), w)), c(0L, 3L, 4L, 5L))
})
