test_that("a fault is an error of its class, with a message in one form", {
  fault <- catch_fault(raise_fault("value", "stride", "at least 1", "0"))
  expect_s3_class(
    fault, c("nnconv_value_error", "nnconv_error", "rlang_error", "error", "condition"),
    exact = TRUE
  )
  expect_identical(conditionMessage(fault), "`stride` must be at least 1, not 0.")
  expect_identical(fault[c("argument", "must", "found")], list(
    argument = "stride", must = "at least 1", found = "0"
  ))
})

test_that("a fault without a finding says only what must be, and a fix stands in a second line", {
  fault <- catch_fault(raise_fault("shape", "input", "an array", "", "Give it a `dim`."))
  expect_match(conditionMessage(fault), "^`input` must be an array[.]\n.* Give it a `dim`[.]$")
})

test_that("what the user typed is never taken for a template", {
  fault <- catch_fault(raise_fault("value", "name", "{stop('a')}", "{.val x} <b> %s", "{fix}"))
  expect_match(conditionMessage(fault), "must be {stop('a')}, not {.val x} <b> %s.", fixed = TRUE)
  expect_match(conditionMessage(fault), "{fix}", fixed = TRUE)
})

test_that("the call of a fault is the user's, wherever it was found", {
  m <- nn_conv1d(1, 1, 1)
  module <- m
  calls <- expression(
    nn_conv2d(1, 1, 0),
    nnf_pad("a", 1),
    conv_set_algorithm("quick"),
    m("a"),
    m$forward("a"),
    m$backward("a", 1),
    m$train("a"),
    m$weigth,
    predict(m, "a")
  )
  in_a_function <- function(call) tryCatch(eval(call), error = conditionCall)
  for (call in as.list(calls)) {
    expect_identical(in_a_function(call), call)
  }
})

test_that("the call of a fault is the one that failed, not one that it is an argument of", {
  m <- nn_conv2d(3, 4, 3)
  call_of <- function(code) tryCatch(code, error = conditionCall)
  expect_identical(call_of(m(m(volcano))), quote(m(volcano)))
  expect_identical(call_of(predict(m, m(volcano))), quote(m(volcano)))
  expect_identical(call_of(m$backward(m(volcano))), quote(m(volcano)))
  expect_identical(call_of(from_nchw(nnf_pad(volcano, NA))), quote(nnf_pad(volcano, NA)))
  samples <- function(i) nnf_pad(volcano, NA)
  expect_identical(
    call_of(predict(m, samples, n = 2, batch_size = 1)), quote(nnf_pad(volcano, NA))
  )
  assign_weight <- function() m$weight <- array(0, 1:5)
  expect_identical(call_of(assign_weight()), quote(m$weight <- value))
  filters <- quote(conv_filter(volcano, list(1, "a")))
  expect_identical(call_of(eval(filters)), filters)
})
