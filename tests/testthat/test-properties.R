# What convolutions are, whatever computes them.

conv_layers <- layers[1:3]

inner <- function(x, y) sum(Conj(x) * y)
norm <- function(x) sqrt(sum(Mod(x)^2))
close <- function(x, y, scale, tolerance = 1e-13) all(Mod(x - y) <= tolerance * scale)
doubles <- c("float64", "complex128")

without_bias <- function(operands) utils::modifyList(operands, list(bias = NULL))

# The same layer with its padding as pairs of numbers.
in_pairs <- function(case) replace(case, "padding", list(padding_pairs(case)))

test_that("gradients are adjoints of the forward map", {
  check <- function(case) {
    operands <- random_operands(case)
    gradients <- backward(case, operands)
    output <- forward(case, without_bias(operands))
    of_bias <- forward(case, operands) - output
    product <- function(y) inner(operands$grad_output, y)
    scale <- norm(operands$grad_output) * (norm(output) + norm(of_bias))
    c(
      if (!close(inner(gradients$input, operands$input), product(output), scale)) "input",
      if (!close(inner(gradients$weight, operands$weight), product(output), scale)) "weight",
      if (!close(inner(gradients$bias, operands$bias), product(of_bias), scale)) "bias"
    )
  }
  for (layer in layers) for (dtype in doubles) {
    expect_cases(layer, how_many(20, 100), check, dtype = dtype, bias = TRUE)
  }
})

test_that("layers are linear in the input and in the weight", {
  check <- function(case) {
    one <- without_bias(random_operands(case))
    two <- without_bias(random_operands(case))
    linear <- function(name) {
      both <- one
      both[[name]] <- 3 * one[[name]] - two[[name]]
      other <- replace(one, name, two[name])
      parts <- list(forward(case, one), forward(case, other))
      close(forward(case, both), 3 * parts[[1]] - parts[[2]], norm(parts[[1]]) + norm(parts[[2]]))
    }
    Filter(Negate(linear), c("input", "weight"))
  }
  for (layer in layers) for (dtype in doubles) {
    expect_cases(layer, how_many(10, 50), check, dtype = dtype)
  }
})

test_that("an impulse shows the kernel", {
  expect_impulse <- function(kernel, transposed, conv) {
    impulse <- array(0, c(1, 1, 2 * dim(kernel) - 1))
    impulse[(length(impulse) + 1) / 2] <- 1
    weight <- array(kernel, c(1, 1, dim(kernel)))
    expect_identical(c(conv(impulse, weight)), rev(c(kernel)))
    expect_identical(c(transposed(array(1, c(1, 1, 1 + 0 * dim(kernel))), weight)), c(kernel))
  }
  expect_impulse(array(1:5 + 0.5), nnf_conv_transpose1d, nnf_conv1d)
  expect_impulse(array(1:6 + 0.5, c(2, 3)), nnf_conv_transpose2d, nnf_conv2d)
  expect_impulse(array(1:24 + 0.5, c(2, 3, 4)), nnf_conv_transpose3d, nnf_conv3d)
})

test_that("a shifted input shifts the output, bit for bit", {
  withr::local_options(nnconv.algorithm = "direct")
  withr::local_seed(1)
  input <- random_array(c(2, 3, 7, 6))
  weight <- random_array(c(4, 3, 3, 4))
  conv <- function(x) nnf_conv2d(x, weight, padding = "same", padding_mode = "circular")
  output <- conv(input)
  for (down in 0:6) for (right in 0:5) {
    rows <- (1:7 + down - 1) %% 7 + 1
    columns <- (1:6 + right - 1) %% 6 + 1
    shifted <- conv(input[, , rows, columns])
    expect_same_bits(shifted, output[, , rows, columns], paste("by", down, right))
  }
})

test_that("a transposed convolution is the gradient of a convolution", {
  check <- function(case) {
    case$output_padding <- pmin(case$output_padding, case$stride - 1)
    if (!case_fits(case)) return()
    operands <- without_bias(random_operands(case))
    gradient <- do.call(sub("_transpose(.d)", "\\1_backward", paste0("nnf_", case$layer)), c(
      list(operands$input, operands$grad_output, Conj(operands$weight), needs = "input"),
      case[c("stride", "padding", "dilation", "groups", "dtype")]
    ))$input
    if (!close(gradient, forward(case, operands), norm(gradient))) "input"
  }
  for (layer in layers[4:6]) for (dtype in doubles) {
    expect_cases(layer, how_many(10, 100), check, dtype = dtype)
  }
})

test_that("every padding is nnf_pad() and a valid convolution", {
  check <- function(case) {
    operands <- random_operands(case)
    mode <- sub("zeros", "constant", case$padding_mode)
    padded <- operands
    padded$input <- nnf_pad(operands$input, unlist(rev(padding_pairs(case))), mode)
    output <- forward(case, operands)
    valid <- forward(utils::modifyList(case, list(padding = "valid")), padded)
    c(
      if (!identical(dim(output), dim(valid)) || !close(output, valid, max(Mod(output)))) "valid",
      if (!same_bits(forward(in_pairs(case), operands), output)) "pairs"
    )
  }
  for (layer in conv_layers) for (dtype in doubles) {
    expect_cases(layer, how_many(20, 100), check, dtype = dtype)
  }
})

test_that("the gradient of padding folds back what was padded", {
  # Padding is linear: the gradient through it is its transpose, taken here from a padded index.
  check <- function(case) {
    operands <- random_operands(case)
    index <- array(seq_along(operands$input), dim(operands$input))
    mode <- sub("zeros", "constant", case$padding_mode)
    from <- nnf_pad(index, unlist(rev(padding_pairs(case))), mode)
    padded <- operands
    padded$input <- array(c(0, operands$input)[from + 1], dim(from))
    valid <- utils::modifyList(case, list(padding = "valid"))
    through <- backward(valid, padded, needs = "input")$input
    folded <- vapply(split(through, factor(from, index)), sum, through[1])
    gradient <- backward(case, operands, needs = "input")$input
    if (!close(c(gradient), unname(folded), max(Mod(gradient)))) "input"
  }
  for (layer in conv_layers) for (dtype in doubles) {
    expect_cases(layer, how_many(10, 50), check, dtype = dtype)
  }
})

test_that("output sizes are told before", {
  check <- function(case) {
    output <- forward(case, random_operands(case))
    if (!identical(told_size(case), utils::tail(dim(output), n_spatial(case)))) "size"
  }
  for (layer in layers) expect_cases(layer, how_many(20, 100), check)
})

test_that("a complex convolution is made of real ones", {
  check <- function(case) {
    operands <- random_operands(case, "integer", c(TRUE, TRUE))
    part <- function(x, w) {
      forward(case, list(input = x, weight = w))
    }
    with(operands, {
      real <- part(Re(input), Re(weight)) - part(Im(input), Im(weight))
      imaginary <- part(Re(input), Im(weight)) + part(Im(input), Re(weight))
      both <- forward(case, list(input = input, weight = weight))
      of_input <- forward(case, list(input = input, weight = Re(weight)))
      of_weight <- forward(case, list(input = Re(input), weight = weight))
      c(
        if (!identical(both, array(complex(real = real, imaginary = imaginary), dim(real)))) "both",
        if (!identical(Im(of_input), part(Im(input), Re(weight)))) "complex input",
        if (!identical(Im(of_weight), part(Re(input), Im(weight)))) "complex weight"
      )
    })
  }
  for (layer in layers) for (dtype in c("float64", "float32")) {
    expect_cases(layer, how_many(10, 50), check, dtype = dtype)
  }
})

test_that("the gradient of a real array is real, also for complex data", {
  check <- function(case) {
    operands <- random_operands(case, "integer", c(TRUE, TRUE))
    for (name in c("input", "weight")) operands[[name]] <- Re(operands[[name]])
    kind <- pick(c("input", "weight"))
    operands[[kind]] <- operands[[kind]] + 1i
    real <- setdiff(c("input", "weight"), kind)
    found <- backward(case, operands)
    operands[[real]] <- operands[[real]] + 0i
    expected <- backward(case, operands)
    c(
      if (!identical(found[[real]], Re(expected[[real]]))) paste("real", real),
      if (!identical(found[[kind]], expected[[kind]])) paste("complex", kind)
    )
  }
  for (layer in layers) for (dtype in c("float64", "float32")) {
    expect_cases(layer, how_many(10, 50), check, dtype = dtype)
  }
})

test_that("single precision gives single-precision numbers near the double ones", {
  as_single <- function(x) {
    if (is.complex(x)) return(complex(real = as_single(Re(x)), imaginary = as_single(Im(x))))
    readBin(writeBin(c(x), raw(), size = 4), "double", length(x), size = 4)
  }
  check <- function(case) {
    operands <- random_operands(case)
    single <- results(case, operands)
    bounds <- rounding(case, operands)
    case$dtype <- if (is_complex(case$dtype)) "complex128" else "float64"
    double <- results(case, operands)
    c(
      names(double)[!mapply(within, single, double, bounds)],
      if (!identical(lapply(single, as_single), lapply(single, c))) "more than single precision"
    )
  }
  for (layer in layers) for (dtype in c("float32", "complex64")) {
    expect_cases(layer, how_many(10, 50), check, dtype = dtype)
  }
})
