test_that("plot() draws every layer, and leaves the device's settings alone", {
  modules <- list(
    nn_conv1d(3, 5, 7), nn_conv1d(1, 1, 1025), nn_conv2d(3, 8, c(3, 5)), nn_conv2d(1, 64, 7),
    nn_conv2d(64, 64, 1), nn_conv3d(2, 3, 3), nn_conv_transpose2d(4, 6, 3, groups = 2),
    nn_conv2d(1, 2, 3, dtype = "complex128")
  )
  for (m in modules) {
    expect_identical(expect_drawn(plot(m)), m)
    expect_drawn(plot(m), width = 0.6, height = 0.4)
  }
  for (main in list("Kernels", NULL, "", quote(x^2))) expect_drawn(plot(modules[[1]], main = main))
  expect_fault(plot(modules[[1]], main = 3), "type", "main")
})

test_that("plot() draws weights that cannot be scaled", {
  m <- nn_conv1d(1, 1, 3)
  for (values in list(0, NaN, c(Inf, -Inf, 1))) {
    m$weight <- array(as.double(values), c(1, 1, 3))
    expect_drawn(plot(m))
  }
})

test_that("each kernel stands upright in its own tile", {
  weight <- array(as.double(1:24), c(2, 2, 2, 3))
  tiles <- kernel_tiles(weight)
  expect_identical(dim(tiles), c(2L, 3L, 2L, 2L))
  for (i in 1:2) for (j in 1:2) expect_identical(slice_of(tiles, i, j), weight[i, j, , ])
  strips <- kernel_tiles(array(as.double(1:6), c(2, 1, 3)))
  expect_identical(slice_of(strips, 2, 1), matrix(c(2, 4, 6), 1))
  volume <- array(as.double(1:16), c(1, 2, 2, 2, 2))
  slices <- kernel_tiles(volume)
  expect_identical(slice_of(slices, 1, 2), cbind(volume[1, 2, 1, , ], volume[1, 2, 2, , ]))
})

test_that("what is real is drawn as it is, what is complex as two parts", {
  expect_identical(parts_of(c(1, 2)), list(c(1, 2)), ignore_attr = TRUE)
  expect_identical(
    parts_of(c(1 + 2i, 3 - 1i)), list("real part" = c(1, 3), "imaginary part" = c(2, -1))
  )
})

test_that("pictures of kernels are as they were", {
  filled <- function(m) {
    m$weight[] <- seq(-1, 1, length.out = length(m$weight))
    m
  }
  expect_picture("kernels-2d", function() plot(filled(nn_conv2d(3, 8, 3))))
  expect_picture("kernels-one-input", function() plot(filled(nn_conv2d(1, 10, 3))))
  expect_picture("kernels-1d", function() plot(filled(nn_conv1d(2, 3, 9))))
  expect_picture("kernels-3d", function() plot(filled(nn_conv3d(2, 2, 3))))
  missing <- filled(nn_conv_transpose2d(2, 3, 2))
  missing$weight[1, 1, 1, 1] <- NA
  expect_picture("kernels-missing", function() plot(missing))
})

test_that("autoplot() is there where ggplot2 is", {
  skip_if_not_installed("ggplot2")
  m <- nn_conv2d(2, 3, c(2, 4))
  m$weight[3, 2, 1, 4] <- NA
  picture <- ggplot2::autoplot(m)
  expect_s3_class(picture, "ggplot")
  expect_identical(picture$labels$x, "input channels")
  drawn <- ggplot2::layer_data(picture)
  expect_identical(nrow(drawn), length(m$weight))
  grey <- drawn[drawn$fill == missing_colour, ]
  expect_identical(nrow(grey), 1L)
  # row 1 is drawn at the top: the axis runs down
  expect_identical(as.vector(c(grey$x, grey$y)), c(4, -1))
  expect_fault(ggplot2::autoplot(m, 1), "value", "...")
})

test_that("the cells of a ggplot are those of the weight", {
  weight <- array(as.double(1:24), c(2, 2, 2, 3))
  cells <- kernel_cells(weight)
  at <- cbind(as.integer(cells$first), as.integer(cells$second), cells$row, cells$column)
  expect_identical(cells$value, weight[at])
  complex <- kernel_cells(array(c(1i, 2, 3, 4), c(2, 2, 1)))
  expect_identical(levels(complex$part), c("real part", "imaginary part"))
  expect_identical(complex$value, c(0, 2, 3, 4, 1, 0, 0, 0))
})

test_that("strips of a ggplot are numbered as there is room, and each part is named once", {
  one_side <- function(n) data.frame(first = factor(seq_len(n)))
  expect_identical(strip_labels(one_side(20)), list(as.character(1:20)))
  expect_identical(which(strip_labels(one_side(40))[[1]] != ""), seq(2L, 40L, 2L))
  expect_identical(strip_labels(one_side(1)), list("1"))
  parts <- expand.grid(second = factor(1:4), part = factor(c("real part", "imaginary part")))
  labels <- strip_labels(parts[2:1])
  expect_identical(labels[[1]], c("", "real part", "", "", "", "imaginary part", "", ""))
  expect_identical(labels[[2]], rep(as.character(1:4), 2))
})

test_that("long calls, complex numbers and slices are drawn by ggplot2 as by plot()", {
  skip_if_not_installed("ggplot2")
  local_null_device()
  m <- nn_conv_transpose2d(
    4, 8, c(3, 5), stride = c(2, 1), padding = list(c(1, 2), c(0, 1)), bias = FALSE,
    dtype = "complex64"
  )
  picture <- ggplot2::autoplot(m)
  lines <- strsplit(picture$labels$title, "\n")[[1]]
  expect_lte(max(nchar(lines)), 60)
  expect_identical(paste(lines, collapse = " "), format(m))
  drawn <- ggplot2::ggplot_build(picture)
  expect_identical(nrow(drawn$layout$layout), 64L)
  expect_identical(levels(drawn$layout$layout$part), c("real part", "imaginary part"))
  expect_s3_class(ggplot2::ggplotGrob(picture), "gtable")

  volume <- ggplot2::autoplot(nn_conv3d(2, 3, c(3, 2, 4)))
  expect_identical(unique(ggplot2::layer_data(volume, 2)$xintercept), c(4.5, 8.5))
  expect_identical(nrow(ggplot2::layer_data(ggplot2::autoplot(nn_conv2d(1, 1, 3)), 2)), 0L)
})
