constructors <- list(nn_conv1d, nn_conv2d, nn_conv3d)

test_that("a layer computes what its function does, with its own weights", {
  for (n in 1:3) {
    m <- constructors[[n]](4, 6, 2, stride = 2, padding = 1, groups = 2, padding_mode = "reflect")
    functional <- list(nnf_conv1d, nnf_conv2d, nnf_conv3d)[[n]]
    x <- array(stats::rnorm(8 * 5^n), c(2, 4, rep(5, n)))
    expect_identical(
      m(x),
      functional(x, m$weight, m$bias, 2, 1, groups = 2, padding_mode = "reflect")
    )
  }
})

test_that("a layer keeps its precision", {
  x <- array(stats::rnorm(20), c(1, 2, 10))
  m <- nn_conv1d(2, 3, 3, dtype = "float32")
  expect_identical(m(x), nnf_conv1d(x, m$weight, m$bias, dtype = "float32"))
  expect_false(identical(m(x), nnf_conv1d(x, m$weight, m$bias)))
  expect_type(nn_conv1d(2, 3, 3, dtype = "complex128")(x), "complex")
})

test_that("arguments come in torch's order", {
  names <- c(
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias",
    "padding_mode", "device", "dtype"
  )
  for (constructor in constructors) expect_named(formals(constructor), names)
})

test_that("every number of spatial dimensions has its own shape of weight", {
  for (n in 1:3) {
    expect_identical(dim(constructors[[n]](2, 3, 1)$weight), c(3L, 2L, rep(1L, n)))
    expect_fault(constructors[[n]](2, 3, rep(1, n + 1)), "value", "kernel_size")
  }
})

test_that("a constructor that fails draws nothing", {
  set.seed(1)
  seed <- .Random.seed
  expect_fault(nn_conv2d(2, 3, 3, bias = NA), "value", "bias")
  expect_fault(nn_conv2d(2, 3, 3, dtype = "double"), "value", "dtype")
  expect_fault(nn_conv2d(2, 3, 3, device = "cuda"), "value", "device")
  expect_fault(nn_conv2d(2, 3, 3, groups = 2), "value", "groups")
  expect_identical(.Random.seed, seed)
})

test_that("a missing argument is named", {
  expect_fault(nn_conv2d(3, 8), "type", "kernel_size")
  expect_fault(nn_conv_transpose1d(3, kernel_size = 2), "type", "out_channels")
  m <- nn_conv1d(1, 1, 2)
  expect_fault(m(), "type", "input")
  expect_fault(m$backward(), "type", "grad_output")
  expect_fault(predict(m), "type", "newdata")
})

test_that("an input of another layout gets the call that mends it", {
  fix_of <- function(code) tryCatch(code, nnconv_error = function(fault) fault$fix)
  m <- nn_conv2d(3, 8, 3)
  image <- array(as.numeric(1:756), c(28, 9, 3))
  expect_match(fix_of(m(image)), "to_nchw(input, \"HWC\")", fixed = TRUE)
  expect_identical(dim(m(to_nchw(image, "HWC"))), c(1L, 8L, 26L, 7L))
  batch <- array(0, c(2, 28, 9, 3))
  expect_match(fix_of(m(batch)), "to_nchw(input, \"NHWC\")", fixed = TRUE)
  expect_match(fix_of(m(volcano)), "one channel; 3 channels are taken")
  grey <- nn_conv2d(1, 8, 3)
  expect_match(fix_of(grey(volcano)), "array(input, c(1, 1, 87, 61))", fixed = TRUE)
  expect_match(fix_of(predict(grey, volcano)), "array(newdata, c(1, 1, 87, 61))", fixed = TRUE)
  samples <- array(0, c(10, 28, 28))
  expect_match(fix_of(grey(samples)), "array(input, c(10, 1, 28, 28))", fixed = TRUE)
})

test_that("an array of text is said to be one", {
  expect_error(nn_conv1d(1, 1, 2)(array("a", c(1, 1, 3))), "not a character array of dim (1, 1, 3)",
    fixed = TRUE, class = "nnconv_type_error"
  )
})
