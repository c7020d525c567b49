test_that("axes say what a layer does along each dimension", {
  m <- nn_conv2d(1, 1, c(3, 5), stride = c(2, 1), padding = list(c(1, 2), c(0, 4)), dilation = 2)
  expect_identical(module_axes(m), data.frame(
    kernel = c(3, 5), stride = c(2, 1), dilation = c(2, 2), before = c(1, 0), after = c(2, 4),
    output_padding = c(0, 0), span = c(5, 9), transposed = FALSE, row.names = c("height", "width")
  ))
  m <- nn_conv_transpose3d(1, 1, 4, stride = 2, padding = 1, output_padding = c(0, 1, 1))
  axes <- module_axes(m)
  expect_identical(rownames(axes), c("depth", "height", "width"))
  expect_identical(axes$output_padding, c(0, 1, 1))
  expect_true(all(axes$transposed))
  causal <- module_axes(nn_conv1d(1, 1, 3, padding = "causal", dilation = 4))
  expect_identical(unlist(causal[c("before", "after")]), c(before = 8, after = 0))
  same <- module_axes(nn_conv1d(1, 1, 4, padding = "same"))
  expect_identical(unlist(same[c("before", "after")]), c(before = 1, after = 2))
})

test_that("the output's dim is that of a call", {
  withr::local_seed(1)
  for (layer in layers) for (i in 1:10) {
    case <- random_case(layer)
    operands <- random_operands(case)
    m <- case_module(case, operands)
    found <- output_dim_for(m, input_dim(case))
    expect_identical(found, dim(predict(m, operands$input)), label = case_label(case))
    expect_identical(output_size_for(m, case$size), utils::tail(found, n_spatial(case)))
  }
  expect_identical(output_dim_for(nn_conv2d(3, 4, 3), c(0, 3, 5, 6)), c(0L, 4L, 3L, 4L))
})

test_that("what a call refuses is refused", {
  m <- nn_conv2d(3, 4, 3)
  for (dim in list(3, c(3, 5), 1:5, c(3, 0, 4), c(3, NA, 4), c(3, 4, 4.5), c(-1, 3, 4, 4))) {
    expect_fault(output_dim_for(m, dim), "value", "input_dim")
  }
  expect_fault(output_dim_for(m, "3"), "type", "input_dim")
  expect_fault(output_dim_for(m, c(4, 5, 5)), "shape", "input_dim")
  expect_fault(output_dim_for(m, c(3, 2, 5)), "shape", "input_dim")
  expect_fault(output_size_for(m, c(2, 5)), "shape", "input_size")
  m <- nn_conv1d(1, 1, 9, padding = 8, padding_mode = "reflect")
  expect_fault(output_dim_for(m, c(1, 8)), "shape", "padding")
})

test_that("what is no module is refused", {
  expect_fault(check_module(sum, "m"), "type", "m")
  expect_silent(check_module(nn_conv1d(1, 1, 1), "m"))
})
