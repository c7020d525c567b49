# What "fast" takes besides Winograd: passes along one axis each for kernels that are outer
# products, Fourier transforms for long ones. tests/core tries many more shapes.

fast_cases <- list(
  make_case(layer = "conv1d", batch = 3, c_in = 2, c_out = 3, size = 301, kernel = 91,
    padding = "same", padding_mode = "circular"),
  make_case(layer = "conv2d", batch = 2, c_in = 1, c_out = 2, size = c(50, 41),
    kernel = c(15, 17), padding = c(7, 3)),
  make_case(layer = "conv2d", batch = 3, c_in = 3, c_out = 3, groups = 3, size = c(35, 31),
    kernel = 17, padding = "same", padding_mode = "reflect"),
  make_case(layer = "conv2d", batch = 1, c_in = 2, c_out = 1, size = c(50, 43), kernel = 13,
    dilation = 2, padding = 10),
  make_case(layer = "conv3d", batch = 2, c_in = 1, c_out = 1, size = c(13, 12, 11),
    kernel = c(7, 9, 7), padding = 4),
  make_case(layer = "conv_transpose2d", batch = 2, c_in = 1, c_out = 1, size = c(30, 25),
    kernel = 19)
)
fast_cases <- c(fast_cases, lapply(fast_cases, utils::modifyList, list(dtype = "float32")))

# Gaussians, of another width for each pair of channels.
gaussians <- function(case) {
  weight <- array(0, weight_dim(case))
  taps <- dim(weight)[-(1:2)]
  for (i in seq_len(dim(weight)[1])) {
    for (j in seq_len(dim(weight)[2])) {
      width <- 1 + i + j / 2
      bells <- lapply(taps, function(k) stats::dnorm(seq_len(k), k / 2, width))
      kernel <- Reduce(outer, bells)
      weight[slice.index(weight, 1) == i & slice.index(weight, 2) == j] <- kernel / sum(kernel)
    }
  }
  weight
}

plan_for <- function(case, weight) {
  nnconv:::why(case_module(case, list(weight = weight)), array(0, input_dim(case)))
}

test_that("fast takes passes for outer products and transforms for long kernels; others never", {
  withr::local_seed(1)
  for (policy in c("direct", "auto", "fast")) {
    withr::local_options(nnconv.algorithm = policy)
    for (size in list(300, c(14, 12))) {
      image <- make_case(layer = "conv2d", batch = 1, c_in = 1, c_out = 1, size = size + c(0, 0),
        kernel = 41, padding = 20)
      random <- array(stats::rnorm(41^2), weight_dim(image))
      transforms <- grepl("_fft$", plan_for(image, random)$kernel)
      expect_identical(transforms, rep(policy == "fast" && size[1] == 300, 3) & 1:3 < 3)
      separates <- grepl("_separable$", plan_for(image, gaussians(image))$kernel)
      expect_identical(separates, rep(policy == "fast", 3) & 1:3 < 3)
    }
  }
  large <- make_case(layer = "conv2d", batch = 1, c_in = 1, c_out = 1, size = c(300, 300),
    kernel = 41, padding = 20)
  weight <- gaussians(large)
  expect_match(plan_for(large, weight)$reason[1], "outer products")
  weight[1, 1, 20, 20] <- weight[1, 1, 20, 20] * (1 + 1e-6)
  expect_match(plan_for(large, weight)$reason[1], "Fourier")
})

test_that("both keep the promises of fast, whatever the layer", {
  withr::local_seed(2)
  for (case in fast_cases) {
    operands <- random_operands(case)
    expect_fast(case, operands, "fft")
    operands$weight <- gaussians(case)
    expect_fast(case, operands, "separable")
  }
})

test_that("a call under fast gives what they give", {
  withr::local_seed(3)
  withr::local_options(nnconv.algorithm = "fast")
  image <- make_case(layer = "conv2d", batch = 1, c_in = 1, c_out = 1, size = c(150, 140),
    kernel = 61, padding = 30)
  operands <- random_operands(image)
  expect_same_bits(forward(image, operands), inspect_forward(image, operands, "fft", isa_()), "fft")
  operands$weight <- gaussians(image)
  found <- forward(image, operands)
  expect_same_bits(found, inspect_forward(image, operands, "separable", isa_()), "separable")
})

test_that("the gradient of the input keeps its bound", {
  withr::local_seed(4)
  for (case in fast_cases) {
    for (name in c("fft", "separable")) {
      operands <- random_operands(case)
      if (name == "separable") operands$weight <- gaussians(case)
      if (case$dtype == "float32") operands[] <- lapply(operands, as_single)
      gradient <- function(name) inspect_backward(case, operands, name, isa_())$input
      sums <- apply(abs(operands$weight), if (is_transposed(case)) 1 else 2, sum)
      limit <- (if (case$dtype == "float32") 1e-5 else 1e-12) * max(abs(operands$grad_output))
      expect_lte(max(abs(gradient(name) - gradient("direct"))), limit * min(sums),
        label = paste(name, case_label(case)))
    }
  }
})
