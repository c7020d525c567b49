test_that("why() names the kernels of the instruction set in use, and gives reasons", {
  m <- nn_conv2d(8, 8, 3)
  plan <- nnconv:::why(m, array(0, c(16, 8, 9, 9)))
  expect_identical(plan$result, c("output", "input", "weight"))
  expect_match(plan$kernel, paste0("^f64_[a-z]+_[0-9]x[0-9]__", nnconv:::isa_(), "$"))
  expect_match(plan$reason[1], "in place")
  expect_match(plan$reason[3], "gradient of a weight")
})

test_that("the vectors are samples, channels or lanes", {
  withr::local_options(nnconv.algorithm = "direct")
  x <- array(0, c(1, 64, 9, 9))
  expect_match(nnconv:::why(nn_conv2d(64, 64, 3), x)$kernel[1:2], "^f64_channels_")
  expect_match(nnconv:::why(nn_conv2d(64, 64, 3), x)$reason[1], "channels of the result")
  depthwise <- nnconv:::why(nn_conv2d(64, 64, 3, groups = 64), x)
  expect_match(depthwise$kernel[1:2], "^f64_lines_")
  expect_match(depthwise$reason[2], "lanes")
})

test_that("the plan follows dtype and rows, and never the number of threads", {
  x <- array(0, c(3, 4, 9))
  single <- nnconv:::why(nn_conv1d(4, 8, 3, dtype = "float32"), x)
  expect_match(single$kernel, "^f32_")
  complex <- nnconv:::why(nn_conv1d(4, 8, 3, dtype = "complex128"), x)
  expect_match(complex$reason[1], "complex")
  m <- nn_conv1d(4, 8, 3)
  withr::local_options(nnconv.threads = 1)
  alone <- nnconv:::why(m, x)
  withr::local_options(nnconv.threads = 3)
  expect_identical(nnconv:::why(m, x), alone)
})

test_that("why() raises the faults of a forward", {
  expect_error(nnconv:::why(nn_conv1d(4, 8, 3), array(0, c(1, 3, 9))), class = "nnconv_shape_error")
})

test_that("filters and Winograd are named with what they are for", {
  filter <- nnconv:::why(nn_conv2d(1, 1, 5), array(0, c(1, 1, 40, 40)))
  expect_match(filter$kernel[1], "^f64_filter_")
  m <- nn_conv2d(16, 16, 3)
  x <- array(0, c(1, 16, 20, 20))
  expect_match(nnconv:::why(m, x)$kernel[1:2], "^f64_WinogradF2__.*, f64_channels_")
  withr::local_options(nnconv.algorithm = "fast")
  expect_match(nnconv:::why(m, x)$kernel[1], "^f64_WinogradF4__")
})
