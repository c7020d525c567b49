# The positions of a one-channel input that change the output `at` of a layer of positive weights.
read_positions <- function(m, input_size, at) {
  m$weight[] <- 1
  n <- prod(input_size)
  ones <- array(diag(n), c(n, 1, input_size))
  changed <- matrix(predict(m, ones), n)
  output_size <- dim(predict(m, ones))[-(1:2)]
  q <- sum((at - 1) * cumprod(c(1, output_size))[seq_along(at)]) + 1
  arrayInd(which(changed[, q] != 0), input_size)
}

expect_reads <- function(m, input_size, at, label) {
  drawn <- expect_drawn(plot_conv(m, input_size, at))
  expect_identical(drawn$output_size, dim(predict(m, array(0, c(1, input_size))))[-1])
  expect_identical(drawn$at, as.integer(at))
  expect_identical(nrow(drawn$reads), as.integer(prod(m$kernel_size)))
  told <- unique(unname(as.matrix(drawn$reads[!is.na(drawn$reads[[1]]), , drop = FALSE])))
  expect_identical(
    sort(apply(told, 1, toString)), sort(apply(read_positions(m, input_size, at), 1, toString)),
    label = label
  )
}

test_that("the cells under the window are those that change the output", {
  withr::local_seed(1)
  for (layer in layers[c(1, 2, 4, 5)]) for (i in 1:15) {
    case <- random_case(layer, groups = 1, c_in = 1, c_out = 1, dtype = "float64", bias = FALSE)
    operands <- random_operands(case)
    size <- output_size(case)
    at <- vapply(size, function(n) sample.int(n, 1), 0L)
    expect_reads(case_module(case, operands), case$size, at, case_label(case))
  }
})

test_that("each tap meets what the sum says it meets", {
  m <- nn_conv1d(1, 1, 3, dilation = 2, padding = 3, padding_mode = "reflect")
  expect_identical(expect_drawn(plot_conv(m, 8, at = 2))$reads, data.frame(length = c(3, 1, 3)))
  m <- nn_conv1d(1, 1, 3, padding = 2, padding_mode = "circular")
  expect_identical(expect_drawn(plot_conv(m, 5))$reads, data.frame(length = c(4, 5, 1)))
  m <- nn_conv1d(1, 1, 3, padding = 2, padding_mode = "replicate")
  expect_identical(expect_drawn(plot_conv(m, 5))$reads, data.frame(length = c(1, 1, 1)))
  reads <- expect_drawn(plot_conv(nn_conv2d(1, 1, 2, padding = 1), 3))$reads
  expect_identical(reads, data.frame(height = c(NA, NA, NA, 1), width = c(NA, NA, NA, 1)))
})

test_that("an input that is not given is small and fits", {
  modules <- list(
    nn_conv1d(1, 1, 3), nn_conv2d(1, 1, 7, padding = "same"), nn_conv2d(3, 4, 1, groups = 1),
    nn_conv2d(1, 1, 3, stride = c(2, 3), dilation = 2), nn_conv_transpose2d(1, 1, 4, stride = 2),
    nn_conv2d(1, 1, 3, padding = 6, padding_mode = "reflect"),
    nn_conv2d(1, 1, 3, padding = 6, padding_mode = "circular"),
    nn_conv_transpose1d(1, 1, 2, stride = 2, padding = 2)
  )
  for (m in modules) {
    drawn <- expect_drawn(plot_conv(m))
    expect_true(all(drawn$output_size >= 2))
    expect_identical(drawn$at, rep(1L, length(m$kernel_size)))
  }
})

test_that("pictures are drawn of every size on every device", {
  expect_drawn(plot_conv(nn_conv2d(1, 1, 3, padding = 1), 5000, at = c(20, 4000)))
  expect_drawn(plot_conv(nn_conv1d(1, 1, 25), 1e5, at = 400))
  expect_drawn(plot_conv(nn_conv2d(1, 1, 3), 5), width = 0.5, height = 0.5)
  expect_drawn(plot_conv(nn_conv1d(1, 1, 1), 1, main = NULL), width = 0.5, height = 3)
})

test_that("the output of no `at` is the one whose window is in the middle of the input", {
  at_of <- function(m, size) expect_drawn(plot_conv(m, size, at = NULL))$at
  expect_identical(at_of(nn_conv2d(1, 1, 3), c(5, 9)), c(2L, 4L))
  expect_identical(at_of(nn_conv1d(1, 1, 3, padding = "causal"), 9), 6L)
  expect_identical(at_of(nn_conv1d(1, 1, 3, stride = 2, padding = 1), 9), 3L)
  expect_identical(at_of(nn_conv_transpose2d(1, 1, 3, stride = 2), 3), c(4L, 4L))
  expect_identical(at_of(nn_conv1d(1, 1, 1), 1), 1L)
})

test_that("the next window is the one of the next output", {
  sides <- lapply(c(3, 2), function(n) list(starts = seq_len(n)))
  expect_identical(next_output(sides, c(1L, 1L)), c(1L, 2L))
  expect_identical(next_output(sides, c(1L, 2L)), c(2L, 2L))
  expect_null(next_output(sides, c(3L, 2L)))
})

test_that("what cannot be drawn is refused", {
  m <- nn_conv2d(1, 1, 3)
  expect_fault(plot_conv(nn_conv3d(1, 1, 3)), "value", "m")
  expect_fault(plot_conv(m, 2), "shape", "input_size")
  expect_fault(plot_conv(m, c(5, 5, 5)), "value", "input_size")
  expect_fault(plot_conv(m, 5, at = 4), "value", "at")
  expect_fault(plot_conv(m, 5, at = c(1, 4)), "value", "at")
  reflect <- nn_conv2d(1, 1, 3, padding = 3, padding_mode = "reflect")
  expect_fault(plot_conv(reflect, 3), "shape", "padding")
})

test_that("pictures of arithmetic are as they were", {
  expect_picture("padding", function() plot_conv(nn_conv2d(1, 1, 3, padding = 1), 5))
  expect_picture("stride", function() plot_conv(nn_conv2d(1, 1, 3, stride = 2), 7, at = c(1, 2)))
  expect_picture("dilation", function() plot_conv(nn_conv2d(1, 1, 3, dilation = 2), 7))
  expect_picture("reflect", function() {
    plot_conv(nn_conv2d(1, 1, 3, padding = 2, padding_mode = "reflect"), 5)
  })
  expect_picture("transposed", function() {
    plot_conv(nn_conv_transpose2d(1, 1, 3, stride = 2), 3, at = 4)
  })
  expect_picture("causal", function() {
    plot_conv(nn_conv1d(1, 1, 3, dilation = 4, padding = "causal"), 16, at = 12)
  })
  expect_picture("transposed-1d", function() {
    plot_conv(nn_conv_transpose1d(1, 1, 4, stride = 3, padding = 1), 5, at = 5)
  })
  expect_picture("large", function() plot_conv(nn_conv2d(1, 1, 7, stride = 2, padding = 3), 300))
})

test_that("what no page can show is refused", {
  expect_fault(plot_conv(nn_conv1d(1, 1, 1), 1e6), "value", "input_size")
  expect_fault(plot_conv(nn_conv_transpose2d(1, 1, 3, stride = 1e5), 3), "value", "input_size")
})
