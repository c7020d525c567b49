x <- array(1:3, c(1, 1, 3))

test_that("the last dimension comes first", {
  padded <- nnf_pad(diag(2), c(0, 1, 1, 0), value = 9)
  expect_identical(padded, matrix(c(9, 1, 0, 9, 0, 1, 9, 9, 9), 3))
})

test_that("modes fill as they say", {
  filled <- function(mode, pad = c(2, 1)) c(nnf_pad(x, pad, mode))
  expect_identical(filled("constant"), c(0, 0, 1, 2, 3, 0))
  expect_identical(filled("reflect"), c(3, 2, 1, 2, 3, 2))
  expect_identical(filled("replicate"), c(1, 1, 1, 2, 3, 3))
  expect_identical(filled("circular"), c(2, 3, 1, 2, 3, 1))
  expect_identical(filled("circular", c(3, 3)), c(1, 2, 3, 1, 2, 3, 1, 2, 3))
})

test_that("negative constant padding crops", {
  expect_identical(c(nnf_pad(x, c(-1, 0))), c(2, 3))
  expect_identical(c(nnf_pad(x, c(-1, 2), value = 7)), c(2, 3, 7, 7))
})

test_that("value may be NULL, missing, infinite or complex", {
  expect_identical(c(nnf_pad(x, c(1, 0), value = NULL)), c(0, 1, 2, 3))
  expect_identical(c(nnf_pad(x, c(1, 0), value = NA)), c(NA, 1, 2, 3))
  expect_identical(c(nnf_pad(x, c(1, 0), value = -Inf)), c(-Inf, 1, 2, 3))
  expect_identical(c(nnf_pad(x, c(1, 0), value = 1i)), c(1i, 1, 2, 3))
  expect_identical(c(nnf_pad(x * 1i, c(1, 0), value = 5)), c(5, 1i, 2i, 3i))
})

test_that("missing values stay, and nothing but dim is kept", {
  named <- matrix(c(NA, 1L), 1, dimnames = list("a", c("b", "c")))
  expect_identical(nnf_pad(named, c(0, 1)), matrix(c(NA, 1, 0), 1))
})

test_that("padding that the input cannot fill is a shape error", {
  expect_fault(nnf_pad(x, c(3, 0), "reflect"), "shape", "pad")
  expect_fault(nnf_pad(x, c(4, 0), "circular"), "shape", "pad")
  expect_fault(nnf_pad(x, c(-3, 0)), "shape", "pad")
})
