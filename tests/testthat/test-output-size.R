test_that("sizes are those of the outputs", {
  withr::local_seed(1)
  for (layer in layers) for (i in 1:20) {
    case <- random_case(layer)
    own <- if (is_transposed(case)) case["output_padding"]
    arguments <- c(
      list(input_size = case$size, kernel_size = case$kernel),
      case[c("stride", "padding", "dilation")], own
    )
    size <- if (is_transposed(case)) conv_transpose_output_size else conv_output_size
    output <- dim(forward(case, random_operands(case)))
    expected <- utils::tail(output, n_spatial(case))
    expect_identical(do.call(size, arguments), expected, label = case_label(case))
  }
})

test_that("the length of the input's size says how many dimensions there are", {
  expect_identical(conv_output_size(10, 3), 8L)
  expect_identical(conv_output_size(c(10, 11, 12), c(1, 2, 3)), c(10L, 10L, 10L))
  expect_identical(conv_output_size(c(10, 10), 3, padding = list(c(0, 1), c(1, 1))), c(9L, 10L))
  expect_identical(conv_output_size(100, 3, 2, "causal", 4), 50L)
  expect_fault(conv_output_size(c(10, 10), 3, padding = "causal"), "value", "padding")
  expect_fault(conv_output_size(c(1, 2, 3, 4), 1), "value", "input_size")
})

test_that("there is no output where the kernel does not fit", {
  expect_fault(conv_output_size(4, 5), "shape", "input_size")
  expect_fault(conv_transpose_output_size(1, 2, padding = 2), "shape", "input_size")
})
