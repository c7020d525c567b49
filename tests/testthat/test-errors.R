# Every argument of every function with values that it must refuse. What is expected of a value
# depends only on the kind of the argument: one table says it all.

bad_values <- list(
  zero = 0, negative = -1, na = NA, nan = NaN, inf = Inf, fraction = 1.5, huge = 2^31,
  string = "3", true = TRUE, empty = numeric(0), long = rep(1, 7), list = list(1), null = NULL,
  data_frame = data.frame(a = 1), func = mean, factor = factor(1), complex = 1i,
  date = as.Date("2024-01-01")
)

# t, v, s: a type, value or shape error; a dot: no error expected of this value.
expected <- utils::read.table(header = TRUE, colClasses = "character", text = "
  value      count margin cut extra flag word text array maybe vector size number state
  zero       v     .      .   .     t    t    t    s     s     s      v    .      t
  negative   v     v      v   v     t    t    t    s     s     s      v    .      t
  na         v     v      v   v     v    v    v    s     s     s      v    .      t
  nan        v     v      v   v     t    t    t    s     s     s      v    .      t
  inf        v     v      v   v     t    t    t    s     s     s      v    .      t
  fraction   v     v      v   v     t    t    t    s     s     s      v    .      t
  huge       v     v      v   v     t    t    t    s     s     s      v    .      t
  string     t     v      t   t     t    v    .    t     t     t      t    t      t
  true       t     t      t   t     .    t    t    s     s     t      t    t      t
  empty      v     v      v   v     t    t    t    s     s     s      v    v      t
  long       v     v      v   v     t    t    t    s     s     s      v    v      t
  list       t     v      v   t     t    t    t    t     t     t      t    t      v
  null       t     t      t   t     t    t    t    t     .     .      .    .      t
  data_frame t     t      t   t     t    t    t    t     t     t      t    t      t
  func       t     t      t   t     t    t    t    t     t     t      t    t      t
  factor     t     t      t   t     t    t    t    t     t     t      t    t      t
  complex    t     t      t   t     t    t    t    s     s     s      t    .      t
  date       t     t      t   t     t    t    t    t     t     t      t    t      t
")
rownames(expected) <- expected$value
# Words, or none.
expected$labels <- replace(expected$word, expected$value == "null", ".")

# The kinds of all arguments by their names; those of transposed layers where they differ.
kinds <- c(
  in_channels = "count", out_channels = "count", kernel_size = "count", stride = "count",
  dilation = "count", groups = "count", n = "count", input_size = "count", pad = "count",
  padding = "margin", output_padding = "extra",
  bias = "vector", strict = "flag", deep = "flag", mode = "flag",
  padding_mode = "word", device = "word", dtype = "word", needs = "word", name = "word",
  prefix = "text", state = "state", path = "text", metadata = "labels",
  input = "array", weight = "array", grad_output = "array", newdata = "array",
  output_size = "size", value = "number"
)

# ---- the calls: a function, good arguments, and the kinds that names do not tell ----

target <- function(label, f, arguments, kinds = character()) {
  list(label = label, f = f, arguments = arguments, kinds = kinds)
}

good_geometry <- list(
  stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1, dtype = "float64",
  padding_mode = "zeros"
)

# The arguments that `f` has, by name and in its order.
fill_in <- function(f, values) values[intersect(names(formals(f)), names(values))]

layer_targets <- function(layer) {
  n <- as.integer(substr(layer, nchar(layer) - 1, nchar(layer) - 1))
  transposed <- startsWith(layer, "conv_transpose")
  own <- if (transposed) c(padding = "cut")
  x <- array(stats::rnorm(2 * 2 * 5^n), c(2, 2, rep(5, n)))
  w <- array(stats::rnorm(4 * 3^n), c(2, 2, rep(3, n)))
  output <- array(0, c(2, 2, rep(if (transposed) 7 else 3, n)))

  constructor <- get(paste0("nn_", layer))
  forward <- get(paste0("nnf_", layer))
  backward <- get(paste0("nnf_", layer, "_backward"))
  settings <- c(
    list(in_channels = 2, out_channels = 2, kernel_size = 3, bias = TRUE, device = "cpu"),
    good_geometry
  )
  operands <- list(
    grad_output = output, input = x, weight = w, bias = c(0, 0),
    needs = c("input", "weight", "bias")
  )
  m <- constructor(2, 2, 3)
  m(x)
  list(
    target(
      paste0("nn_", layer), constructor, fill_in(constructor, settings), c(own, bias = "flag")
    ),
    target(paste0("nnf_", layer), forward, fill_in(forward, c(operands, good_geometry)), own),
    target(
      paste0("nnf_", layer, "_backward"), backward, fill_in(backward, c(operands, good_geometry)),
      own
    ),
    target(
      paste0(layer, "()"), m,
      c(list(input = x), if (transposed) list(output_size = dim(output)[-(1:2)]))
    ),
    target(
      paste0(layer, "$backward"), m$backward, operands[c("grad_output", "input", "needs")],
      c(input = "maybe")
    ),
    target(paste0("predict ", layer), stats::predict, list(m, newdata = x))
  )
}

module_targets <- function() {
  m <- nn_conv2d(2, 2, 3)
  list(
    target("$train", m$train, list(mode = TRUE)),
    target("$clone", m$clone, list(deep = TRUE)),
    target("$state_dict", m$state_dict, list(prefix = "")),
    target(
      "$load_state_dict", m$load_state_dict,
      list(state = m$state_dict(), strict = TRUE, prefix = "")
    ),
    target("$", function(name) m[[name]], list(name = "weight")),
    target("$weight<-", function(weight) m$weight <- weight, list(weight = m$weight)),
    target("$bias<-", function(bias) m$bias <- bias, list(bias = c(0, 0)))
  )
}

function_targets <- function() {
  list(
    target(
      "nnf_pad", nnf_pad, list(input = array(0, c(1, 1, 3)), pad = c(1, 1), mode = "constant",
        value = 0),
      c(mode = "word")
    ),
    target(
      "conv_output_size", conv_output_size,
      fill_in(conv_output_size, c(list(input_size = c(8, 9), kernel_size = 3), good_geometry))
    ),
    target(
      "conv_transpose_output_size", conv_transpose_output_size,
      fill_in(
        conv_transpose_output_size, c(list(input_size = c(8, 9), kernel_size = 3), good_geometry)
      ),
      c(padding = "cut")
    ),
    target("conv_set_num_threads", conv_set_num_threads, list(n = 1)),
    target("conv_set_algorithm", conv_set_algorithm, list(name = "auto")),
    target(
      "conv_read_safetensors", conv_read_safetensors,
      list(path = safetensors_fixture("float64.safetensors"), prefix = "")
    ),
    target(
      "conv_write_safetensors", conv_write_safetensors,
      list(state = list(a = 1), path = tempfile(), dtype = "float64", metadata = c(a = "b"))
    )
  )
}

# ---- one call ----

# NULL, or what is wrong with the call's error or with what it left behind.
call_problem <- function(target, argument, value, class) {
  arguments <- target$arguments
  arguments[argument] <- list(value)
  given <- deep_copy(arguments)
  before <- session_state()
  fault <- catch_fault(do.call(target$f, arguments))
  kind <- c(t = "type", v = "value", s = "shape")[[class]]
  problem <- fault_problem(fault, kind, argument)
  if (is.null(problem) && !identical(session_state(), before)) {
    problem <- "the session was changed"
  }
  if (is.null(problem) && !identical(arguments, given, ignore.environment = TRUE)) {
    problem <- "the arguments were changed"
  }
  problem
}

expect_refused <- function(target, argument, name, value, class) {
  problem <- call_problem(target, argument, value, class)
  label <- sprintf("%s(%s = <%s>): ", target$label, argument, name)
  testthat::expect(is.null(problem), paste0(label, problem))
}

# Backtraces take most of the time of thousands of errors.
local_no_backtraces <- function(envir = parent.frame()) {
  withr::local_options("rlang:::disable_trace_capture" = TRUE, .local_envir = envir)
}

expect_all_refused <- function(target) {
  local_no_backtraces()
  for (argument in setdiff(names(target$arguments), "")) {
    kind <- c(target$kinds, kinds)[[argument]]
    for (name in names(bad_values)) {
      class <- expected[name, kind]
      if (class != ".") expect_refused(target, argument, name, bad_values[[name]], class)
    }
  }
}

# ---- the tests ----

set.seed(1)
targets <- c(unlist(lapply(layers, layer_targets), FALSE), module_targets(), function_targets())

for (each in targets) {
  test_that(paste("bad values are refused by", each$label), {
    # The ranks share their checks.
    if (grepl("[13]d", each$label)) skip_on_cran()
    expect_all_refused(each)
  })
}

test_that("good values are taken, so that it is the bad one that is refused", {
  withr::local_options(nnconv.threads = NULL, nnconv.algorithm = NULL)
  for (target in targets) {
    if (grepl("safetensors", target$label)) skip_unless_safetensors()
    expect_error(do.call(target$f, target$arguments), NA, label = target$label)
  }
})

test_that("every argument of every exported function is in the table", {
  covered <- lapply(targets, function(target) names(target$arguments))
  names(covered) <- vapply(targets, `[[`, "", "label")
  functions <- mget(getNamespaceExports("nnconv"), asNamespace("nnconv"))
  wanted <- Filter(length, lapply(functions, function(f) names(formals(f))))
  for (name in names(wanted)) {
    expect_setequal(covered[[name]], wanted[[name]])
  }
})

test_that("modules are not changed by calls that fail", {
  m <- nn_conv2d(2, 2, 3)
  x <- array(1, c(1, 2, 5, 5))
  m$backward(m(x))
  before <- deep_copy(module_state(m))
  methods <- list(m, m$forward, m$backward, m$train, m$clone, m$state_dict, m$load_state_dict)
  for (f in methods) {
    first <- names(formals(f))[[1]]
    for (value in bad_values[c("string", "list", "data_frame", "func")]) {
      arguments <- stats::setNames(list(value), first)
      if (first != "prefix") expect_s3_class(catch_fault(do.call(f, arguments)), "nnconv_error")
    }
  }
  expect_identical(module_state(m), before)
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
