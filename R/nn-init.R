# Initial weights. A step in the making of a module: from R's own generator, in column-major order,
# weight before bias, so that set.seed() repeats them.

# U(-sqrt(k), sqrt(k)) with k = 1 / fan_in, as in PyTorch. A complex number is two draws, real part
# first, each with half the variance.
draw_uniform <- function(n, fan_in, complex) {
  if (!complex) {
    bound <- sqrt(1 / fan_in)
    return(stats::runif(n, -bound, bound))
  }
  bound <- sqrt(1 / fan_in / 2)
  draws <- stats::runif(2 * n, -bound, bound)
  complex(real = draws[c(TRUE, FALSE)], imaginary = draws[c(FALSE, TRUE)])
}

# list(weight =, bias =); bias is NULL where `bias_length` is 0. The fan-in is the number of weights
# of one output channel: all of the weight's extents but the first, for a conv; for a transposed one
# PyTorch uses the same extents.
draw_parameters <- function(weight_dim, bias_length, dtype) {
  complex <- startsWith(dtype, "complex")
  fan_in <- prod(weight_dim[-1L])
  weight <- array(draw_uniform(prod(weight_dim), fan_in, complex), weight_dim)
  list(weight = weight, bias = if (bias_length > 0L) draw_uniform(bias_length, fan_in, complex))
}
