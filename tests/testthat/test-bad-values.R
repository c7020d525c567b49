# Every argument of every function refuses what it must, and nothing is changed by that
# (helper-bad-values.R).

expect_refused <- function(target, argument, name, value, class) {
  problem <- call_problem(target, argument, value, class)
  label <- sprintf("%s(%s = <%s>): ", target$label, argument, name)
  testthat::expect(is.null(problem), paste0(label, problem))
}

targets <- all_targets()

for (each in targets) {
  calls <- subset(bad_calls(each), class != ".")
  if (nrow(calls) == 0) next
  test_that(paste("bad values are refused by", each$label), {
    # The ranks share their checks.
    if (grepl("[13]d", each$label)) skip_on_cran()
    local_no_backtraces()
    for (call in split(calls, seq_len(nrow(calls)))) {
      expect_refused(each, call$argument, call$value, bad_values[[call$value]], call$class)
    }
  })
}

test_that("good values are taken, so that it is the bad one that is refused", {
  withr::local_options(nnconv.threads = NULL, nnconv.algorithm = NULL)
  withr::local_pdf(NULL)
  for (target in targets) {
    if (grepl("safetensors", target$label)) skip_unless_safetensors()
    expect_error(call_target(target, target$arguments), NA, label = target$label)
  }
})

test_that("every argument of every function, method and generic is in the table", {
  expect_identical(uncovered(targets), character())
})

test_that("an argument that is not given is named", {
  m <- nn_conv1d(1, 1, 3)
  expect_fault(m(), "type", "input")
  expect_fault(m[[]], "type", "name")
  expect_fault(m$backward(), "type", "grad_output")
  expect_fault(m$load_state_dict(), "type", "state")
  expect_fault(predict(m), "type", "newdata")
  expect_fault(nn_conv2d(1, 1), "type", "kernel_size")
  expect_fault(nn_conv_transpose2d(1), "type", "out_channels")
  expect_fault(nnf_pad(1), "type", "pad")
  for (layer in layers) {
    forward <- get(paste0("nnf_", layer))
    expect_fault(forward(), "type", "input", layer)
    expect_fault(forward(1, bias = 1), "type", "weight", layer)
    backward <- get(paste0("nnf_", layer, "_backward"))
    expect_fault(backward(input = 1, weight = 1), "type", "grad_output", layer)
    expect_fault(backward(1, weight = 1), "type", "input", layer)
    expect_fault(backward(1, 1), "type", "weight", layer)
  }
  expect_fault(conv_output_size(5), "type", "kernel_size")
  expect_fault(conv_transpose_output_size(), "type", "input_size")
  expect_fault(conv_set_num_threads(), "type", "n")
  expect_fault(conv_set_algorithm(), "type", "name")
  expect_fault(plot_conv(), "type", "m")
  expect_fault(plot_feature_maps(), "type", "m")
  expect_fault(conv_read_safetensors(), "type", "path")
  expect_fault(conv_write_safetensors(list()), "type", "path")
})

# ---- what messages say ----

test_that("messages name the forms of padding, and the element that is wrong", {
  says <- function(code, text) {
    fault <- expect_fault(code, "value", "padding")
    expect_match(conditionMessage(fault), text, fixed = TRUE)
  }
  says(nn_conv1d(1, 1, 3, padding = c(2, 0)), "or a list of pairs c(before, after), or \"valid\"")
  says(nn_conv2d(1, 1, 3, padding = list(c(1, 1), 1:3)), "one whose element 2 is c(1, 2, 3)")
})

test_that("messages say how to get from series, zoo objects and empty dimensions to arrays", {
  fault <- expect_fault(nn_conv1d(4, 2, 3)(EuStockMarkets), "shape", "input")
  expect_match(conditionMessage(fault), "`to_nchw(input, \"LC\")`", fixed = TRUE)
  fault <- expect_fault(nn_conv2d(3, 2, 3)(volcano), "shape", "input")
  expect_match(conditionMessage(fault), "the numbers of one channel; 3 channels are taken")
  fault <- expect_fault(conv_filter(structure(1:5, class = "zoo"), 1:3), "type", "x")
  expect_match(conditionMessage(fault), "coredata")
  fault <- expect_fault(nnf_pad(matrix(0, 0, 2), c(0, 0, 1, 1), "replicate"), "shape", "pad")
  expect_match(conditionMessage(fault), "where `input` is empty")
  image <- structure(array(0, c(10, 12, 1, 3)), class = "cimg")
  fault <- expect_fault(conv_filter(image, matrix(1, 3, 3)), "shape", "x")
  expect_match(conditionMessage(fault), "an array of dim (10, 12, 1, 3)", fixed = TRUE)
})

test_that("an argument that is misspelt is named", {
  m <- nn_conv1d(1, 1, 1)
  fault <- expect_fault(predict(m, array(0, c(1, 1, 2)), size = stop()), "value", "...")
  expect_match(conditionMessage(fault), "not `size`")
  fault <- expect_fault(m$weigth, "value", "name")
  expect_match(conditionMessage(fault), "Did you mean `weight`?", fixed = TRUE)
  for (name in c("", "\xff\xfe", strrep("long", 1e5))) expect_fault(m[[name]], "value", "name")
  expect_fault(predict(m, array(0, c(1, 1, 2)), progress = "yes"), "type", "progress")
  expect_fault(conv_filter(EuStockMarkets, 1, channels = "bogus"), "value", "channels")
  expect_fault(conv_filter(EuStockMarkets, 1, channels = "first"), "value", "channels")
})

# ---- arrays that do not fit ----

bad_arrays <- function(n) {
  list(
    vector = list("s", as.double(1:50)),
    matrix = list("s", matrix(0, 5, 10)),
    rank = list("s", array(0, c(1, 1, 2, rep(5, n)))),
    channels = list("s", array(0, c(2, 3, rep(5, n)))),
    no_channels = list("s", array(0, c(2, 0, rep(5, n)))),
    no_pixels = list("s", array(0, c(2, 2, rep(0, n)))),
    strings = list("t", array("a", c(2, 2, rep(5, n)))),
    list = list("t", array(list(), c(2, 2, rep(0, n))))
  )
}

test_that("arrays that do not fit are refused", {
  local_no_backtraces()
  for (n in 1:3) for (transposed in c(FALSE, TRUE)) {
    layer <- paste0(if (transposed) "conv_transpose" else "conv", n, "d")
    arrays <- bad_arrays(n)
    # In one dimension a matrix is an unbatched array.
    if (n == 1) arrays$matrix <- NULL
    if (!transposed) arrays$small <- list("s", array(0, c(2, 2, rep(2, n))))
    for (target in layer_targets(layer)[2:6]) for (name in names(arrays)) {
      argument <- intersect(c("newdata", "input"), names(target$arguments))
      expect_refused(target, argument, name, arrays[[name]][[2]], arrays[[name]][[1]])
    }
  }
})

test_that("weights that do not fit are refused", {
  x <- array(0, c(1, 4, 6))
  refuse <- function(dim, ...) {
    weight <- array(0, dim)
    expect_fault(nnf_conv1d(x, weight, ...), "shape", "weight", deparse(dim))
  }
  for (dim in list(12, c(3, 4), c(3, 4, 1, 1), c(0, 4, 1), c(3, 4, 0))) refuse(dim)
  expect_fault(nnf_conv1d(x, array(0, c(3, 2, 1))), "shape", "input")
  expect_fault(nnf_conv1d(x, array(0, c(3, 2, 1)), groups = 2), "value", "groups")
  expect_fault(nnf_conv1d(x, array(0, c(3, 4, 1)), bias = c(1, 2)), "shape", "bias")
})

test_that("an array without channels is told the dim it needs", {
  m <- nn_conv2d(1, 1, 3)
  expect_match(conditionMessage(catch_fault(m(volcano))), "array(input, c(1, 1, 87, 61))",
    fixed = TRUE)
  m <- nn_conv1d(1, 1, 3)
  expect_match(conditionMessage(catch_fault(m(1:10))), "array(input, c(1, 1, 10))", fixed = TRUE)
})

test_that("settings that do not fit each other are refused", {
  expect_fault(nn_conv2d(3, 4, 1, groups = 2), "value", "groups")
  expect_fault(nn_conv2d(4, 3, 1, groups = 2), "value", "groups")
  expect_fault(nn_conv2d(1, 1, 3, stride = 2, padding = "same"), "value", "padding")
  expect_fault(nn_conv2d(1, 1, 3, padding = "causal"), "value", "padding")
  expect_fault(nn_conv2d(1, 1, 3, padding = list(c(1, 1))), "value", "padding")
  expect_fault(nn_conv2d(1, 1, 3, padding = list(1, c(1, 1))), "value", "padding")
  expect_fault(nn_conv2d(1, 1, 3, padding = list(c("a", "b"), c(1, 1))), "type", "padding")
  expect_fault(nn_conv2d(1, 1, 3, padding = list(c(1, -1), c(1, 1))), "value", "padding")
  expect_fault(nn_conv_transpose2d(1, 1, 3, padding_mode = "reflect"), "value", "padding_mode")
  expect_fault(nn_conv_transpose2d(1, 1, 3, output_padding = 1), "value", "output_padding")
  m <- nn_conv1d(1, 1, 3, padding = 3, padding_mode = "reflect")
  expect_fault(m(array(0, c(1, 1, 3))), "shape", "padding")
})
