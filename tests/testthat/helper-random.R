# Random cases and their data, from R's own generator: a test sets the seed, by expect_cases().

pick <- function(x, size = 1) x[sample.int(length(x), size, replace = TRUE)]

# `...` are fields to hold fixed. Cases are small, for thousands are tried: `most` limits products.
random_case <- function(layer, ..., most = 3e4) {
  repeat {
    case <- utils::modifyList(propose_case(layer), list(...))
    products <- prod(input_dim(case), weight_dim(case)) / case$c_in
    if (products < most && case_fits(case)) return(case)
  }
}

propose_case <- function(layer) {
  n <- layer_rank(layer)
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
    all(case$output_padding < pmax(case$stride, case$dilation)) &&
    all(vapply(padding_pairs(case), max, 0) <= case$size + limit)
}

# How a case reads in a failure's message.
case_label <- function(case) {
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

# Rounded to single precision.
as_single <- function(x) {
  x[] <- readBin(writeBin(c(x), raw(), size = 4), "double", length(x), size = 4)
  x
}

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
