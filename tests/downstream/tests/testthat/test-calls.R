# The C functions of nnconv.h against nnconv's own, bit for bit, and what they say of calls that are
# wrong.

# ---- values ----

# What differs from nnconv's own results.
case_problems <- function(case) {
  operands <- random_operands(case)
  expected <- results(case, operands)
  is_complex <- is_complex(case$dtype)
  fields <- layer_fields(case)
  output <- door_forward(fields, operands)
  gradients <- door_backward(fields, operands, empty_gradients(operands, case$c_out, is_complex))
  found <- c(list(output$result), gradients$result)
  names(found) <- c("output", "input", "weight", "bias")
  c(
    setdiff(c(output$message, gradients$message), ""),
    if (output$status != ok || gradients$status != ok) "status",
    differing(found, expected)
  )
}

test_that("results are nnconv's, bit for bit", {
  for (layer in layers) expect_cases(layer, 150, case_problems)
})

test_that("operands of both kinds are taken", {
  expect_cases("conv2d", 30, dtype = "complex128", function(case) {
    operands <- random_operands(case, complex = c(FALSE, TRUE))
    gradients <- empty_gradients(operands, case$c_out, is_complex = TRUE)
    gradients[[1]] <- Re(gradients[[1]])
    real <- utils::modifyList(case, list(dtype = "float64"))
    found <- c(
      list(door_forward(layer_fields(case), operands)$result),
      door_backward(layer_fields(case), operands, gradients)$result[1:2]
    )
    names(found) <- c("output", "input", "weight")
    differing(found, c(list(output = forward(real, operands)), backward(real, operands)[1:2]))
  })
})

test_that("real operands may give a complex output", {
  case <- make_case(layer = "conv1d", batch = 2, c_in = 2, c_out = 3, size = 5)
  set.seed(1)
  operands <- random_operands(case)
  found <- door_forward(layer_fields(case), operands, is_complex = TRUE)
  expect_identical(found$status, ok)
  expect_identical(found$result, forward(utils::modifyList(case, list(dtype = "complex128")),
    operands))
})

test_that("each gradient is computed alone, without the data that it does not read", {
  case <- make_case(layer = "conv2d", batch = 2, c_in = 2, c_out = 3, size = c(6, 5))
  set.seed(2)
  operands <- random_operands(case)
  expected <- unname(backward(case, operands))
  all <- empty_gradients(operands, case$c_out)
  for (i in 1:3) {
    wanted <- list(NULL, NULL, NULL)
    wanted[i] <- all[i]
    found <- door_backward(layer_fields(case), operands, wanted)
    wanted[i] <- expected[i]
    expect_identical(found$result, wanted)
  }
  # Extents alone, for what is not read.
  dims <- lapply(operands[c("input", "weight")], dim)
  without <- list(
    list(input = array(NA, dims$input)), list(weight = array(NA, dims$weight)),
    list(input = array(NA, dims$input), weight = array(NA, dims$weight))
  )
  for (i in 1:3) {
    wanted <- list(NULL, NULL, NULL)
    wanted[i] <- all[i]
    found <- door_backward(layer_fields(case), utils::modifyList(operands, without[[i]]), wanted)
    expect_identical(found$result[[i]], expected[[i]])
  }
})

test_that("an empty batch has an empty output", {
  case <- make_case(layer = "conv1d", batch = 0, c_in = 1, c_out = 2, size = 5)
  operands <- random_operands(case)
  expect_identical(door_forward(layer_fields(case), operands)$result, array(0, c(0, 2, 3)))
})

test_that("threads and algorithm are the options', or the layer's own", {
  case <- make_case(layer = "conv2d", batch = 1, c_in = 64, c_out = 64, size = c(28, 28))
  set.seed(3)
  operands <- random_operands(case)
  by_option <- function(algorithm) {
    withr::local_options(nnconv.algorithm = algorithm)
    forward(case, operands)
  }
  expected <- lapply(c("direct", "auto", "fast"), by_option)
  expect_false(identical(expected[[1]], expected[[2]]))
  expect_false(identical(expected[[2]], expected[[3]]))
  for (algorithm in 1:3) for (threads in 0:2) {
    fields <- layer_fields(case, algorithm = algorithm, threads = threads)
    expect_identical(door_forward(fields, operands)$result, expected[[algorithm]])
  }
  withr::local_options(nnconv.algorithm = "direct")
  expect_identical(door_forward(layer_fields(case), operands)$result, expected[[1]])
  withr::local_options(nnconv.algorithm = "quick")
  found <- door_forward(layer_fields(case), operands)
  expect_identical(found$status, value_error)
  expect_match(found$message, "`nnconv.algorithm` must be one of")
})

test_that("sizes are told without data, however large", {
  dim_of <- function(...) .Call(downstream:::call_output_dim, ...)
  fields <- list(ndim = 3, stride = c(2, 1, 1))
  found <- dim_of(fields, c(5, 2, 100, 100, 100), c(3, 2, 3, 3, 3))
  expect_identical(found[c("status", "result")], list(status = ok, result = c(5, 3, 49, 98, 98)))
  large <- c(1e6, 1e3, 1e6)
  expect_identical(dim_of(list(ndim = 1), large, c(7, 1e3, 1))$result, c(1e6, 7, 1e6))
  expect_identical(dim_of(list(ndim = 1), c(2^31 - 1, 1, 2^22), c(7, 1, 1))$status, shape_error)
  expect_identical(dim_of(list(ndim = 1), c(2^31, 1, 1), c(7, 1, 1))$status, shape_error)
})

# ---- calls that are wrong ----

good <- make_case(layer = "conv_transpose2d", batch = 2, c_in = 2, c_out = 2, size = c(4, 5))
good_operands <- list(
  input = array(1, c(2, 2, 4, 5)), weight = array(1, c(2, 2, 3, 3)), bias = c(1, 1),
  grad_output = array(1, c(2, 2, 6, 7))
)

expect_refused <- function(found, status, argument) {
  expect_identical(found$status, status, label = argument)
  expect_match(found$message, paste0("^`", argument, "` must be .*[.]$"))
}

test_that("every number of a layer out of its range is refused", {
  bad <- list(
    ndim = c(0, 4, -1), groups = c(0, -1, 2^31), stride = c(0, -1, 2^31), dilation = c(0, 2^31),
    pad_before = c(-1, 2^31), pad_after = c(-1, 2^31), output_padding = c(-1, 1, 2^31),
    padding_mode = c(-1, 1, 4), threads = -1, algorithm = c(-1, 4)
  )
  for (name in names(bad)) for (value in bad[[name]]) {
    fields <- layer_fields(good)
    fields[[name]][1] <- value
    expect_refused(door_forward(fields, good_operands), value_error, name)
  }
  convolution <- utils::modifyList(good, list(layer = "conv2d"))
  for (mode in c(-1, 4)) {
    fields <- layer_fields(convolution, padding_mode = mode)
    expect_refused(door_forward(fields, good_operands), value_error, "padding_mode")
  }
})

test_that("arrays that do not fit are refused", {
  expect_array_refused <- function(argument, bad, status = shape_error) {
    operands <- good_operands
    operands[[argument]] <- bad
    found <- if (argument == "grad_output") {
      door_backward(layer_fields(good), operands, list(NULL, NULL, c(0, 0)))
    } else {
      door_forward(layer_fields(good), operands)
    }
    expect_refused(found, status, argument)
  }
  for (dim in list(10, c(2, 5), c(2, 2, 4, 5, 1), c(2, 3, 4, 5), c(2, 2, 0, 5))) {
    expect_array_refused("input", array(1, dim))
  }
  for (dim in list(10, c(2, 2, 3), c(2, 2, 3, 0))) expect_array_refused("weight", array(1, dim))
  for (bad in list(1, c(1, 1, 1), array(1, c(2, 1)))) expect_array_refused("bias", bad)
  for (dim in list(10, c(2, 6, 7), c(2, 2, 7, 6))) {
    expect_array_refused("grad_output", array(1, dim))
  }
  expect_refused(
    door_forward(layer_fields(good, groups = 3), good_operands), shape_error, "weight"
  )
})

test_that("results of other extents, or too narrow a type, are refused", {
  fields <- layer_fields(good)
  for (dim in list(2, c(2, 6, 7), c(2, 2, 7, 6))) {
    expect_refused(door_forward(fields, good_operands, array(0, dim)), shape_error, "output")
  }
  complex_operands <- utils::modifyList(good_operands, list(bias = c(1i, 1i)))
  expect_refused(
    door_forward(fields, complex_operands, good_operands$grad_output), type_error, "output"
  )
  names <- c("grad_input", "grad_weight", "grad_bias")
  for (i in 1:3) {
    gradients <- list(NULL, NULL, NULL)
    gradients[[i]] <- array(0, c(1, 1))
    expect_refused(door_backward(fields, good_operands, gradients), shape_error, names[i])
  }
  complex_operands <- utils::modifyList(good_operands, list(input = good_operands$input + 0i))
  expect_refused(
    door_backward(fields, complex_operands, list(good_operands$input, NULL, NULL)),
    type_error, "grad_input"
  )
})

test_that("a call that fails writes no result", {
  output <- good_operands$grad_output + 0
  before <- deep_copy(output)
  door_forward(layer_fields(good), utils::modifyList(good_operands, list(bias = 1)), output)
  expect_identical(output, before)
})

test_that("what is wrong in C alone is refused", {
  misused <- function(how, size = 512) .Call(downstream:::call_misused, how, size)
  for (how in c(0, 3)) expect_identical(misused(how)$status, ok)
  for (how in c(1, 2, 4, 10)) expect_refused(misused(how), value_error, "layer")
  for (how in 5:7) expect_refused(misused(how), value_error, "input")
  expect_refused(misused(8), shape_error, "output")
})

test_that("messages fit their buffer", {
  misused <- function(size) .Call(downstream:::call_misused, 9, size)
  whole <- misused(512)$message
  for (size in c(1, 2, 10, nchar(whole), nchar(whole) + 1)) {
    expect_identical(misused(size)$message, substr(whole, 1, size - 1))
  }
  expect_identical(misused(0)[c("status", "message")], list(status = value_error,
    message = "untouched"))
  expect_identical(.Call(downstream:::call_misused, 0, 512)$message, "")
})

test_that("calls are taken on R's thread alone, the first of a session too", {
  statuses <- c(wrong_thread, ok, wrong_thread, wrong_thread)
  expect_identical(.Call(downstream:::call_off_thread), statuses)
  said <- rscript("cat(.Call(downstream:::call_off_thread))")
  expect_identical(said, paste(statuses, collapse = " "))
})
