# A case is one problem: a layer, its geometry and the kind of its data, as a list with the columns
# of cases/*.csv as fields, where texts like "7x5" have become numbers. Tests read cases from the
# CSV files or make them by random_case(); `case$expected` is what torch found (dev/fixtures.py).

layers <- paste0(rep(c("conv", "conv_transpose"), each = 3), 1:3, "d")

is_transposed <- function(case) startsWith(case$layer, "conv_transpose")
n_spatial <- function(case) length(case$size)
is_complex <- function(dtype) startsWith(dtype, "complex")
is_single <- function(dtype) dtype %in% c("float32", "complex64")

input_dim <- function(case) c(case$batch, case$c_in, case$size)

weight_dim <- function(case) {
  channels <- if (is_transposed(case)) c(case$c_in, case$c_out) else c(case$c_out, case$c_in)
  c(channels / c(1, case$groups), rep_len(case$kernel, n_spatial(case)))
}

# Reading ------------------------------------------------------------------------------------------

numbers <- function(text) as.numeric(strsplit(text, "x", fixed = TRUE)[[1]])

parse_padding <- function(text) {
  if (grepl(":", text, fixed = TRUE)) {
    pairs <- strsplit(strsplit(text, "x", fixed = TRUE)[[1]], ":", fixed = TRUE)
    lapply(pairs, as.numeric)
  } else if (grepl("^[a-z]+$", text)) {
    text
  } else {
    numbers(text)
  }
}

parse_case <- function(row) {
  fields <- c("batch", "c_in", "c_out", "groups", "kernel", "stride", "dilation", "output_padding")
  c(
    row[c("id", "layer", "padding_mode", "dtype", "data")],
    lapply(row[fields], numbers),
    list(size = numbers(row[["in"]]), padding = parse_padding(row$padding), bias = row$bias == "1")
  )
}

parse_pad_case <- function(row) {
  c(row[c("id", "mode", "dtype", "data")], lapply(row[c("in", "pad", "value")], numbers))
}

read_cases <- function(name, parse = parse_case) {
  rows <- read_rows("cases", name)
  expected <- read_fixtures(name)
  lapply(seq_len(nrow(rows)), function(i) {
    case <- parse(as.list(rows[i, ]))
    c(case, list(expected = expected[[case$id]]))
  })
}

read_rows <- function(folder, name) {
  path <- testthat::test_path(folder, paste0(name, ".csv"))
  utils::read.csv(path, colClasses = "character", check.names = FALSE)
}

read_fixtures <- function(name) {
  index <- read_rows("fixtures", name)
  dims <- lapply(index$dim, numbers)
  complex <- index$complex == "1"
  offsets <- as.numeric(index$offset)
  counts <- vapply(dims, prod, 0) * (1 + complex)

  file <- xzfile(testthat::test_path("fixtures", paste0(name, ".bin.xz")), "rb")
  on.exit(close(file))
  values <- readBin(file, "double", sum(counts), endian = "little")

  arrays <- lapply(seq_along(dims), function(i) {
    data <- values[offsets[i] + seq_len(counts[i])]
    array(if (complex[i]) pair_up(data) else data, dims[[i]])
  })
  split(stats::setNames(arrays, index$part), index$id)
}

pair_up <- function(x) complex(real = x[c(TRUE, FALSE)], imaginary = x[c(FALSE, TRUE)])

# Data ---------------------------------------------------------------------------------------------

# The values of a case come from a Lehmer generator that starts from its id, in dev/fixtures.py too.
case_stream <- function(case) {
  modulus <- 2^31 - 1
  state <- Reduce(function(hash, byte) (31 * hash + byte) %% modulus, utf8ToInt(case$id), 1)
  uniform <- function(count) {
    states <- numeric(count)
    for (i in seq_len(count)) states[i] <- state <<- (16807 * state) %% modulus
    states / modulus
  }
  function(dim) {
    values <- uniform(prod(dim) * (1 + is_complex(case$dtype)))
    values <- if (case$data == "integer") floor(7 * values) - 3 else 2 * values - 1
    array(if (is_complex(case$dtype)) pair_up(values) else values, dim)
  }
}

# input, weight and bias of the case and, where torch's output is known, the gradient of that.
case_operands <- function(case) {
  draw <- case_stream(case)
  input <- draw(input_dim(case))
  weight <- draw(weight_dim(case))
  bias <- if (case$bias) as.vector(draw(case$c_out))
  list(
    input = input, weight = weight, bias = bias,
    grad_output = draw(dim(case$expected$output))
  )
}

# Random cases -------------------------------------------------------------------------------------

pick <- function(x, size = 1) x[sample.int(length(x), size, replace = TRUE)]

random_case <- function(layer, ...) {
  repeat {
    case <- utils::modifyList(propose_case(layer), list(...))
    if (case_fits(case)) return(case)
  }
}

propose_case <- function(layer) {
  n <- as.integer(substr(layer, nchar(layer) - 1, nchar(layer) - 1))
  transposed <- startsWith(layer, "conv_transpose")
  words <- if (!transposed) c("same", if (n == 1) "causal")
  modes <- if (!transposed) c("reflect", "replicate", "circular")
  groups <- pick(c(1, 1, 1, 2, 3))
  padding <- random_padding(n, c("none", "numbers", "numbers", "pairs", words))
  list(
    layer = layer, groups = groups,
    batch = pick(list(numeric(), 1, 2, 3, 5, 8, 9))[[1]],
    c_in = groups * pick(c(1:4, 9)),
    c_out = groups * pick(c(1:5, 8, 9, 17)),
    size = pick(1:c(24, 7, 5)[n], n),
    kernel = pick(1:c(9, 4, 3)[n], n),
    stride = if (identical(padding, "same")) 1 else pick(c(1, 1, 2, 3), n),
    padding = padding,
    dilation = pick(c(1, 1, 2, 3), n),
    output_padding = if (transposed) pick(c(0, 0, 1, 2), n) else 0,
    padding_mode = pick(c("zeros", "zeros", modes)),
    bias = pick(c(TRUE, FALSE)),
    dtype = pick(c("float64", "float32", "complex128", "complex64"))
  )
}

random_padding <- function(n, forms) {
  switch(form <- pick(forms),
    none = 0,
    numbers = pick(0:3, n),
    pairs = lapply(seq_len(n), function(i) pick(0:3, 2)),
    form
  )
}

# Whether the geometry is one that a layer accepts.
case_fits <- function(case) {
  limit <- c(zeros = Inf, reflect = -1, replicate = Inf, circular = 0)[[case$padding_mode]]
  all(output_size(case) >= 1) &&
    all(case$output_padding < pmax(case$stride, case$dilation) | case$output_padding == 0) &&
    all(vapply(padding_pairs(case), max, 0) <= case$size + limit)
}

# How a case reads in a failure's message.
case_label <- function(case) {
  if (!is.null(case$id)) return(case$id)
  fields <- vapply(case, function(x) paste(deparse(x, width.cutoff = 500L), collapse = ""), "")
  paste(names(case), fields, sep = " = ", collapse = ", ")
}

# Numbers of a kind: "normal", "integer", "odd" (subnormal, huge, negative zeros), "missing" (a few
# NA, NaN and infinite ones).
random_array <- function(dim, data = "normal", complex = FALSE) {
  count <- prod(dim) * (1 + complex)
  values <- switch(data,
    normal = stats::rnorm(count),
    integer = pick(as.numeric(-3:3), count),
    odd = stats::rnorm(count) * pick(c(1, 1, -0, 1e-40, 1e-310, 1e30, 1e200), count),
    missing = ifelse(stats::runif(count) < 0.98, stats::rnorm(count), pick(non_finite, count))
  )
  array(if (complex) pair_up(values) else values, dim)
}

non_finite <- c(NA, NaN, Inf, -Inf)

# `complex` says which of input and weight are; by default both are when the dtype is.
random_operands <- function(case, data = "normal",
                            complex = rep(is_complex(case$dtype), 2)) {
  list(
    input = random_array(input_dim(case), data, complex[1]),
    weight = random_array(weight_dim(case), data, complex[2]),
    bias = if (case$bias) as.vector(random_array(case$c_out, data, any(complex))),
    grad_output = random_array(output_dim(case), data, any(complex))
  )
}

# Calls --------------------------------------------------------------------------------------------

geometry_arguments <- function(case) {
  own <- if (is_transposed(case)) "output_padding" else "padding_mode"
  case[c("stride", "padding", "dilation", "groups", "dtype", own)]
}

forward <- function(case, operands) {
  arrays <- list(operands$input, operands$weight, operands$bias)
  do.call(paste0("nnf_", case$layer), c(arrays, geometry_arguments(case)))
}

backward <- function(case, operands, ...) {
  arrays <- operands[c("grad_output", "input", "weight")]
  do.call(paste0("nnf_", case$layer, "_backward"), c(arrays, geometry_arguments(case), list(...)))
}

# The output and the three gradients in one list.
results <- function(case, operands) {
  c(list(output = forward(case, operands)), backward(case, operands))
}

# The output's spatial size as the package foretells it.
told_size <- function(case) {
  arguments <- unname(case[c("size", "kernel", "stride", "padding")])
  if (is_transposed(case)) {
    do.call(conv_transpose_output_size, c(arguments, case[c("output_padding", "dilation")]))
  } else {
    do.call(conv_output_size, c(arguments, case["dilation"]))
  }
}

# A module of this case with these weights.
case_module <- function(case, operands) {
  arguments <- geometry_arguments(case)
  channels <- list(case$c_in, case$c_out, case$kernel, bias = !is.null(operands$bias))
  module <- do.call(paste0("nn_", case$layer), c(channels, arguments))
  module$weight <- operands$weight
  if (!is.null(operands$bias)) module$bias <- operands$bias
  module
}

# The same results by a chosen algorithm and instruction set.
inspect <- function(case, operands, algorithm, isa) {
  transposed <- is_transposed(case)
  n <- n_spatial(case)
  c(
    list(output = inspect_forward_(
      transposed, n, operands$input, operands$weight, operands$bias, case$stride, case$padding,
      case$output_padding, case$dilation, case$groups, case$dtype, case$padding_mode,
      algorithm, isa
    )),
    inspect_backward_(
      transposed, n, operands$grad_output, operands$input, operands$weight, case$stride,
      case$padding, case$output_padding, case$dilation, case$groups, case$dtype,
      c("input", "weight", "bias"), case$padding_mode, algorithm, isa
    )
  )
}
