x <- array(c(1, 2, 4, 8), c(1, 1, 4))
w <- array(c(1, -1), c(1, 1, 2))
gradient <- array(1, c(1, 1, 3))

test_that("gradients come in a list, as arrays of their operands' shapes", {
  expect_identical(nnf_conv1d_backward(gradient, x, w), list(
    input = array(c(1, 0, 0, -1), c(1, 1, 4)), weight = array(c(7, 14), c(1, 1, 2)), bias = 3
  ))
  transposed <- nnf_conv_transpose1d_backward(array(1, c(1, 1, 5)), x, w)
  expect_identical(transposed, list(
    input = array(0, c(1, 1, 4)), weight = array(15, c(1, 1, 2)), bias = 5
  ))
})

test_that("needs leaves out", {
  all <- nnf_conv1d_backward(gradient, x, w)
  for (needs in list("input", c("bias", "weight"), character(), c("bias", "bias"))) {
    expected <- all
    expected[setdiff(names(all), needs)] <- list(NULL)
    expect_identical(nnf_conv1d_backward(gradient, x, w, needs = needs), expected)
  }
  expect_fault(nnf_conv1d_backward(gradient, x, w, needs = "weights"), "value", "needs")
  expect_fault(nnf_conv1d_backward(gradient, x, w, needs = NA_character_), "value", "needs")
  expect_fault(nnf_conv1d_backward(gradient, x, w, needs = 1), "type", "needs")
})

test_that("the gradient of a real operand is real", {
  both <- nnf_conv1d_backward(gradient * 1i, x, w)
  expect_type(both$input, "double")
  mixed <- nnf_conv1d_backward(gradient * 1i, x * 1i, w)
  expect_type(mixed$input, "complex")
  expect_identical(c(mixed$weight), c(7, 14))
})

test_that("an unbatched and an empty batch have gradients too", {
  grads <- nnf_conv1d_backward(array(1, c(1, 3)), array(x, c(1, 4)), w)
  expect_identical(grads$input, array(c(1, 0, 0, -1), c(1, 4)))
  none <- nnf_conv1d_backward(array(0, c(0, 1, 3)), array(0, c(0, 1, 4)), w)
  expect_identical(none, list(input = array(0, c(0, 1, 4)), weight = 0 * w, bias = 0))
})

test_that("the gradient of the output must have the output's dim", {
  for (dim in list(c(1, 1, 4), c(1, 2, 3), c(2, 1, 3), c(1, 3), 3)) {
    bad <- array(0, dim)
    expect_fault(nnf_conv1d_backward(bad, x, w), "shape", "grad_output", deparse(dim))
  }
})
