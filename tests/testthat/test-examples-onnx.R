# The conformance cases of ONNX for Conv and ConvTranspose, in row-major order: inputs that count up
# from 0, weights of ones (onnx/backend/test/case/node/conv.py and convtranspose.py).

count_up <- function(...) aperm(array(seq_len(prod(...)) - 1, rev(c(...))))
ones <- function(...) array(1, c(...))

expect_planes <- function(output, ...) {
  planes <- list(...)
  expect_identical(dim(output)[1:2], c(1L, length(planes)))
  for (channel in seq_along(planes)) {
    expect_identical(output[1, channel, , ], planes[[channel]], label = paste("channel", channel))
  }
}

test_that("Conv: basic_conv_with_padding and basic_conv_without_padding", {
  x <- count_up(1, 1, 5, 5)
  w <- ones(1, 1, 3, 3)
  expect_planes(nnf_conv2d(x, w, padding = 1), rbind(
    c(12, 21, 27, 33, 24),
    c(33, 54, 63, 72, 51),
    c(63, 99, 108, 117, 81),
    c(93, 144, 153, 162, 111),
    c(72, 111, 117, 123, 84)
  ))
  expect_planes(nnf_conv2d(x, w), rbind(c(54, 63, 72), c(99, 108, 117), c(144, 153, 162)))
})

test_that("Conv: conv_with_strides_*", {
  x <- count_up(1, 1, 7, 5)
  w <- ones(1, 1, 3, 3)
  expect_planes(nnf_conv2d(x, w, stride = 2, padding = 1), rbind(
    c(12, 27, 24), c(63, 108, 81), c(123, 198, 141), c(112, 177, 124)
  ))
  expect_planes(nnf_conv2d(x, w, stride = 2), rbind(c(54, 72), c(144, 162), c(234, 252)))
  # Padding along the height only.
  expect_planes(nnf_conv2d(x, w, stride = 2, padding = list(c(1, 1), c(0, 0))), rbind(
    c(21, 33), c(99, 117), c(189, 207), c(171, 183)
  ))
})

test_that("Conv: conv_with_autopad_same", {
  # SAME_LOWER at stride 2: one element before and one after.
  y <- nnf_conv2d(count_up(1, 1, 5, 5), ones(1, 1, 3, 3), stride = 2, padding = 1)
  expect_planes(y, rbind(c(12, 27, 24), c(63, 108, 81), c(72, 117, 84)))
})

test_that("ConvTranspose: convtranspose, _1d and _3d", {
  plane <- rbind(
    c(0, 1, 3, 3, 2),
    c(3, 8, 15, 12, 7),
    c(9, 21, 36, 27, 15),
    c(9, 20, 33, 24, 13),
    c(6, 13, 21, 15, 8)
  )
  expect_planes(nnf_conv_transpose2d(count_up(1, 1, 3, 3), ones(1, 2, 3, 3)), plane, plane)

  y <- nnf_conv_transpose1d(count_up(1, 1, 3), ones(1, 2, 3))
  expect_identical(y[1, , ], rbind(c(0, 1, 3, 3, 2), c(0, 1, 3, 3, 2)))

  y <- nnf_conv_transpose3d(count_up(1, 1, 3, 4, 5), ones(1, 2, 3, 3, 3))
  expect_identical(dim(y), c(1L, 2L, 5L, 6L, 7L))
  expect_identical(y[, 1, , , ], y[, 2, , , ])
  expect_identical(y[1, 1, 1, , ], rbind(
    c(0, 1, 3, 6, 9, 7, 4),
    c(5, 12, 21, 27, 33, 24, 13),
    c(15, 33, 54, 63, 72, 51, 27),
    c(30, 63, 99, 108, 117, 81, 42),
    c(25, 52, 81, 87, 93, 64, 33),
    c(15, 31, 48, 51, 54, 37, 19)
  ))
  expect_identical(y[1, 1, 5, 6, ], c(55, 111, 168, 171, 174, 117, 59))
})

test_that("ConvTranspose: convtranspose_dilations", {
  x <- array(rbind(c(3, 8, 1), c(9, 5, 7), c(3, 2, 6)), c(1, 1, 3, 3))
  w <- array(rbind(c(7, 2), c(1, 9)), c(1, 1, 2, 2))
  expect_planes(nnf_conv_transpose2d(x, w, dilation = 2), rbind(
    c(21, 56, 13, 16, 2),
    c(63, 35, 67, 10, 14),
    c(24, 22, 76, 76, 21),
    c(9, 5, 88, 45, 63),
    c(3, 2, 33, 18, 54)
  ))
})

test_that("ConvTranspose: convtranspose_pads", {
  y <- nnf_conv_transpose2d(
    count_up(1, 1, 3, 3), ones(1, 2, 3, 3), stride = c(3, 2), padding = c(1, 2)
  )
  plane <- rbind(c(1, 1, 3), c(7, 4, 9), c(13, 7, 15))[c(1, 1, 2, 2, 2, 3, 3), ]
  expect_planes(y, plane, plane)
})

test_that("ConvTranspose: convtranspose_output_shape, _kernel_shape and _pad", {
  y <- nnf_conv_transpose2d(
    count_up(1, 1, 3, 3), ones(1, 2, 3, 3), stride = c(3, 2), output_padding = 1
  )
  rows <- rbind(
    c(0, 0, 1, 1, 3, 2, 2, 0),
    c(3, 3, 7, 4, 9, 5, 5, 0),
    c(6, 6, 13, 7, 15, 8, 8, 0)
  )
  plane <- rbind(rows[rep(1:3, each = 3), ], 0)
  expect_planes(y, plane, plane)
})

test_that("ConvTranspose: convtranspose_autopad_same", {
  # SAME_UPPER at stride 2: one element is cut from the end.
  y <- nnf_conv_transpose2d(
    count_up(1, 1, 3, 3), ones(1, 2, 3, 3), stride = 2, padding = list(c(0, 1), c(0, 1))
  )
  plane <- rbind(
    c(0, 0, 1, 1, 3, 2),
    c(0, 0, 1, 1, 3, 2),
    c(3, 3, 8, 5, 12, 7),
    c(3, 3, 7, 4, 9, 5),
    c(9, 9, 20, 11, 24, 13),
    c(6, 6, 13, 7, 15, 8)
  )
  expect_planes(y, plane, plane)
})

test_that("ConvTranspose: convtranspose_group_2", {
  y <- nnf_conv_transpose2d(count_up(1, 2, 3, 3), ones(2, 1, 3, 3), groups = 2)
  expect_planes(
    y,
    rbind(
      c(0, 1, 3, 3, 2),
      c(3, 8, 15, 12, 7),
      c(9, 21, 36, 27, 15),
      c(9, 20, 33, 24, 13),
      c(6, 13, 21, 15, 8)
    ),
    rbind(
      c(9, 19, 30, 21, 11),
      c(21, 44, 69, 48, 25),
      c(36, 75, 117, 81, 42),
      c(27, 56, 87, 60, 31),
      c(15, 31, 48, 33, 17)
    )
  )
})
