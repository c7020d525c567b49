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

test_that("print() breaks long calls between arguments", {
  m <- nn_conv2d(3, 4, c(3, 5), stride = 2, padding = list(c(1, 2), c(0, 1)))
  withr::local_options(width = 40)
  expect_identical(capture.output(m)[1:3], c(
    "nn_conv2d(3, 4, kernel_size = c(3, 5),", "  stride = 2,",
    "  padding = list(c(1, 2), c(0, 1)))"
  ))
  withr::local_options(width = 20)
  expect_identical(capture.output(m)[1:2], c("nn_conv2d(3, 4,", "  kernel_size = c(3, 5),"))
  for (width in c(20, 40, 80, 200)) {
    withr::local_options(width = width)
    lines <- wrap_call(format(m))
    expect_identical(paste(trimws(lines), collapse = " "), format(m))
  }
})

test_that("text is broken at spaces, calls between arguments", {
  fits <- function(line) nchar(line) <= 16
  call <- "f(1, b = c(2, 3), d = \"~\")"
  expect_identical(break_lines(call, fits), c("f(1,", "b = c(2, 3),", "d = \"~\")"))
  words <- "what it says (in brackets)"
  expect_identical(break_lines(words, fits), c("what it says (in", "brackets)"))
  expect_identical(break_lines("a = 1, b = 2, c = 3", fits), c("a = 1, b = 2,", "c = 3"))
  expect_identical(break_lines("oneverylongwordonly", fits), "oneverylongwordonly")
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
  expect_identical(s$moduli, character())
  s <- summary(m)
  expect_identical(s$parameters["weight", "max"], 3)
  expect_identical(s$moduli, "weight")
  expect_output(print(s), "sd: of the moduli of weight\nreceptive field")
  s <- summary(nn_conv1d(1, 2, 3, dtype = "complex128"))
  expect_output(print(s), "sd: of the moduli of weight, bias\nreceptive field")
})

test_that("summary() tells the output's dim and the receptive field", {
  m <- nn_conv2d(3, 64, 7, stride = 2, padding = 3)
  s <- summary(m, c(8, 3, 224, 224))
  expect_identical(s$input_dim, c(8L, 3L, 224L, 224L))
  expect_identical(s$output_dim, c(8L, 64L, 112L, 112L))
  expect_identical(s$receptive_field, receptive_field(m))
  expect_identical(utils::tail(capture.output(s), 4), c(
    "receptive field  7 x 7, stride 2 x 2", "input            8 x 3 x 224 x 224",
    "output           8 x 64 x 112 x 112", "multiply-adds    944,111,616"
  ))
  expect_identical(names(summary(m)), c("module", "parameters", "moduli", "receptive_field"))
  expect_false(any(grepl("moduli", capture.output(summary(m)))))
  expect_output(print(summary(m)), "receptive field  7 x 7, stride 2 x 2$")
  up <- nn_conv_transpose1d(1, 1, 3, stride = 3)
  expect_output(print(summary(up)), "receptive field  1, stride 0.333$")
})

test_that("multiply-adds are the steps of the plain loops", {
  withr::local_seed(1)
  for (layer in layers) for (i in 1:5) {
    case <- random_case(layer)
    m <- case_module(case, random_operands(case))
    pixels <- prod(if (is_transposed(case)) case$size else output_size(case))
    steps <- 0
    for (sample in seq_len(max(case$batch, 1))) for (pixel in seq_len(pixels)) {
      for (group in seq_len(case$groups)) for (row in seq_len(dim(m$weight)[[1]] / case$groups)) {
        for (column in seq_len(dim(m$weight)[[2]])) {
          steps <- steps + prod(rep_len(case$kernel, n_spatial(case)))
        }
      }
    }
    expect_identical(summary(m, input_dim(case))$multiply_adds, steps, label = case_label(case))
  }
  m <- nn_conv1d(2, 3, 5)
  expect_identical(summary(m, c(0, 2, 9))$multiply_adds, 0)
  large <- nn_conv2d(512, 512, 3, padding = "same")
  expect_identical(summary(large, c(1e5, 512, 224, 224))$multiply_adds, 1e5 * 224^2 * 512^2 * 9)
})

test_that("multiply-adds without padding are the terms of the sum", {
  withr::local_seed(2)
  for (layer in layers) for (i in 1:5) {
    case <- random_case(layer, padding = 0, output_padding = 0, padding_mode = "zeros")
    m <- case_module(case, random_operands(case))
    channels <- prod(dim(m$weight)[1:2]) * prod(case$batch)
    expect_identical(
      summary(m, input_dim(case))$multiply_adds, nrow(case_terms(case)) * channels,
      label = case_label(case)
    )
  }
})

test_that("summary() refuses what it does not know", {
  m <- nn_conv2d(3, 4, 3)
  expect_fault(summary(m, input_dims = c(3, 5, 5), 1), "value", "...")
  expect_fault(summary(m, c(5, 5)), "value", "input_dim")
  expect_fault(summary(m, c(1, 5, 5)), "shape", "input_dim")
  expect_fault(summary(m, array(0, c(3, 5, 5))), "value", "input_dim")
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
