x <- array(c(1, 2, 4, 8), c(1, 1, 4))

difference <- function(...) {
  m <- nn_conv1d(1, 1, 2, ...)
  m$weight <- array(c(1, -1), c(1, 1, 2))
  if (!is.null(m$bias)) m$bias <- 0.5
  m
}

test_that("a module is called like a function", {
  m <- difference()
  expected <- array(c(-0.5, -1.5, -3.5), c(1, 1, 3))
  expect_identical(m(x), expected)
  expect_identical(m(input = x), expected)
  expect_identical(m$forward(x), expected)
  expect_identical(m[["forward"]](x), expected)
  expect_identical(lapply(list(x), m), list(expected))
})

test_that("classes name the layer, the family and the package", {
  expect_identical(
    class(nn_conv2d(1, 1, 1)), c("nnconv_conv2d", "nnconv_conv", "nnconv_module", "function")
  )
  expect_identical(
    class(nn_conv_transpose1d(1, 1, 1)),
    c("nnconv_conv_transpose1d", "nnconv_conv_transpose", "nnconv_module", "function")
  )
  expect_true(is.function(nn_conv2d(1, 1, 1)))
})

test_that("a module is data, and a body that no version may change", {
  conv <- nn_conv2d(1, 1, 1)
  transposed <- nn_conv_transpose2d(1, 1, 1)
  expect_identical(formals(conv), formals(function(input) NULL))
  expect_identical(formals(transposed), formals(function(input, output_size = NULL) NULL))
  expect_identical(body(conv), quote(module_call(parent.env(environment()), input)))
  expect_identical(
    body(transposed), quote(module_call(parent.env(environment()), input, output_size))
  )
  for (m in list(conv, transposed)) {
    expect_null(attr(m, "srcref"))
    data <- as.list(environment(m))
    kept <- vapply(data, is.vector, NA) | vapply(data, is.array, NA) | vapply(data, is.null, NA)
    expect_identical(names(data)[!kept], "remembered")
    expect_identical(parent.env(environment(m)), asNamespace("nnconv"))
  }
})

test_that("a forward in training mode remembers its input, and only the last", {
  m <- difference()
  gradient <- array(1, c(1, 1, 3))
  m(x)
  m$backward(gradient)
  expect_identical(c(m$grad$weight), c(7, 14))
  m$zero_grad()
  m(x)
  m(10 * x)
  m$backward(gradient)
  expect_identical(c(m$grad$weight), c(70, 140))
})

test_that("a failed forward leaves the last good one remembered", {
  m <- difference()
  m(x)
  expect_fault(m(array(0, c(1, 2, 4))), "shape", "input")
  m$backward(array(1, c(1, 1, 3)))
  expect_identical(c(m$grad$weight), c(7, 14))
})

test_that("inputs are let go", {
  m <- nn_conv1d(1, 1, 1)
  released <- 0
  # A fresh array each time, whose death an environment in its attributes tells of.
  watched <- function() {
    watch <- new.env()
    reg.finalizer(watch, function(watch) released <<- released + 1)
    array(0, c(1, 1, 4), list(NULL, NULL, structure(letters[1:4], watch = watch)))
  }
  for (i in 1:5) m(watched())
  gc()
  expect_identical(released, 4)
  m$eval()
  gc()
  expect_identical(released, 5)
})

test_that("a module saved in a later format is refused, whatever is asked of it", {
  m <- nn_conv1d(1, 1, 1)
  environment(m)$format <- format_version + 1L
  for (code in expression(m(x), predict(m, x), m$weight, m$parameters, m$clone(), print(m))) {
    fault <- expect_fault(eval(code), "value", "format")
    expect_match(conditionMessage(fault), "update the package")
  }
})

# ---- copies on their way ----

expect_same_module <- function(copy, original) {
  expect_identical(class(copy), class(original))
  expect_identical(copy$state_dict(), original$state_dict())
  expect_identical(copy$grad, original$grad)
  expect_identical(copy$training, original$training)
  expect_identical(predict(copy, x), predict(original, x))
}

test_that("a module survives saveRDS() and serialize(), without its input", {
  m <- difference()
  m(x)
  m$backward(array(1, c(1, 1, 3)))
  file <- withr::local_tempfile()
  saveRDS(m, file)
  for (copy in list(readRDS(file), unserialize(serialize(m, NULL)))) {
    expect_same_module(copy, m)
    expect_fault(copy$backward(array(1, c(1, 1, 3))), "value", "input")
    copy$weight <- array(0, c(1, 1, 2))
    expect_identical(c(m$weight), c(1, -1))
    copy(x)
    copy$backward(array(1, c(1, 1, 3)))
    expect_identical(c(copy$grad$weight), c(14, 28))
  }
  # The original remembers still.
  m$backward(array(1, c(1, 1, 3)))
  expect_identical(c(m$grad$weight), c(14, 28))
})

test_that("what is saved holds neither the input nor code that grows", {
  m <- nn_conv1d(1, 1, 1)
  size <- function() length(serialize(m, NULL))
  before <- size()
  for (i in 1:10) m(array(0, c(1, 1, 1e5)))
  expect_lt(size(), before + 1000)
})

test_that("modules that earlier versions saved are what they were", {
  versions <- saved_versions(test_path("fixtures"))
  expect_true("modules-0.1.0.rds" %in% names(versions))
  for (name in names(versions)) for (saved in versions[[name]]) {
    expect_true(is_as_saved(saved), label = paste(saved$text, "in", name))
  }
})

test_that("a module works in a fresh R process", {
  skip_if_not_installed("parallel")
  cluster <- parallel::makePSOCKcluster(1)
  withr::defer(parallel::stopCluster(cluster))
  parallel::clusterCall(cluster, .libPaths, .libPaths())
  m <- difference()
  there <- parallel::clusterCall(cluster, function(m, x) list(m = m, y = m(x)), m, x)[[1]]
  expect_identical(there$y, m(x))
  expect_same_module(there$m, m)
})

test_that("a module works in a forked process", {
  skip_on_os("windows")
  m <- difference()
  y <- m(x)
  expect_identical(parallel::mclapply(1:2, function(i) m(x), mc.cores = 2), list(y, y))
})
