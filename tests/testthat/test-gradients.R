expect_gradients <- function(gradients, case) {
  tolerance <- case_tolerance(case)
  expect_close(gradients$input, case$expected$grad_input, tolerance, paste(case$id, "input"))
  expect_close(gradients$weight, case$expected$grad_weight, tolerance, paste(case$id, "weight"))
  if (case$bias) {
    bias <- as.array(gradients$bias)
    expect_close(bias, case$expected$grad_bias, tolerance, paste(case$id, "bias"))
  }
}

test_that("gradients are those of torch", {
  for (case in read_all_cases()) expect_gradients(backward(case, case_operands(case)), case)
})

test_that("modules find the gradients of torch", {
  for (case in read_cases("basic")) {
    operands <- case_operands(case)
    module <- case_module(case, operands)
    module(operands$input)
    grad_input <- module$backward(operands$grad_output)
    expect_gradients(c(list(input = grad_input), module$grad), case)
  }
})

test_that("a gradient alone is the one among all", {
  for (case in read_cases("basic")) {
    operands <- case_operands(case)
    all <- backward(case, operands)
    for (needs in names(all)) {
      one <- backward(case, operands, needs = needs)
      expect_named(one, names(all), label = case$id)
      expect_same_bits(one[[needs]], all[[needs]], paste(case$id, needs))
      expect_null(unlist(one[setdiff(names(all), needs)]), label = case$id)
    }
  }
})

test_that("real gradients of outputs meet complex weights", {
  withr::local_seed(1)
  sizes <- list("1d" = 50, "2d" = c(21, 9), "3d" = c(9, 5, 6))
  for (layer in layers) {
    size <- sizes[[sub("\\D+", "", layer)]]
    case <- make_case(layer = layer, batch = 2, c_in = 2, c_out = 3, padding = 1, size = size)
    operands <- random_operands(case, "integer", c(FALSE, TRUE))
    operands$grad_output <- Re(operands$grad_output)
    expected <- reference_backward(case, operands)$input
    for (algorithm in c("rows", "channels", "lanes", "filter")) {
      found <- inspect_backward(case, operands, algorithm, isa_())$input
      expect_close(found, expected, 0, paste(layer, algorithm))
    }
  }
})

test_that("gradients are the slopes of a loss", {
  # The loss is linear in each operand: a central difference is exact but for rounding.
  slope <- function(case, operands, name, at, step) {
    loss <- function(step) {
      operands[[name]][at] <- operands[[name]][at] + step
      sum(Re(Conj(operands$grad_output) * forward(case, operands)))
    }
    (loss(step) - loss(-step)) / 2
  }
  check <- function(case) {
    operands <- random_operands(case)
    gradients <- backward(case, operands)
    wrong <- character()
    for (name in c("input", "weight", if (case$bias) "bias")) {
      at <- sample.int(length(operands[[name]]), 1)
      found <- slope(case, operands, name, at, 1)
      if (is_complex(case$dtype)) {
        found <- complex(real = found, imaginary = slope(case, operands, name, at, 1i))
      }
      scale <- sum(Mod(operands$grad_output)) * max(Mod(forward(case, operands)))
      if (!isTRUE(Mod(found - gradients[[name]][at]) <= 1e-13 * scale)) wrong <- c(wrong, name)
    }
    wrong
  }
  for (layer in layers) for (dtype in c("float64", "complex128")) {
    expect_cases(layer, how_many(10, 60), check, dtype = dtype)
  }
})
