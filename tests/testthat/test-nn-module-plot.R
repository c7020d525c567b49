# What is drawn goes nowhere.
draw <- function(m, ...) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  graphics::par(mar = c(1, 2, 3, 4))
  before <- graphics::par(no.readonly = TRUE)
  result <- withVisible(plot(m, ...))
  after <- graphics::par(no.readonly = TRUE)
  expect_identical(after$mar, before$mar)
  expect_identical(after$mfrow, before$mfrow)
  expect_identical(result, list(value = m, visible = FALSE))
}

test_that("plot() draws every layer, and leaves the device's settings alone", {
  draw(nn_conv1d(3, 5, 7))
  draw(nn_conv2d(3, 8, c(3, 5)), main = "Kernels")
  draw(nn_conv3d(2, 3, 3))
  draw(nn_conv_transpose2d(4, 6, 3, groups = 2))
  draw(nn_conv2d(1, 2, 3, dtype = "complex128"))
})

test_that("plot() draws weights that cannot be scaled", {
  m <- nn_conv1d(1, 1, 3)
  for (values in list(0, NaN, c(Inf, -Inf, 1))) {
    m$weight <- array(as.double(values), c(1, 1, 3))
    draw(m)
  }
})

test_that("each kernel stands upright in its own place", {
  weight <- array(as.double(1:24), c(2, 2, 2, 3))
  mosaic <- kernel_mosaic(weight)
  expect_identical(dim(mosaic), c(5L, 7L))
  expect_identical(mosaic[1:2, 1:3], weight[1, 1, , ])
  expect_identical(mosaic[1:2, 5:7], weight[1, 2, , ])
  expect_identical(mosaic[4:5, 1:3], weight[2, 1, , ])
  expect_true(all(is.na(mosaic[3, ])) && all(is.na(mosaic[, 4])))
  strip <- kernel_mosaic(array(as.double(1:6), c(2, 1, 3)))
  expect_identical(strip[c(1, 3), ], matrix(as.double(1:6), 2))
  slices <- kernel_mosaic(array(as.double(1:8), c(1, 1, 2, 2, 2)))
  expect_identical(slices[, 1:2], array(as.double(1:8), c(2, 2, 2))[1, , ])
})

test_that("colours are white at 0 and as strong on both sides", {
  colours <- kernel_colours(matrix(c(-2, 0, 2, 1, NA, Inf), 2))
  expect_identical(colours[1:3], c("#2166AC", "#FFFFFF", "#B2182B"))
  expect_identical(colours[5:6], rep("#D9D9D9", 2))
})
