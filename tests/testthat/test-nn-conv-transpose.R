constructors <- list(nn_conv_transpose1d, nn_conv_transpose2d, nn_conv_transpose3d)

test_that("a layer computes what its function does, with its own weights", {
  for (n in 1:3) {
    m <- constructors[[n]](4, 6, 3, stride = 2, padding = 1, output_padding = 1, groups = 2)
    functional <- list(nnf_conv_transpose1d, nnf_conv_transpose2d, nnf_conv_transpose3d)[[n]]
    x <- array(stats::rnorm(8 * 3^n), c(2, 4, rep(3, n)))
    expect_identical(m(x), functional(x, m$weight, m$bias, 2, 1, 1, 2))
  }
})

test_that("arguments come in torch's order", {
  names <- c(
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups",
    "bias", "dilation", "padding_mode", "device", "dtype"
  )
  for (constructor in constructors) expect_named(formals(constructor), names)
})

test_that("output_size chooses among the sizes that the stride leaves open", {
  m <- nn_conv_transpose2d(1, 2, 3, stride = c(2, 3), dilation = c(1, 2))
  x <- array(stats::rnorm(12), c(1, 1, 3, 4))
  smallest <- c(7, 14)
  expect_identical(dim(m(x)), c(1L, 2L, 7L, 14L))
  for (more in list(c(0, 0), c(1, 2), c(0, 1))) {
    size <- smallest + more
    expected <- nnf_conv_transpose2d(
      x, m$weight, m$bias, c(2, 3), output_padding = more, dilation = c(1, 2)
    )
    expect_identical(m(x, output_size = size), expected)
    expect_identical(m(x, output_size = c(9, 9, size)), expected)
    expect_identical(m$forward(x, size), expected)
  }
  for (size in list(c(6, 14), c(9, 14), c(7, 17), 7, c(1, 7, 14), c(1.5, 14), c(NA, 14))) {
    expect_fault(m(x, output_size = size), "value", "output_size", deparse(size))
  }
  expect_fault(m(x, output_size = "7"), "type", "output_size")
})

test_that("output_size takes a dim of an unbatched input's rank", {
  m <- nn_conv_transpose1d(1, 2, 3, stride = 2)
  x <- array(1:4, c(1, 4))
  expect_identical(dim(m(x, output_size = 10)), c(2L, 10L))
  expect_identical(dim(m(x, output_size = c(1, 10))), c(2L, 10L))
})
