# Which positions of an input of `size` (rows) change which outputs of the layers (columns): found
# by sending a one from each position through layers of positive weights.
changes <- function(layers, size) {
  x <- array(diag(size), c(size, 1, size))
  for (layer in layers) x <- predict(layer, x)
  matrix(x != 0, size)
}

positive_layer <- function(layer, ...) {
  m <- layer(1, 1, ..., bias = FALSE)
  m$weight[] <- 1
  m
}

random_stack <- function(transposed) {
  lapply(seq_len(pick(1:3)), function(i) {
    layer <- if (transposed && pick(c(TRUE, FALSE))) nn_conv_transpose1d else nn_conv1d
    padding <- if (identical(layer, nn_conv1d)) list(pick(0:2, 2)) else 0
    positive_layer(
      layer, kernel_size = pick(1:4), stride = pick(1:3), dilation = pick(1:3), padding = padding
    )
  })
}

n_outputs <- function(layers, size) {
  for (layer in layers) size <- output_size_for(layer, size)
  size
}

test_that("an output depends on the field that is told, and on nothing else", {
  withr::local_seed(1)
  for (i in 1:40) {
    layers <- random_stack(transposed = FALSE)
    field <- receptive_field(layers)
    size <- 90
    starts <- field$start + (seq_len(n_outputs(layers, size)) - 1) * field$stride
    inner <- which(starts >= 1 & starts + field$size - 1 <= size)
    changed <- changes(layers, size)
    for (q in inner) {
      ends <- range(which(changed[, q]))
      expect_identical(ends, as.integer(starts[q] + c(0, field$size - 1)))
    }
  }
})

test_that("the largest field of transposed layers is told, and none begins before it is said to", {
  withr::local_seed(2)
  for (i in 1:25) {
    layers <- random_stack(transposed = TRUE)
    field <- receptive_field(layers)
    size <- 60
    outputs <- seq_len(n_outputs(layers, size))
    changed <- changes(layers, size)
    fields <- lapply(outputs, function(q) which(changed[, q]))
    starts <- field$start + (outputs - 1) * field$stride
    inner <- starts > 1 & starts + field$size < size - 1
    sizes <- vapply(fields, function(found) if (length(found)) diff(range(found)) + 1 else 0, 0)
    expect_identical(field$size, max(sizes[inner]))
    begins <- vapply(fields[inner & sizes > 0], min, 0L)
    expect_true(all(begins >= starts[inner & sizes > 0] - 1e-9))
  }
})

test_that("tracing back finds the positions and the number of paths", {
  withr::local_seed(3)
  for (i in 1:30) {
    layers <- random_stack(transposed = TRUE)
    axes <- lapply(layers, module_axes)
    size <- 60
    sizes <- Reduce(function(size, m) output_size_for(m, size), layers, size, accumulate = TRUE)
    q <- pick(seq_len(sizes[[length(sizes)]]))
    # the gradient of an output of ones is the number of ways to it
    x <- array(0, c(1, 1, size))
    inputs <- Reduce(function(x, m) predict(m, x), layers, x, accumulate = TRUE)
    gradient <- inputs[[length(inputs)]]
    gradient[] <- 0
    gradient[q] <- 1
    for (j in rev(seq_along(layers))) {
      gradient <- layers[[j]]$backward(gradient, inputs[[j]], needs = "input")
    }
    traced <- trace_back(axes, q, unlist(sizes))
    expect_length(traced, length(layers) + 1)
    expect_identical(traced[[1]]$position, as.numeric(which(gradient > 0)))
    expect_identical(traced[[1]]$paths, gradient[gradient > 0])
  }
})

test_that("dimensions are told one by one", {
  field <- receptive_field(
    nn_conv3d(1, 1, c(1, 3, 5), stride = c(1, 2, 1)), nn_conv3d(1, 1, 3, padding = c(0, 0, 1))
  )
  expect_identical(field, data.frame(
    size = c(3, 7, 7), stride = c(1, 2, 1), start = c(1, 1, 0),
    row.names = c("depth", "height", "width")
  ))
})

test_that("a stack is given as layers, as lists, or as both", {
  a <- nn_conv1d(1, 1, 3)
  b <- nn_conv1d(1, 1, 5, dilation = 2)
  expect_identical(receptive_field(a, b), receptive_field(list(a, b)))
  expect_identical(receptive_field(a, list(b, a)), receptive_field(a, b, a))
  expect_identical(receptive_field(list(first = a)), receptive_field(a))
})

test_that("numbers need no memory", {
  far <- nn_conv1d(1, 1, 2, dilation = 2^31 - 1)
  expect_identical(receptive_field(far, far)$size, 2 * (2^31 - 1) + 1)
})

test_that("with transposed layers an output may begin to see later than `start` says", {
  layers <- list(
    positive_layer(nn_conv1d, 3, stride = 2), positive_layer(nn_conv_transpose1d, 3, stride = 2),
    positive_layer(nn_conv1d, 3)
  )
  field <- receptive_field(layers)
  expect_identical(field, data.frame(size = 7, stride = 1, start = -1, row.names = "length"))
  changed <- changes(layers, 21)
  expect_identical(which(changed[, 5]), 3:9)
  expect_identical(which(changed[, 6]), 5:9)
})

test_that("the ends of the field of an output are those of what is traced back", {
  withr::local_seed(5)
  for (i in 1:30) {
    axes <- lapply(random_stack(transposed = TRUE), module_axes)
    q <- pick(1:50)
    positions <- trace_back(axes, q)[[1]]$position
    expect_identical(field_ends(axes, q), if (length(positions)) range(positions))
  }
})

# Every output of a whole turn of phases, one by one.
largest_of_all <- function(axes) {
  strides <- vapply(axes[is_transposed_axes(axes)], `[[`, 0, "stride")
  max(vapply(seq_len(prod(strides)), function(q) {
    positions <- trace_back(axes, q)[[1]]$position
    if (length(positions)) diff(range(positions)) + 1 else 0
  }, 0))
}

test_that("patterns of outputs have the largest field of all outputs", {
  withr::local_seed(4)
  stacks <- lapply(1:60, function(i) lapply(random_stack(transposed = TRUE), module_axes))
  unseen <- list(nn_conv_transpose1d(1, 1, 1, stride = 2), nn_conv1d(1, 1, 1, 2, padding = 1))
  stacks <- c(stacks, list(lapply(unseen, module_axes)))
  sizes <- vapply(stacks, largest_field, 0)
  expect_identical(sizes, vapply(stacks, largest_of_all, 0))
  expect_identical(sizes[[61]], 0)
})

test_that("large strides and many transposed layers cost no more than small ones", {
  far <- nn_conv_transpose1d(1, 1, 3, stride = 2^31 - 1)
  expect_identical(receptive_field(far, nn_conv1d(1, 1, 3))$size, 1)
  twice <- nn_conv_transpose1d(1, 1, 4, stride = 2, padding = 1)
  expect_identical(receptive_field(rep(list(twice), 60))$size, 3)
  wide <- lapply(2^(0:29), function(dilation) nn_conv1d(1, 1, 2, dilation = dilation))
  expect_identical(receptive_field(twice, wide)$size, 2^29 + 2)
})

test_that("what is no stack of layers is refused", {
  m <- nn_conv1d(1, 1, 3)
  expect_fault(receptive_field(), "value", "...")
  expect_fault(receptive_field(list()), "value", "...")
  expect_fault(receptive_field(m, "relu"), "type", "...")
  expect_fault(receptive_field(m, list(m, sum)), "type", "...")
  expect_fault(receptive_field(m, nn_conv2d(1, 1, 3)), "shape", "...")
})
