# The layers from their definition, term by term in plain R: slow, and independent of the package.

# Padding before and after, one pair per dimension, for every form of `padding`.
padding_pairs <- function(case) {
  padding <- case$padding
  if (is.list(padding)) return(padding)
  total <- rep_len(case$dilation * (case$kernel - 1), n_spatial(case))
  switch(if (is.character(padding)) padding else "numbers",
    numbers = Map(c, padding, rep_len(padding, length(total))),
    valid = Map(c, 0 * total, 0),
    same = Map(c, total %/% 2, total - total %/% 2),
    causal = Map(c, total, 0)
  )
}

output_size <- function(case) {
  padded <- vapply(padding_pairs(case), sum, 0)
  span <- case$dilation * (case$kernel - 1) + 1
  if (is_transposed(case)) {
    (case$size - 1) * case$stride - padded + span + case$output_padding
  } else {
    (case$size + padded - span) %/% case$stride + 1
  }
}

output_dim <- function(case) c(case$batch, case$c_out, output_size(case))

# Of one dimension: the output `to`, the `tap` and the input `from` of every term of a convolution.
# Padding by zeros adds no terms.
axis_terms <- function(n_from, n_to, kernel, stride, dilation, before, mode) {
  terms <- expand.grid(to = seq_len(n_to), tap = seq_len(kernel))
  at <- (terms$to - 1) * stride + (terms$tap - 1) * dilation - before
  terms$from <- 1 + switch(mode,
    zeros = ifelse(at >= 0 & at < n_from, at, NA),
    reflect = n_from - 1 - abs(n_from - 1 - abs(at)),
    replicate = pmin(pmax(at, 0), n_from - 1),
    circular = at %% n_from
  )
  terms[!is.na(terms$from), ]
}

# All terms of a case, pixels and taps counted from 1 in R's order. A transposed convolution walks
# the terms of the convolution that leads from its output to its input.
case_terms <- function(case) {
  n <- n_spatial(case)
  sizes <- list(from = case$size, to = output_size(case))
  if (is_transposed(case)) sizes <- list(from = sizes$to, to = sizes$from)
  axes <- Map(axis_terms, sizes$from, sizes$to, rep_len(case$kernel, n), rep_len(case$stride, n),
    rep_len(case$dilation, n), vapply(padding_pairs(case), `[`, 0, 1), case$padding_mode)
  rows <- expand.grid(lapply(axes, function(axis) seq_len(nrow(axis))))
  extents <- c(sizes, list(tap = rep_len(case$kernel, n)))
  position <- function(column) {
    steps <- cumprod(c(1, extents[[column]]))[seq_len(n)]
    parts <- Map(function(axis, row, step) (axis[row, column] - 1) * step, axes, rows, steps)
    1 + Reduce(`+`, parts)
  }
  data.frame(to = position("to"), tap = position("tap"), from = position("from"))
}

# Arrays as (batch, channel, pixel) and (row, column, tap); the one named `target` is summed into.
add_terms <- function(case, from, to, weight, target) {
  terms <- case_terms(case)
  plane <- function(x, channels, at) matrix(x[, channels, at], dim(x)[1], length(channels))
  columns <- seq_len(dim(weight)[2])
  for (group in seq_len(case$groups)) {
    rows <- seq_len(dim(to)[2] / case$groups) + (group - 1) * dim(to)[2] / case$groups
    channels <- columns + (group - 1) * length(columns)
    for (i in seq_len(nrow(terms))) {
      p <- terms$from[i]
      q <- terms$to[i]
      t <- terms$tap[i]
      switch(target,
        to = to[, rows, q] <- plane(to, rows, q) +
          plane(from, channels, p) %*% t(matrix(weight[rows, , t], length(rows))),
        from = from[, channels, p] <- plane(from, channels, p) +
          plane(to, rows, q) %*% matrix(weight[rows, , t], length(rows)),
        weight = weight[rows, , t] <- matrix(weight[rows, , t], length(rows)) +
          t(plane(to, rows, q)) %*% plane(from, channels, p)
      )
    }
  }
  get(target)
}

# (batch, channel, pixel), with a batch of one where there is none.
as_planes <- function(x, case) {
  batch <- if (length(case$batch)) case$batch else 1
  dim <- dim(x)[length(case$batch) + 0:n_spatial(case) + 1]
  array(x, c(batch, dim[1], prod(dim[-1])))
}

as_taps <- function(weight) array(weight, c(dim(weight)[1:2], prod(dim(weight)[-(1:2)])))

reference_forward <- function(case, operands) {
  input <- as_planes(operands$input, case)
  output <- as_planes(array(0, output_dim(case)), case)
  weight <- as_taps(operands$weight)
  if (is_transposed(case)) {
    output <- add_terms(case, output, input, weight, "from")
  } else {
    output <- add_terms(case, input, output, weight, "to")
  }
  if (!is.null(operands$bias)) output <- sweep(output, 2, operands$bias, "+")
  array(output, output_dim(case))
}

reference_results <- function(case, operands) {
  c(list(output = reference_forward(case, operands)), reference_backward(case, operands))
}

# The gradient of a real array is real, also for complex data.
gradient_of <- function(x, gradient, case) {
  is_real <- !is.complex(x) && !is_complex(case$dtype)
  array(if (is_real) Re(gradient) else gradient, dim(x))
}

reference_backward <- function(case, operands) {
  grad_output <- as_planes(operands$grad_output, case)
  input <- as_planes(Conj(operands$input), case)
  weight <- as_taps(Conj(operands$weight))
  no_input <- array(0, dim(input))
  no_weight <- array(0, dim(weight))
  if (is_transposed(case)) {
    grad_input <- add_terms(case, grad_output, no_input, weight, "to")
    grad_weight <- add_terms(case, grad_output, input, no_weight, "weight")
  } else {
    grad_input <- add_terms(case, no_input, grad_output, weight, "from")
    grad_weight <- add_terms(case, input, grad_output, no_weight, "weight")
  }
  list(
    input = gradient_of(operands$input, grad_input, case),
    weight = gradient_of(operands$weight, grad_weight, case),
    bias = apply(grad_output, 2, sum)
  )
}
