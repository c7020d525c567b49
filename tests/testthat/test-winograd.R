# Winograd's F(2, 3), which "auto" takes where three taps meet enough channels: its plain loops, the
# bound of "auto", samples, threads, footprint. tests/core tries many more shapes.

winograd_cases <- list(
  make_case(layer = "conv1d", batch = 9, c_in = 17, c_out = 16, size = 71, dilation = 3,
    padding = "causal"),
  make_case(layer = "conv1d", batch = 1, c_in = 70, c_out = 33, size = 64, padding_mode = "reflect",
    padding = "same"),
  make_case(layer = "conv2d", batch = 10, c_in = 16, c_out = 18, size = c(13, 12), padding = 1),
  make_case(layer = "conv2d", batch = 3, c_in = 40, c_out = 32, groups = 2, size = c(12, 15),
    dilation = 2, padding = 2, padding_mode = "circular"),
  make_case(layer = "conv3d", batch = 2, c_in = 16, c_out = 17, size = c(12, 12, 3),
    stride = c(1, 1, 2), padding = 1),
  make_case(layer = "conv_transpose2d", batch = 8, c_in = 16, c_out = 19, size = c(11, 12))
)
in_single <- function(case) utils::modifyList(case, list(dtype = "float32"))
winograd_cases <- c(winograd_cases, lapply(winograd_cases, in_single))

is_winograd <- function(case) {
  grepl("WinogradF2", nnconv:::why(case_module(case), array(0, input_dim(case)))$kernel[1])
}

test_that("auto takes Winograd by the shape of a layer, and direct never", {
  for (case in winograd_cases) expect_true(is_winograd(case), label = case_label(case))
  narrow <- make_case(layer = "conv2d", batch = 8, c_in = 3, c_out = 64, size = c(32, 32))
  expect_false(is_winograd(narrow))
  withr::local_options(nnconv.algorithm = "direct")
  for (case in winograd_cases) expect_false(is_winograd(case))
})

test_that("Winograd's kernels give the bits of its plain loops", {
  skip_on_cran()
  withr::local_seed(1)
  for (i in seq_along(winograd_cases)) {
    case <- winograd_cases[[i]]
    # Each shape by one of them in double, by the other in single precision; "auto" is F(2, 3).
    name <- if ((i + (i > 6)) %% 2 == 0) "winograd_f2" else "winograd_f4"
    operands <- random_operands(case, if (name == "winograd_f2") "missing" else "normal")
    found <- inspect_forward(case, operands, name, isa_())
    naive <- inspect_forward(case, operands, paste0("naive_", name), isa_())
    expect_same_bits(found, naive, paste(case_label(case), name))
    if (name == "winograd_f2") {
      expect_same_bits(found, forward(case, operands), paste("public", case_label(case)))
    }
  }
})

test_that("samples and threads do not change Winograd's bits", {
  withr::local_seed(2)
  for (case in winograd_cases) {
    operands <- random_operands(case, "missing")
    output <- forward(case, operands)
    for (threads in c(1, 3)) {
      withr::local_options(nnconv.threads = threads)
      expect_same_bits(forward(case, operands), output, paste(threads, case_label(case)))
    }
    for (i in unique(c(1, case$batch))) {
      one <- utils::modifyList(operands, list(input = of_sample(operands$input, i)))
      one_case <- utils::modifyList(case, list(batch = 1))
      expect_same_bits(forward(one_case, one), of_sample(output, i), paste(i, case_label(case)))
    }
  }
})

test_that("what is not finite reaches the outputs that read it, and no others", {
  withr::local_seed(3)
  for (case in winograd_cases) {
    operands <- random_operands(case, "integer")
    clean <- forward(case, operands)
    operands$input[sample.int(length(operands$input), 3)] <- c(NA, Inf, -Inf)
    auto <- forward(case, operands)
    withr::local_options(nnconv.algorithm = "direct")
    direct <- forward(case, operands)
    withr::local_options(nnconv.algorithm = "auto")
    expect_identical(is.na(auto), is.na(direct), label = case_label(case))
    expect_identical(is.finite(auto), is.finite(direct), label = case_label(case))
    expect_same_bits(auto[is.finite(auto)], clean[is.finite(auto)], case_label(case))
  }
})

test_that("Winograd is as accurate as auto promises, and exact on whole numbers", {
  withr::local_seed(4)
  for (case in winograd_cases) {
    whole <- random_operands(case, "integer")
    expected <- inspect_forward(case, whole, "naive", isa_())
    expect_identical(c(forward(case, whole)), c(expected), label = case_label(case))

    # The bound with the largest input anywhere, which is more than that of a window.
    unit <- if (case$dtype == "float32") 2^-24 else 2^-53
    for (data in list("normal", "outlier")) {
      operands <- random_operands(case, "normal")
      if (data == "outlier") operands$input[1] <- 1e8
      if (case$dtype == "float32") operands[] <- lapply(operands, as_single)
      exact <- inspect_forward(utils::modifyList(case, list(dtype = "float64")), operands, "naive",
        isa_())
      error <- abs(forward(case, operands) - exact)
      channels <- slice.index(exact, 2)
      weights <- apply(abs(operands$weight), if (is_transposed(case)) 2 else 1, sum)
      bound <- 32 * unit * (max(abs(operands$input)) * rep_len(weights, case$c_out) +
        abs(operands$bias))
      expect_true(all(error <= bound[channels]), label = paste(data, case_label(case)))
    }
  }
})

test_that("fast keeps its bound, samples, threads and footprint", {
  withr::local_seed(5)
  for (case in winograd_cases) expect_fast(case, random_operands(case))
})

test_that("more channels than one vector of weights has room for are summed directly", {
  for (n in c(1, 7)) {
    x <- array(1, c(n, 14564, 12, 12))
    y <- nnf_conv2d(x, array(1, c(16, 14564, 3, 3)), padding = 1)
    sums <- conv_filter(matrix(1, 12, 12), matrix(14564, 3, 3), mode = "zeros")
    expect_identical(y[1, 1, , ], sums)
    expect_identical(range(y), 14564 * c(4, 9))
  }
})
