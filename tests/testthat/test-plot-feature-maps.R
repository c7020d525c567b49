test_that("what is returned is the output of the sample", {
  withr::local_seed(1)
  inputs <- list(c(4, 30), c(4, 12, 9), c(4, 5, 8, 7))
  for (ndim in 1:3) for (layer in c("nn_conv", "nn_conv_transpose")) {
    m <- get(paste0(layer, ndim, "d"))(4, 3, 3)
    x <- array(rnorm(2 * prod(inputs[[ndim]])), c(2, inputs[[ndim]]))
    single <- sample_of(x, 2)
    expect_identical(dim(single), as.integer(inputs[[ndim]]))
    expect_identical(expect_drawn(plot_feature_maps(m, x, sample = 2)), predict(m, single))
    expect_identical(expect_drawn(plot_feature_maps(m, single)), predict(m, single))
  }
})

test_that("a module is not changed by a picture", {
  m <- nn_conv2d(1, 2, 3)
  m(array(1, c(1, 1, 5, 5)))
  before <- deep_copy(module_state(m))
  expect_drawn(plot_feature_maps(m, array(volcano, c(1, 87, 61))))
  expect_identical(module_state(m), before)
})

test_that("all kinds of numbers are drawn", {
  m <- nn_conv2d(1, 2, 3)
  x <- array(volcano, c(1, 87, 61))
  holes <- replace(x, c(5, 700:900), NA)
  constant <- m$clone()
  constant$weight[] <- 0
  inputs <- list(x, holes, x > 150, x * 1i, x * NA, x * Inf, array(1:9, c(1, 3, 3)))
  for (input in inputs) {
    expect_drawn(plot_feature_maps(m, input))
    expect_drawn(plot_feature_maps(constant, input), width = 0.5, height = 0.5)
  }
  series <- nn_conv1d(1, 4, 3)
  for (y in list(c(1, NA, 3, Inf, 5, 6), rep(NA, 5), 1:5 * 1i, rep(2, 9))) {
    expect_drawn(plot_feature_maps(series, array(y, c(1, length(y)))))
  }
  expect_drawn(plot_feature_maps(nn_conv2d(1, 100, 5), x), width = 3, height = 8)
})

test_that("maps on both sides of 0 are white at 0", {
  expect_identical(map_scale(c(-1, 3))$limits, c(-3, 3))
  expect_identical(map_scale(c(2, 3, NA))$limits, c(2, 3))
  expect_identical(map_scale(c(-2, -3))$limits, c(-3, -2))
  expect_identical(input_scale(c(0, 1))$palette[c(1, 255)], c("#000000", "#FFFFFF"))
})

test_that("what has more pixels than can be seen is drawn as means of blocks", {
  x <- matrix(as.double(1:24), 4)
  expect_identical(shrink(x), x)
  expect_equal(shrink(x, most = 2), matrix(c(
    mean(x[1:2, 1:3]), mean(x[3:4, 1:3]), mean(x[1:2, 4:6]), mean(x[3:4, 4:6])
  ), 2), ignore_attr = TRUE)
  expect_identical(dim(shrink(matrix(0, 1, 5000))), c(1L, 1000L))
  expect_equal(mean(shrink(matrix(1:6000 + 0, 3000, 2))), 3000.5)
})

test_that("long series are drawn as the range of each stretch", {
  y <- sin(1:999)
  expect_identical(thin_series(y), list(x = 1:999, y = y))
  long <- c(rep(0, 50000), 9, rep(0, 49999))
  thin <- thin_series(long)
  expect_identical(range(thin$y), c(0, 9))
  expect_lte(length(thin$y), 4000)
  expect_lt(abs(thin$x[which.max(thin$y)] - 50001), 51)
})

test_that("samples that are not there are refused", {
  m <- nn_conv1d(1, 1, 2)
  batch <- array(0, c(3, 1, 5))
  expect_fault(plot_feature_maps(m, batch, sample = 4), "value", "sample")
  expect_fault(plot_feature_maps(m, batch[1, , , drop = FALSE][, , 1:5, drop = FALSE], 2), "value",
    "sample")
  expect_fault(plot_feature_maps(m, array(0, c(1, 5)), sample = 2), "value", "sample")
  expect_fault(plot_feature_maps(m, array(0, c(0, 1, 5))), "value", "sample")
  expect_fault(plot_feature_maps(m), "type", "x")
  expect_fault(plot_feature_maps(m, 1:5), "shape", "x")
  expect_match(
    conditionMessage(catch_fault(plot_feature_maps(nn_conv2d(1, 1, 3), volcano))),
    "array(x, c(1, 1, 87, 61))", fixed = TRUE
  )
})

test_that("pictures of feature maps are as they were", {
  image <- array(volcano, c(1, 87, 61))
  edges <- nn_conv2d(1, 2, 3, bias = FALSE)
  edges$weight <- aperm(array(rep(c(-1, 0, 1), 6), c(3, 3, 1, 2)), c(4, 3, 1, 2))
  expect_picture("maps-2d", function() plot_feature_maps(edges, image))
  means <- nn_conv1d(1, 3, 5, bias = FALSE)
  means$weight[] <- 1 / 5
  series <- array(sunspot.year, c(1, length(sunspot.year)))
  sums <- nn_conv3d(1, 2, 2, bias = FALSE)
  sums$weight[] <- 1
  volume <- array(volcano, c(1, 3, 29, 61))
  expect_picture("maps-3d", function() plot_feature_maps(sums, volume))
  expect_picture("maps-1d", function() plot_feature_maps(means, series))
  series[c(2, 50:60, 62)] <- c(NA, rep(NaN, 11), Inf)
  expect_picture("maps-1d-missing", function() plot_feature_maps(means, series))
})
