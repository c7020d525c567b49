test_that("format() gives the call that makes such a module", {
  calls <- c(
    "nn_conv1d(1, 2, kernel_size = 3)",
    "nn_conv2d(3, 8, kernel_size = 3, padding = \"same\", bias = FALSE)",
    "nn_conv2d(4, 6, kernel_size = c(3, 5), stride = 2, padding = list(c(1, 2), c(0, 1)))",
    "nn_conv3d(4, 4, kernel_size = 1, dilation = c(1, 2, 1), groups = 4, dtype = \"complex64\")",
    "nn_conv1d(1, 1, kernel_size = 3, padding = 2, padding_mode = \"circular\")",
    "nn_conv_transpose2d(2, 1, kernel_size = 3, stride = 2, output_padding = c(0, 1))"
  )
  for (call in calls) expect_identical(format(eval(parse(text = call))), call)
})

test_that("print() shows the layer and its parameters", {
  m <- nn_conv2d(3, 64, 7, stride = 2)
  expect_identical(capture.output(result <- withVisible(print(m))), c(
    "nn_conv2d(3, 64, kernel_size = 7, stride = 2)",
    "weight  64 x 3 x 7 x 7",
    "bias    64",
    "9,472 parameters, training mode"
  ))
  expect_identical(result, list(value = m, visible = FALSE))
  m$bias <- NULL
  m$eval()
  expect_identical(capture.output(m)[-1], c(
    "weight  64 x 3 x 7 x 7",
    "9,408 parameters, evaluation mode"
  ))
})

test_that("summary() tells about the parameters", {
  m <- nn_conv1d(1, 2, 3)
  m$weight <- array(c(-3, 1, 2, 0, 0, 0), c(2, 1, 3))
  m$bias <- c(1, 3)
  s <- summary(m)
  expect_s3_class(s, "summary.nnconv_module")
  expect_identical(s$module, "nn_conv1d(1, 2, kernel_size = 3)")
  expect_identical(s$parameters, data.frame(
    dim = c("2 x 1 x 3", "2"), count = c(6L, 2L), min = c(-3, 1), mean = c(0, 2), max = c(2, 3),
    sd = c(sqrt(14 / 5), sqrt(2)), row.names = c("weight", "bias")
  ))
  expect_output(print(s), "nn_conv1d.*weight 2 x 1 x 3     6  -3")
  m$weight <- m$weight * 1i
  expect_identical(summary(m)$parameters["weight", "max"], 3)
})

test_that("predict() is a forward that remembers nothing", {
  m <- nn_conv1d(1, 1, 2)
  x <- array(1:4, c(1, 1, 4))
  m(x)
  expect_identical(predict(m, 10 * x), m$clone()(10 * x))
  before <- m$clone()
  before$backward(array(1, c(1, 1, 3)), x)
  m$backward(array(1, c(1, 1, 3)))
  expect_identical(m$grad, before$grad)
  m$eval()
  expect_identical(predict(m, x), m(x))
  up <- nn_conv_transpose1d(1, 1, 3, stride = 2)
  expect_identical(predict(up, x, output_size = 10), up(x, output_size = 10))
  expect_fault(predict(m, "a"), "type", "newdata")
})

test_that("predict() refuses what it does not know", {
  m <- nn_conv1d(1, 1, 2)
  x <- array(0, c(1, 1, 5))
  expect_fault(predict(m, x, output_size = 4), "value", "output_size")
  expect_fault(predict(m, x, type = "response"), "value", "...")
  transposed <- nn_conv_transpose1d(1, 1, 2, stride = 2)
  expect_identical(dim(predict(transposed, x, output_size = 11)), c(1L, 1L, 11L))
})
