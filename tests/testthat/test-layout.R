layouts <- c("L", "LC", "CL", "NL", "NLC", "NCL", "HW", "WH", "HWC", "CHW", "NHWC", "NCHW", "WHCN",
  "DHW", "WHD", "DHWC", "NDHWC", "CNWDH")

numbers_in <- function(layout) {
  dim <- c(N = 2, C = 3, D = 4, H = 5, W = 6, L = 7)[strsplit(layout, "")[[1]]]
  x <- array(seq_len(prod(dim)), unname(dim), lapply(dim, function(n) paste0("n", seq_len(n))))
  if (layout == "L") stats::setNames(as.vector(x), names(x)) else x
}

test_that("there and back is where one was", {
  for (layout in layouts) {
    x <- numbers_in(layout)
    expect_identical(from_nchw(to_nchw(x, layout), layout), x, label = layout)
    bare <- unname(x)
    expect_identical(from_nchw(to_nchw(bare, layout), layout), bare, label = layout)
  }
  for (type in list(1.5, 2L, TRUE, 1i)) {
    x <- array(type, c(2, 3))
    expect_identical(from_nchw(to_nchw(x, "HW"), "HW"), x)
  }
})

test_that("each number gets to its place", {
  x <- numbers_in("WHCN")
  y <- to_nchw(x, "WHCN")
  expect_identical(dim(y), c(2L, 3L, 5L, 6L))
  for (i in 1:20) {
    at <- c(pick(1:2), pick(1:3), pick(1:5), pick(1:6))
    expect_identical(y[at[1], at[2], at[3], at[4]], x[at[4], at[3], at[2], at[1]])
  }
  expect_identical(names(dimnames(y)), c("N", "C", "H", "W"))
})

test_that("dimensions that a layout lacks have the extent 1", {
  expect_identical(to_nchw(volcano, "HW"), array(volcano, c(1, 1, 87, 61)))
  expect_identical(to_nchw(1:3, "L"), array(1:3, c(1, 1, 3)))
  expect_identical(to_nchw(array(1:3), "L"), array(1:3, c(1, 1, 3)))
  expect_identical(dim(to_nchw(array(0, c(4, 5, 3)))), c(1L, 3L, 4L, 5L))
  expect_identical(dim(to_nchw(array(0, c(4, 5, 3)), "NHW")), c(4L, 1L, 5L, 3L))
  expect_identical(attributes(to_nchw(EuStockMarkets, "CL")), list(
    dim = c(1L, 1860L, 4L), dimnames = list(NULL, NULL, colnames(EuStockMarkets))
  ))
})

test_that("unbatched outputs come back too", {
  m <- nn_conv2d(1, 4, 3)
  unbatched <- m(array(volcano, c(1, 87, 61)))
  expect_identical(from_nchw(unbatched, "HWC"), from_nchw(m(to_nchw(volcano, "HW")), "HWC"))
  expect_fault(from_nchw(unbatched, "NHWC"), "shape", "x")
})

test_that("arrays that a layout does not describe are refused, with the names of its dimensions", {
  fault <- expect_fault(to_nchw(volcano), "shape", "x")
  expect_match(fault$must, "(height, width, channels)", fixed = TRUE)
  expect_match(expect_fault(to_nchw(1:3, "NDHW"), "shape", "x")$must, "batch, depth, height, width")
  expect_fault(from_nchw(volcano, "HW"), "shape", "x")
  fault <- expect_fault(from_nchw(array(0, c(1, 3, 5, 5)), "HW"), "shape", "x")
  expect_match(fault$must, "one channel")
  expect_identical(fault$fix, "`layout = \"CHW\"` keeps them.")
  fault <- expect_fault(from_nchw(array(0, c(2, 3, 5, 5)), "HWC"), "shape", "x")
  expect_match(fault$must, "one sample")
  expect_fault(to_nchw(), "type", "x")
  expect_fault(from_nchw(layout = "HW"), "type", "x")
  expect_fault(to_nchw(letters, "L"), "type", "x")
})

test_that("what is no layout is refused", {
  for (layout in c("", "N", "NC", "H", "HWW", "hwc", "HWL", "DH", "NCHWX", "H W")) {
    expect_fault(to_nchw(volcano, layout), "value", "layout", layout)
    expect_fault(from_nchw(volcano, layout), "value", "layout", layout)
  }
})

test_that("a layer's error for another layout names the helper, which mends it", {
  mends <- function(m, x, call) {
    fault <- catch_fault(m(x))
    expect_match(fault$fix, call, fixed = TRUE)
    input <- x
    expect_identical(length(dim(m(eval(str2lang(call))))), length(dim(m$weight)))
  }
  mends(nn_conv1d(1, 1, 3), 1:10, "to_nchw(input, \"L\")")
  mends(nn_conv2d(1, 1, 3), volcano, "to_nchw(input, \"HW\")")
  mends(nn_conv_transpose2d(1, 1, 3), volcano, "to_nchw(input, \"HW\")")
  mends(nn_conv3d(1, 1, 3), array(0, c(4, 5, 6)), "to_nchw(input, \"DHW\")")
  mends(nn_conv2d(3, 1, 3), array(0, c(4, 5, 3)), "to_nchw(input, \"HWC\")")
  mends(nn_conv2d(3, 1, 3), array(0, c(2, 4, 5, 3)), "to_nchw(input, \"NHWC\")")
  mends(nn_conv1d(3, 1, 3), array(0, c(2, 4, 3)), "to_nchw(input, \"NLC\")")
})
