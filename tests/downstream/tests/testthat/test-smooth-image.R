test_that("an image is smoothed by both passes of a gaussian", {
  reach <- 3 * 2
  weights <- stats::dnorm(-reach:reach, sd = 2)
  weights <- weights / sum(weights)
  kernel <- array(outer(weights, weights), c(1, 1, 13, 13))
  expected <- nnf_conv2d(
    array(volcano, c(1, dim(volcano))), kernel, padding = reach, padding_mode = "reflect"
  )
  expect_equal(downstream::smooth_image(volcano, 2), expected[1, , ], tolerance = 1e-13)
})

test_that("what nnconv refuses is an R error", {
  expect_error(downstream::smooth_image(matrix(1, 2, 2), 2), "`padding` must be smaller than")
})
