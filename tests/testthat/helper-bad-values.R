# Every argument of every function with values that it must refuse. What is expected of a value
# depends only on the kind of the argument: one table says it all.

bad_values <- list(
  zero = 0, minus = -1, na = NA, nan = NaN, inf = Inf, half = 1.5, huge = 2^31,
  text = "3", true = TRUE, empty = numeric(0), long = rep(1, 7), list = list(1), null = NULL,
  frame = data.frame(a = 1), func = mean, factor = factor(1), complex = 1i,
  date = as.Date("2024-01-01")
)

# t, v, s: a type, value or shape error; a dot: no error expected of this value.
expected <- utils::read.table(header = TRUE, row.names = 1, colClasses = "character", text = "
kind   zero minus na nan inf half huge text true empty long list null frame func factor complex date
count  v    v     v  v   v   v    v    t    t    v     v    t    t    t     t    t      t       t
margin .    v     v  v   v   v    v    v    t    v     v    v    t    t     t    t      t       t
cut    .    v     v  v   v   v    v    t    t    v     v    v    t    t     t    t      t       t
extra  .    v     v  v   v   v    v    t    t    v     v    t    t    t     t    t      t       t
flag   t    t     v  t   t   t    t    t    .    t     t    t    t    t     t    t      t       t
word   t    t     v  t   t   t    t    v    t    t     t    t    t    t     t    t      t       t
text   t    t     v  t   t   t    t    .    t    t     t    t    t    t     t    t      t       t
array  s    s     s  s   s   s    s    t    s    s     s    t    t    t     t    t      s       t
maybe  s    s     s  s   s   s    s    t    s    s     s    t    .    t     t    t      s       t
vector s    s     s  s   s   s    s    t    t    s     s    t    .    t     t    t      s       t
size   v    v     v  v   v   v    v    t    t    v     v    t    .    t     t    t      t       t
number .    .     .  .   .   .    .    t    t    v     v    t    .    t     t    t      .       t
state  t    t     t  t   t   t    t    t    t    t     t    v    t    t     t    t      t       t
module t    t     t  t   t   t    t    t    t    t     t    t    t    t     t    t      t       t
title  t    t     v  t   t   t    t    .    t    t     t    t    .    t     t    t      t       t
some   v    v     v  v   v   v    v    t    t    v     v    t    .    t     t    t      t       t
n      .    v     v  v   v   v    .    t    t    v     v    t    t    t     t    t      t       t
call   t    t     v  t   t   t    t    t    t    t     t    t    .    t     .    t      t       t
data   s    s     s  s   s   s    s    t    s    s     .    t    t    t     t    t      s       t
taps   .    .     v  v   v   .    .    t    .    s     .    .    t    t     t    t      .       t
labels t    t     v  t   t   t    t    v    t    t     t    t    .    t     t    t      t       t
")
# A row for each value, a column for each kind.
expected <- as.data.frame(t(expected))

# The kinds of all arguments by their names; those of transposed layers where they differ. "any" is
# one of which nothing is expected.
kinds <- c(
  in_channels = "count", out_channels = "count", kernel_size = "count", stride = "count",
  dilation = "count", groups = "count", n = "count", input_size = "count", pad = "count",
  padding = "margin", output_padding = "extra",
  bias = "vector", strict = "flag", deep = "flag", mode = "flag",
  flip = "flag", na = "word", channels = "word", layout = "word",
  padding_mode = "word", device = "word", dtype = "word", needs = "word", name = "word",
  prefix = "text", state = "state", path = "text", metadata = "labels",
  input = "array", weight = "array", grad_output = "array", newdata = "array", x = "array",
  output_size = "size", value = "number", m = "module", main = "title", sample = "count",
  at = "count", "..." = "module", batch_size = "some", write = "call", progress = "flag"
)

# ---- the calls: a function, good arguments, and the kinds that names do not tell ----

# `module` is the one that a call works on, if any. The label starts with the function's name, or is
# one of "LAYER()", "LAYER$method", "$method", "$field<-" and "generic LAYER": uncovered() reads it.
target <- function(label, f, arguments, kinds = character(), module = NULL) {
  list(label = label, f = f, arguments = arguments, kinds = kinds, module = module)
}

good_geometry <- list(
  stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1, dtype = "float64",
  padding_mode = "zeros"
)

# The arguments that `f` has, by name and in its order.
fill_in <- function(f, values) values[intersect(names(formals(f)), names(values))]

layer_targets <- function(layer) {
  n <- layer_rank(layer)
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
  m$backward(m(x))
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
      c(list(input = x), if (transposed) list(output_size = dim(output)[-(1:2)])),
      module = m
    ),
    target(
      paste0(layer, "$backward"), m$backward, operands[c("grad_output", "input", "needs")],
      c(input = "maybe"), m
    ),
    target(
      paste0("predict ", layer), stats::predict,
      c(list(m, newdata = x), if (transposed) list(output_size = dim(output)[-(1:2)])),
      module = m
    ),
    target(
      paste0("predict ", layer, " in batches"), stats::predict,
      list(m, function(i) x, n = 2, batch_size = 2, write = function(output, i) NULL,
        progress = FALSE),
      c(n = "n"), m
    )
  )
}

module_targets <- function() {
  m <- nn_conv2d(2, 2, 3)
  m$backward(m(array(1, c(1, 2, 5, 5))))
  of_module <- function(label, f, arguments, kinds = character()) {
    target(label, f, arguments, kinds, m)
  }
  list(
    of_module("summary", summary, list(m, input_dim = c(2, 5, 5)), c(input_dim = "size")),
    of_module("plot", plot, list(m, main = "a")),
    of_module(".DollarNames", utils::.DollarNames, list(m, pattern = "w"), c(pattern = "any")),
    of_module("$train", m$train, list(mode = TRUE)),
    of_module("$clone", m$clone, list(deep = TRUE)),
    of_module("$state_dict", m$state_dict, list(prefix = "")),
    of_module(
      "$load_state_dict", m$load_state_dict,
      list(state = m$state_dict(), strict = TRUE, prefix = "")
    ),
    of_module("[[", `[[`, list(m, name = "weight", exact = TRUE), c(exact = "any")),
    of_module("[[<-", function(name) m[[name]] <- c(0, 0), list(name = "bias")),
    of_module("$weight<-", function(weight) m$weight <- weight, list(weight = m$weight)),
    of_module("$bias<-", function(bias) m$bias <- bias, list(bias = c(0, 0)))
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
    target("receptive_field", receptive_field, list("..." = nn_conv1d(1, 1, 3))),
    target(
      "plot_receptive_field", plot_receptive_field,
      list("..." = nn_conv1d(1, 1, 3), input_size = 5, at = 1, main = "a"),
      c(input_size = "size", at = "size")
    ),
    target(
      "plot_conv", plot_conv, list(m = nn_conv2d(1, 1, 3), input_size = 5, at = 1, main = "a"),
      c(input_size = "size", at = "size")
    ),
    target(
      "plot_feature_maps", plot_feature_maps,
      list(m = nn_conv1d(1, 1, 3), x = array(0, c(1, 1, 5)), sample = 1, main = "a")
    ),
    target(
      "conv_filter", conv_filter,
      list(x = as.double(1:9), kernel = c(1, 2, 1), padding = "valid", mode = "reflect", stride = 1,
        dilation = 1, flip = FALSE, na = "omit", channels = "none"),
      c(x = "data", kernel = "taps", mode = "word")
    ),
    target("to_nchw", to_nchw, list(x = array(0, c(5, 6, 3)), layout = "HWC")),
    target("from_nchw", from_nchw, list(x = array(0, c(1, 3, 5, 6)), layout = "HWC")),
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

all_targets <- function() {
  withr::local_seed(1)
  c(unlist(lapply(layers, layer_targets), FALSE), module_targets(), function_targets())
}

# ---- what has no entry ----

# The arguments of exported functions, of methods and generics of modules, as "f(argument)", that no
# target has.
uncovered <- function(targets) {
  covered <- lapply(targets, function(target) {
    paste0(target_function(target), "(", names(target$arguments), ")")
  })
  wanted <- c(exported_formals(), generic_formals(), method_formals())
  arguments <- unlist(lapply(names(wanted), function(name) {
    if (length(wanted[[name]])) paste0(name, "(", wanted[[name]], ")")
  }))
  setdiff(arguments, unlist(covered))
}

# The function that a label names: "predict" of "predict conv2d", "$backward" of "conv2d$backward".
target_function <- function(target) {
  layer <- paste0("(", paste(layers, collapse = "|"), ")")
  label <- sub(paste0("^", layer, "[(][)]$"), "$forward", target$label)
  sub(" .*", "", sub(paste0("^", layer, "[$]"), "$", label))
}

exported_formals <- function() {
  lapply(mget(getNamespaceExports("nnconv"), asNamespace("nnconv")), function(f) names(formals(f)))
}

# What methods have beside the module. A value that is assigned belongs to its field.
generic_formals <- function() {
  methods <- getNamespaceInfo("nnconv", "S3methods")
  methods <- methods[methods[, 2] == "nnconv_module", , drop = FALSE]
  arguments <- lapply(methods[, 3], function(name) {
    setdiff(names(formals(get(name, asNamespace("nnconv"))))[-1], c("...", "value"))
  })
  names(arguments) <- methods[, 1]
  # `m$name` takes a name as it is written, and does what `m[["name"]]` does.
  arguments[!names(arguments) %in% c("$", "$<-")]
}

method_formals <- function() {
  methods <- Filter(is.function, module_fields(nn_conv_transpose1d(1, 1, 1)))
  names(methods) <- paste0("$", names(methods))
  lapply(methods, function(f) names(formals(f)))
}

# ---- one call ----

# What is expected of a value of this name: a letter as in the table.
expected_class <- function(target, argument, name) {
  kind <- c(target$kinds, kinds)[[argument]]
  if (kind == "any") "." else expected[name, kind]
}

# All calls of a target with one bad value each.
bad_calls <- function(target) {
  calls <- expand.grid(
    value = names(bad_values), argument = setdiff(names(target$arguments), ""),
    stringsAsFactors = FALSE
  )
  calls$class <- mapply(expected_class, argument = calls$argument, name = calls$value,
    MoreArgs = list(target = target))
  calls
}

# A call of the target's function with these arguments, each a variable, as in a user's code.
call_target <- function(target, arguments) {
  variables <- sprintf("argument_%d", seq_along(arguments))
  call <- as.call(c(quote(f), stats::setNames(lapply(variables, as.name), names(arguments))))
  eval(call, c(list(f = target$f), stats::setNames(arguments, variables)))
}

# NULL, or what is wrong with the call's error or with what it left behind.
call_problem <- function(target, argument, value, class) {
  arguments <- target$arguments
  arguments[argument] <- list(value)
  given <- serialize(arguments, NULL)
  before <- target_state(target)
  fault <- catch_fault(call_target(target, arguments))
  kind <- c(t = "type", v = "value", s = "shape")[[class]]
  problem <- fault_problem(fault, kind, argument)
  if (is.null(problem) && !identical(target_state(target), before)) {
    problem <- "the session or the module was changed"
  }
  if (is.null(problem) && !same_values(arguments, given)) {
    problem <- "the arguments were changed"
  }
  problem
}

# Whether these are still the values that were serialised. Bytes alike are enough, and billions of
# numbers that R has not written out yet stay so.
same_values <- function(values, serialised) {
  identical(serialize(values, NULL), serialised) ||
    identical(values, unserialize(serialised), ignore.environment = TRUE)
}

# Of the session and, as a copy, of the module.
target_state <- function(target) {
  c(session_state(), if (!is.null(target$module)) deep_copy(module_state(target$module)))
}

# Backtraces take most of the time of thousands of errors.
local_no_backtraces <- function(envir = parent.frame()) {
  withr::local_options("rlang:::disable_trace_capture" = TRUE, .local_envir = envir)
}
