# A case is one problem: a layer, its geometry and the kind of its data, as a list with the columns
# of cases/*.csv as fields (`in` is `size`), where texts like "7x5" have become numbers. `padding`
# is numbers, a word, or pairs of before and after as in "1:2x0:1". Tests read cases from the CSV
# files, with what torch found as `case$expected` (dev/fixtures.py), or make them by make_case() and
# random_case().

layers <- paste0(rep(c("conv", "conv_transpose"), each = 3), 1:3, "d")

is_transposed <- function(case) startsWith(case$layer, "conv_transpose")
layer_rank <- function(layer) as.integer(substr(layer, nchar(layer) - 1, nchar(layer) - 1))
n_spatial <- function(case) length(case$size)
is_complex <- function(dtype) startsWith(dtype, "complex")
is_single <- function(dtype) dtype %in% c("float32", "complex64")

input_dim <- function(case) c(case$batch, case$c_in, case$size)

weight_dim <- function(case) {
  channels <- if (is_transposed(case)) c(case$c_in, case$c_out) else c(case$c_out, case$c_in)
  c(channels / c(1, case$groups), rep_len(case$kernel, n_spatial(case)))
}

# A case with these fields; the others are a layer's defaults.
make_case <- function(...) {
  utils::modifyList(list(
    groups = 1, kernel = 3, stride = 1, padding = 0, dilation = 1, output_padding = 0,
    padding_mode = "zeros", bias = TRUE, dtype = "float64"
  ), list(...))
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

read_all_cases <- function() {
  unlist(lapply(c("basic", "tails", "networks", "regressions"), read_cases), recursive = FALSE)
}

read_rows <- function(folder, name) {
  path <- testthat::test_path(folder, paste0(name, ".csv"))
  utils::read.csv(path, colClasses = "character", check.names = FALSE)
}

read_fixtures <- function(name) {
  file <- xzfile(testthat::test_path("fixtures", paste0(name, ".bin.xz")), "rb")
  on.exit(close(file))
  read_arrays(read_rows("fixtures", name), file)
}

# Lists of arrays by the ids of their cases: what an index as dev/fixtures.py writes it and the file
# beside it, hold.
read_arrays <- function(index, file) {
  dims <- lapply(index$dim, numbers)
  complex <- index$complex == "1"
  offsets <- as.numeric(index$offset)
  counts <- vapply(dims, prod, 0) * (1 + complex)
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

# The output's spatial size as the package tells it beforehand.
told_size <- function(case) {
  arguments <- unname(case[c("size", "kernel", "stride", "padding")])
  if (is_transposed(case)) {
    do.call(conv_transpose_output_size, c(arguments, case[c("output_padding", "dilation")]))
  } else {
    do.call(conv_output_size, c(arguments, case["dilation"]))
  }
}

# A module of this case, with these weights where they are given.
case_module <- function(case, operands = list()) {
  arguments <- geometry_arguments(case)
  channels <- list(case$c_in, case$c_out, case$kernel, bias = !is.null(operands$bias))
  module <- do.call(paste0("nn_", case$layer), c(channels, arguments))
  if (!is.null(operands$weight)) module$weight <- operands$weight
  if (!is.null(operands$bias)) module$bias <- operands$bias
  module
}

# The same results by a chosen algorithm and instruction set.
inspect_forward <- function(case, operands, algorithm, isa) {
  inspect_forward_(
    is_transposed(case), n_spatial(case), operands$input, operands$weight, operands$bias,
    case$stride, case$padding, case$output_padding, case$dilation, case$groups, case$dtype,
    case$padding_mode, algorithm, isa
  )
}

inspect_backward <- function(case, operands, algorithm, isa) {
  inspect_backward_(
    is_transposed(case), n_spatial(case), operands$grad_output, operands$input, operands$weight,
    case$stride, case$padding, case$output_padding, case$dilation, case$groups, case$dtype,
    c("input", "weight", "bias"), case$padding_mode, algorithm, isa
  )
}

inspect <- function(case, operands, algorithm, isa) {
  output <- inspect_forward(case, operands, algorithm, isa)
  c(list(output = output), inspect_backward(case, operands, algorithm, isa))
}
