causal <- lapply(2^(0:3), function(dilation) {
  nn_conv1d(1, 1, 2, dilation = dilation, padding = "causal")
})
conv3 <- nn_conv2d(1, 1, 3, padding = "same")
dilated <- nn_conv2d(1, 1, 3, dilation = 2, padding = "same")

test_that("what is returned are the numbers of the field", {
  stacks <- list(
    causal, list(conv3, dilated), list(nn_conv1d(1, 1, 3, stride = 2), nn_conv1d(1, 1, 5)),
    list(nn_conv_transpose2d(1, 1, 4, stride = 2, padding = 1), conv3),
    list(nn_conv_transpose1d(1, 1, 2, stride = 3)), list(nn_conv1d(1, 1, 1))
  )
  for (stack in stacks) {
    expect_identical(expect_drawn(plot_receptive_field(stack)), receptive_field(stack))
    expect_drawn(plot_receptive_field(stack), width = 0.5, height = 0.4)
  }
})

test_that("every output is drawn, also where it sees little or nothing", {
  up <- nn_conv_transpose2d(1, 1, 2, stride = 3)
  for (at in 1:4) expect_drawn(plot_receptive_field(up, at = at))
  up <- nn_conv_transpose1d(1, 1, 2, stride = 3)
  for (at in 1:4) expect_drawn(plot_receptive_field(up, at = at))
  for (at in c(1, 7)) expect_drawn(plot_receptive_field(conv3, dilated, at = at))
  expect_drawn(plot_receptive_field(conv3, input_size = c(3, 200), at = c(1, 100)))
  expect_drawn(plot_receptive_field(causal, input_size = 1000))
})

test_that("the field of the output that is drawn by default lies in the input", {
  stacks <- list(
    causal, list(nn_conv1d(1, 1, 3)), list(nn_conv1d(1, 1, 3, stride = 3, padding = 1)),
    list(nn_conv1d(1, 1, 4, stride = 2, padding = 5), nn_conv1d(1, 1, 3, stride = 2))
  )
  for (stack in stacks) {
    field <- receptive_field(stack)
    size <- field$size + 2 * ceiling(field$stride)
    for (layer in stack) output <- size <- output_size_for(layer, size)
    size <- field$size + 2 * ceiling(field$stride)
    q <- middle_output(field, size, output)
    first <- field$start + (q - 1) * field$stride
    expect_true(first >= 1 && first + field$size - 1 <= size)
  }
})

test_that("layers stand above the middle of what they see, causal ones above the last", {
  axes <- axis_stack(lapply(causal, module_axes), 1)
  for (column in pyramid_columns(axes)) expect_identical(column, list(first = 1, step = 1))
  valid <- axis_stack(lapply(list(nn_conv1d(1, 1, 3, stride = 2)), module_axes), 1)
  expect_identical(pyramid_columns(valid)[[2]], list(first = 2, step = 2))
  up <- axis_stack(lapply(list(nn_conv_transpose1d(1, 1, 2, stride = 2)), module_axes), 1)
  expect_identical(pyramid_columns(up)[[2]], list(first = 0.75, step = 0.5))
})

test_that("frames are the fields of the first layers", {
  stack <- lapply(list(conv3, conv3), module_axes)
  traces <- lapply(1:2, function(i) trace_back(axis_stack(stack, i), 5, c(9, 9, 9)))
  expect_identical(layer_frame(stack[1], traces, 2), list(height = c(3, 6), width = c(3, 6)))
  expect_identical(layer_frame(stack, traces, 3), list(height = c(2, 7), width = c(2, 7)))
})

test_that("frames of transposed layers are drawn round what is seen", {
  layers <- list(
    nn_conv2d(1, 1, 3, stride = 2), nn_conv_transpose2d(1, 1, 3, stride = 2), nn_conv2d(1, 1, 3)
  )
  stack <- lapply(layers, module_axes)
  traces <- rep(list(trace_back(axis_stack(stack, 1), 6)), 2)
  seen <- traces[[1]][[1]]$position
  expect_identical(seen, c(5, 6, 7, 8, 9))
  expect_identical(layer_frame(stack, traces, 4), list(height = c(4, 9), width = c(4, 9)))
  expect_identical(layer_frame(stack[1], traces, 2), list(height = c(4, 7), width = c(4, 7)))
  # two of three outputs of this layer see nothing
  gaps <- lapply(list(nn_conv_transpose1d(1, 1, 1, stride = 3), nn_conv1d(1, 1, 3)), module_axes)
  trace <- list(trace_back(gaps, 3))
  expect_identical(layer_frame(gaps[1], trace, 2), list(length = c(1, 2)))
})

test_that("more paths are darker", {
  blue <- grDevices::col2rgb(path_colours(c(1, 2, 4)))
  expect_true(all(diff(blue["red", ]) < 0))
  expect_length(path_colours(numeric()), 0)
})

test_that("what cannot be drawn is refused", {
  expect_fault(plot_receptive_field(nn_conv3d(1, 1, 3)), "value", "...")
  expect_fault(plot_receptive_field(), "value", "...")
  expect_fault(plot_receptive_field(conv3, at = 100), "value", "at")
  valid <- nn_conv2d(1, 1, 3)
  expect_fault(plot_receptive_field(valid, valid, input_size = 4), "shape", "input_size")
})

test_that("pictures of receptive fields are as they were", {
  expect_picture("field-causal", function() plot_receptive_field(causal))
  strided <- nn_conv1d(1, 1, 3, stride = 2, padding = 1)
  expect_picture("field-strided", function() plot_receptive_field(strided, strided))
  expect_picture("field-2d", function() plot_receptive_field(conv3, dilated, conv3))
})
