# Expectations on arrays. `label` says which case, and stands first in a failure's message.

# The same dim, and each element within `tolerance` times the largest expected one; 0 is exactly.
expect_close <- function(actual, expected, tolerance, label) {
  if (!identical(dim(actual), dim(expected))) {
    problem <- sprintf("dim (%s), not (%s)", toString(dim(actual)), toString(dim(expected)))
  } else {
    error <- max(0, Mod(actual - expected))
    allowed <- tolerance * max(0, Mod(expected))
    problem <- if (is.na(error) || error > allowed) sprintf("off by %g, allowed %g", error, allowed)
  }
  testthat::expect(is.null(problem), paste0(label, ": ", problem))
  invisible(actual)
}

# What `expect_close()` allows where torch is the reference. Sums of small integers are exact.
case_tolerance <- function(case) {
  if (case$data == "integer") 0 else if (is_single(case$dtype)) 1e-5 else 1e-12
}

# Bit for bit, where -0 is not 0; but NA and NaN are alike.
same_bits <- function(x, y) {
  identical(x, y, num.eq = FALSE) || identical(nan_alike(x), nan_alike(y), num.eq = FALSE)
}

nan_alike <- function(x) {
  if (is.complex(x)) {
    x[] <- complex(real = nan_alike(Re(x)), imaginary = nan_alike(Im(x)))
    x
  } else {
    replace(x, is.na(x), NaN)
  }
}

expect_same_bits <- function(actual, expected, label) {
  testthat::expect(same_bits(actual, expected), paste0(label, ": other bits"))
  invisible(actual)
}

# The names of the elements of two lists of arrays that differ in some bit.
differing <- function(actual, expected) {
  names(expected)[!mapply(same_bits, actual[names(expected)], expected)]
}

# Elementwise bounds of rounding for the output and the gradients: 64 units of the sums of the
# moduli of the terms.
rounding <- function(case, operands) {
  unit <- if (is_single(case$dtype)) 2^-24 else 2^-53
  case$dtype <- "float64"
  moduli <- lapply(operands, function(x) if (!is.null(x)) Mod(x))
  lapply(inspect(case, moduli, "naive", isa_()), function(sums) 64 * unit * sums)
}

within <- function(x, y, bound) identical(dim(x), dim(y)) && all(Mod(x - y) <= bound)

# Everything where NOT_CRAN is true, the smaller number elsewhere.
how_many <- function(on_cran, otherwise) {
  if (isTRUE(as.logical(Sys.getenv("NOT_CRAN", "false")))) otherwise else on_cran
}

# `check(case)` on `n` random cases of a layer names what is wrong; nothing may be.
expect_cases <- function(layer, n, check, ...) {
  withr::local_seed(match(layer, layers), .rng_kind = "Mersenne-Twister")
  failures <- character()
  for (i in seq_len(n)) {
    case <- random_case(layer, ...)
    wrong <- tryCatch(check(case), error = function(error) conditionMessage(error))
    if (length(wrong)) failures <- c(failures, paste0(toString(wrong), ": ", case_label(case)))
  }
  shown <- c(sprintf("%d of %d cases of %s failed", length(failures), n, layer), failures)
  testthat::expect(length(failures) == 0, paste(utils::head(shown, 6), collapse = "\n"))
}

of_sample <- function(x, i) array(matrix(x, dim(x)[1])[i, ], c(1, dim(x)[-1]))

# What "fast" promises of a layer's output, by an algorithm of a name or the one that it takes: its
# bound, and what it shares with "direct".
expect_fast <- function(case, operands, algorithm = "") {
  withr::local_options(nnconv.algorithm = "fast")
  compute <- function(case, operands) inspect_forward(case, operands, algorithm, isa_())
  if (case$dtype == "float32") operands[] <- lapply(operands, as_single)
  output <- compute(case, operands)
  exact <- inspect_forward(utils::modifyList(case, list(dtype = "float64")), operands, "naive",
    isa_())
  bound <- if (case$dtype == "float32") 1e-5 else 1e-12
  weights <- apply(abs(operands$weight), if (is_transposed(case)) 2 else 1, sum)
  limit <- bound * max(abs(operands$input)) * rep_len(weights, case$c_out)
  channels <- slice.index(exact, 2)
  expect_true(all(abs(output - exact) <= limit[channels]), label = case_label(case))

  operands$input[length(operands$input)] <- NA
  marked <- compute(case, operands)
  expected <- inspect_forward(case, operands, "direct", isa_())
  expect_identical(is.na(marked), is.na(expected), label = case_label(case))
  withr::with_options(
    list(nnconv.threads = 3),
    expect_same_bits(compute(case, operands), marked, case_label(case))
  )
  one <- utils::modifyList(operands, list(input = of_sample(operands$input, case$batch)))
  alone <- compute(utils::modifyList(case, list(batch = 1)), one)
  expect_same_bits(alone, of_sample(marked, case$batch), case_label(case))
}
