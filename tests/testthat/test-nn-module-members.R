test_that("fields say what the module was made with", {
  m <- nn_conv2d(
    4, 6, c(3, 5), stride = 2, padding = list(c(1, 2), c(0, 1)), dilation = c(1, 2), groups = 2,
    padding_mode = "reflect", dtype = "float32"
  )
  expect_identical(m$in_channels, 4L)
  expect_identical(m$out_channels, 6L)
  expect_identical(m$kernel_size, c(3L, 5L))
  expect_identical(m$stride, c(2L, 2L))
  expect_identical(m$padding, list(c(1L, 2L), c(0L, 1L)))
  expect_identical(m$output_padding, c(0L, 0L))
  expect_identical(m$dilation, c(1L, 2L))
  expect_identical(m$groups, 2L)
  expect_identical(m$padding_mode, "reflect")
  expect_identical(m$dtype, "float32")
  expect_identical(dim(m$weight), c(6L, 2L, 3L, 5L))
  expect_length(m$bias, 6)
  expect_true(m$training)
  expect_identical(m$grad, list(weight = NULL, bias = NULL))
  expect_identical(nn_conv1d(1, 1, 3, padding = "same")$padding, "same")
  expect_identical(nn_conv1d(1, 1, 3, padding = 2)$padding, 2L)
  expect_identical(nn_conv_transpose1d(1, 1, 3, 2, output_padding = 1)$output_padding, 1L)
})

test_that("[[ ]] reads what $ reads, and names() lists it all", {
  m <- nn_conv1d(2, 3, 4)
  for (name in names(m)) {
    value <- m[[name]]
    if (!is.function(value)) expect_identical(value, eval(call("$", m, name)))
  }
  expect_true(all(c("weight", "kernel_size", "grad", "backward", "clone") %in% names(m)))
})

test_that("the console completes names", {
  m <- nn_conv1d(2, 3, 4)
  expect_identical(utils::.DollarNames(m, "^w"), "weight")
  expect_identical(utils::.DollarNames(m), names(m))
})

test_that("an unknown name is an error that names the known ones; nothing matches partially", {
  m <- nn_conv1d(2, 3, 4)
  for (code in expression(
    m$weigth, m$w, m[["weigh"]], m$Weight, m$geometry, m$w <- 1, m[["weigh"]] <- m$weight
  )) {
    fault <- expect_fault(eval(code), "value", "name", deparse(code))
    expect_match(conditionMessage(fault), "weight, bias, .*kernel_size.* backward")
  }
  expect_fault(m[[1]], "type", "name")
  expect_fault(m[[c("weight", "bias")]], "value", "name")
})

test_that("everything but weight and bias is read-only", {
  m <- nn_conv1d(2, 3, 4)
  before <- module_state(m)
  for (name in setdiff(names(m), c("weight", "bias"))) {
    expect_fault(m[[name]] <- m[[name]], "value", name, name)
  }
  expect_identical(module_state(m), before)
})

test_that("weight and bias can be assigned, by $ and by [[ ]]", {
  m <- nn_conv1d(2, 3, 4)
  w <- array(as.double(1:24), c(3, 2, 4))
  m$weight <- w
  expect_identical(m$weight, w)
  m[["weight"]] <- -w
  expect_identical(m$weight, -w)
  m$bias <- c(1, 2, 3)
  expect_identical(m$bias, c(1, 2, 3))
  m$weight[2, 1, 3] <- 100
  expect_identical(m$weight[2, 1, 3], 100)
  m$weight <- w + 1i
  expect_identical(m$weight, w + 1i)
  # Whole numbers and names come back as a plain double array.
  m$weight <- array(1:24, c(3, 2, 4), list(letters[1:3], NULL, NULL))
  expect_identical(m$weight, w)
})

test_that("an assignment that fails changes nothing", {
  m <- nn_conv1d(2, 3, 4)
  before <- module_state(m)
  bad <- list(shape = 0, shape = array(0, c(3, 2, 5)), shape = array(0, 24), type = NULL,
    type = "a", type = list(0), type = data.frame(a = 1))
  for (i in seq_along(bad)) {
    expect_fault(m$weight <- bad[[i]], names(bad)[[i]], "weight", i)
  }
  expect_fault(m$bias <- c(1, 2), "shape", "bias")
  expect_fault(m$bias <- "a", "type", "bias")
  expect_identical(module_state(m), before)
})

test_that("the bias can be taken away and given back", {
  m <- nn_conv1d(1, 1, 1)
  m$weight <- array(2, c(1, 1, 1))
  m$bias <- 1
  x <- array(3, c(1, 1, 1))
  m(x)
  m$backward(x)
  m$bias <- NULL
  expect_null(m$bias)
  expect_null(m$grad$bias)
  expect_identical(names(m$parameters), "weight")
  expect_identical(c(m(x)), 6)
  m$backward(x)
  expect_null(m$grad$bias)
  m$bias <- 4
  expect_identical(c(m(x)), 10)
})

test_that("arrays that were given or read are never written to", {
  m <- nn_conv1d(1, 1, 2)
  given <- array(c(1, -1), c(1, 1, 2))
  before <- deep_copy(given)
  m$weight <- given
  read <- m$weight
  clone <- m$clone()
  m(array(1, c(1, 1, 4)))
  m$backward(array(1, c(1, 1, 3)))
  m$weight[1] <- 5
  m$reset_parameters()
  expect_identical(given, before)
  expect_identical(read, before)
  expect_identical(clone$weight, before)
})

test_that("a module has reference semantics", {
  m <- nn_conv1d(1, 1, 1)
  alias <- m
  change <- function(module) module$weight <- array(7, c(1, 1, 1))
  change(m)
  expect_identical(c(alias$weight), 7)
})
