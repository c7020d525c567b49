# Calls of every kind that the package makes: for the rows that look at what happens around a call,
# as interrupts, failing allocations, forks and other sessions.
#
# A kind is a case of the tests (tests/testthat/helper-cases.R), and also
#   size, long   the spatial size of a short call, and of one that takes about half a second;
#                or the fields in which a long one differs
#   operation    what is called: one of `operations`
#   algorithm    the option
#   kernel       a pattern of the kernel that the plan names, in the row `result` of why()

source_test_helpers()

kind <- function(name, layer, batch, c_in, c_out, kernel, size, long, ...) {
  defaults <- list(
    name = name, long = long, operation = "forward", algorithm = "auto", expects = "", bias = FALSE
  )
  case <- make_case(
    layer = layer, batch = batch, c_in = c_in, c_out = c_out, kernel = kernel, size = size
  )
  utils::modifyList(c(case[names(case) != "bias"], defaults), list(...))
}

conv2d_64 <- function(name, ..., batch = 8, kernel = 7, size = c(9, 9), long = c(112, 112)) {
  kind(name, "conv2d", batch, 64, 64, kernel, size, long, padding = kernel %/% 2, ...)
}

kinds <- list(
  conv2d_64("rows", expects = "_rows_", bias = TRUE),
  conv2d_64("channels", batch = 1, size = c(14, 14), long = c(280, 280), expects = "_channels_"),
  kind("filter", "conv2d", 1, 1, 8, 7, c(99, 99), c(2000, 2000), expects = "_filter_"),
  kind(
    "lanes", "conv2d", 2, 256, 256, 5, c(24, 24), c(400, 400), groups = 256, stride = 2,
    algorithm = "direct", expects = "_lines_"
  ),
  kind("1x1", "conv2d", 8, 256, 64, 1, c(14, 14), c(240, 240), expects = "_rows_"),
  conv2d_64("Winograd, F(2)", kernel = 3, size = c(14, 14), long = c(224, 224),
    expects = "Winograd"),
  conv2d_64("Winograd, F(4)", kernel = 3, size = c(14, 14), long = c(280, 280),
    algorithm = "fast", expects = "Winograd"),
  conv2d_64("Winograd, channels", batch = 1, kernel = 3, size = c(28, 28), long = c(620, 620),
    expects = "Winograd"),
  kind("Fourier", "conv2d", 2, 2, 2, 41, c(120, 120), c(900, 900), algorithm = "fast",
    padding = 20, expects = "_fft"),
  kind("separable", "conv2d", 2, 1, 1, 31, c(90, 90), c(2400, 2400), algorithm = "fast",
    padding = 15, weights = "outer", expects = "_separable"),
  conv2d_64("reflect", padding_mode = "reflect"),
  kind("causal, circular", "conv1d", 8, 64, 64, 9, 200, 24000, padding = "causal",
    padding_mode = "circular", dilation = 3),
  kind("conv3d", "conv3d", 4, 16, 16, 5, c(7, 8, 9), c(50, 50, 50), stride = c(1, 1, 2)),
  kind("transposed 1d", "conv_transpose1d", 8, 64, 32, 16, 90, 15000, stride = 4),
  kind("transposed 2d", "conv_transpose2d", 8, 64, 32, 6, c(12, 12), c(120, 120), stride = 2,
    output_padding = 1, bias = TRUE),
  kind("transposed 3d", "conv_transpose3d", 2, 16, 16, 4, c(8, 8, 8), c(50, 50, 50), stride = 2),
  conv2d_64("float32", dtype = "float32", long = c(140, 140), expects = "^f32_"),
  conv2d_64("float32, 1x1", batch = 3, kernel = 1, size = c(48, 48), long = c(600, 600),
    dtype = "float32"),
  conv2d_64("complex128", dtype = "complex128", size = c(5, 5), long = c(56, 56)),
  conv2d_64("complex64", dtype = "complex64", size = c(5, 5), long = c(72, 72)),
  conv2d_64("gradient of the input", operation = "input"),
  conv2d_64("gradient of the weight", operation = "weight"),
  kind("gradient of the weight, lanes", "conv2d", 16, 3, 6, 7, c(28, 28), c(420, 420),
    operation = "weight", expects = "_lanes_"),
  conv2d_64("gradient of the weight, float32", operation = "weight", dtype = "float32",
    long = c(140, 140)),
  kind("gradient of the weight, transposed", "conv_transpose2d", 8, 64, 32, 6, c(12, 12),
    c(120, 120), stride = 2, operation = "weight"),
  conv2d_64("gradient of the bias", operation = "bias", size = c(60, 60), long = c(360, 360)),
  conv2d_64("all gradients, complex", operation = "all", dtype = "complex128", size = c(5, 5),
    long = c(36, 36)),
  kind("integers", "conv2d", 8, 64, 2, 1, c(40, 40), c(280, 280), data = "integer"),
  kind("nnf_pad", "conv2d", 8, 64, 1, 9, c(40, 40), c(300, 300), operation = "pad",
    padding_mode = "reflect"),
  conv2d_64("module, training", operation = "train", bias = TRUE),
  conv2d_64("module, predict", operation = "predict", long = c(90, 90), dtype = "float32"),
  kind("module, output_size", "conv_transpose2d", 8, 64, 32, 6, c(12, 12), c(120, 120), stride = 2,
    operation = "output_size"),
  conv2d_64("module, backward", operation = "backward", long = c(56, 56), bias = TRUE),
  kind("module, m$weight <-", "conv1d", 1, 100, 200, 3, 9, list(c_in = 3000, c_out = 4000),
    operation = "assign"),
  kind("module, load_state_dict", "conv1d", 1, 100, 200, 3, 9, list(c_in = 3000, c_out = 4000),
    operation = "load", bias = TRUE)
)
names(kinds) <- vapply(kinds, `[[`, "", "name")

# Numbers that are quick to have, also millions: whole ones where data are integers.
fill <- function(dim, dtype, data = NULL) {
  values <- if (identical(data, "integer")) sample.int(9L, 9973, TRUE) else stats::rnorm(9973)
  if (is_complex(dtype)) values <- complex(real = values, imaginary = rev(values))
  array(values, dim)
}

kind_operands <- function(kind) {
  set.seed(1)
  weight <- fill(weight_dim(kind), kind$dtype)
  if (identical(kind$weights, "outer")) weight[] <- outer(weight[seq_len(kind$kernel)], 1:31 / 31)
  list(
    input = fill(input_dim(kind), kind$dtype, kind$data),
    weight = weight,
    bias = if (kind$bias) as.vector(fill(kind$c_out, kind$dtype)),
    grad_output = fill(output_dim(kind), kind$dtype)
  )
}

# What is called for an operation: functions of the kind, its operands and a module, which give all
# that the call computes.
operations <- list(
  forward = function(kind, x, m) forward(kind, x),
  input = function(kind, x, m) backward(kind, x, needs = "input"),
  weight = function(kind, x, m) backward(kind, x, needs = "weight"),
  bias = function(kind, x, m) backward(kind, x, needs = "bias"),
  all = function(kind, x, m) backward(kind, x),
  pad = function(kind, x, m) nnf_pad(x$input, rep(8, 4), kind$padding_mode),
  train = function(kind, x, m) {
    y <- m(x$input)
    list(y, nnconv:::remembered_input(environment(m)))
  },
  predict = function(kind, x, m) stats::predict(m, x$input),
  output_size = function(kind, x, m) m(x$input, output_size = output_size(kind) + 1),
  backward = function(kind, x, m) {
    g <- m$backward(x$grad_output, x$input)
    list(g, m$grad)
  },
  assign = function(kind, x, m) {
    m$weight <- x$weights
    m$weight
  },
  load = function(kind, x, m) {
    m$load_state_dict(list(weight = 2 * x$weight, bias = 2 * x$bias))
    m$parameters
  }
)

# A call of a kind, as a list of functions: `prepare()` makes ready for a run, with a module of its
# own where it takes one; `run()` gives what it computes; `changed()` says whether a run that failed
# left the module other than it was.
new_call <- function(kind, long = FALSE) {
  short <- kind_operands(kind)
  if (long) kind <- lengthened(kind)
  x <- if (long) kind_operands(kind) else short
  if (kind$operation == "assign") x$weights <- fill(weight_dim(kind), kind$dtype, "integer")
  m <- before <- NULL
  uses_module <- kind$operation %in%
    c("train", "predict", "output_size", "backward", "assign", "load")
  original <- if (uses_module) case_module(kind, x)
  prepare <- function() {
    options(nnconv.algorithm = kind$algorithm)
    if (!uses_module) return()
    m <<- original$clone()
    if (kind$operation == "backward") m$backward(short$grad_output, short$input)
    if (kind$operation %in% c("train", "backward")) m(short$input)
    before <<- module_state(m)
  }
  list(
    prepare = prepare,
    run = function() operations[[kind$operation]](kind, x, m),
    changed = function() uses_module && !identical(module_state(m), before)
  )
}

lengthened <- function(kind) {
  fields <- if (is.list(kind$long)) kind$long else list(size = kind$long)
  utils::modifyList(kind, fields)
}

# Whether the plan takes the kernel that the kind is there for.
takes_its_kernel <- function(kind, call) {
  result <- if (kind$operation %in% c("input", "weight")) kind$operation else "output"
  call$prepare()
  x <- kind_operands(kind)
  plan <- nnconv:::why(case_module(kind, x), x$input)
  grepl(kind$expects, plan$kernel[plan$result == result])
}

# A filter whose result takes a block of huge pages, which waits for the next one.
kinds_with_large <- function(names) {
  c(kinds[names], list(large = utils::modifyList(kinds$filter, list(size = c(700, 700)))))
}

# ---- the same bits ----

# A function of a number of threads: whether each of these calls gives, in this session, the bits
# that it gave when this was called, on one thread.
bits_of <- function(kinds) {
  calls <- lapply(kinds, new_call)
  run <- function(call) {
    call$prepare()
    call$run()
  }
  options(nnconv.threads = 1)
  expected <- lapply(calls, run)
  function(threads) {
    options(nnconv.threads = threads)
    mapply(function(call, bits) identical(run(call), bits, num.eq = FALSE), calls, expected)
  }
}

# The hashes of what calls of these kinds give.
hashes_of <- function(kinds, threads) {
  options(nnconv.threads = threads)
  vapply(kinds, function(kind) {
    call <- new_call(kind)
    call$prepare()
    rlang::hash(call$run())
  }, "")
}
