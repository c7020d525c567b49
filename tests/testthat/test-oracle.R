# Random problems of every kind: the fast kernels against plain loops in the same order, bit for
# bit; against another library's product in another order, within the rounding of sums; and against
# the definition, exactly where the data are small integers.

random_kinds <- function(case) {
  mixed <- stats::runif(1) < 0.2
  if (mixed) pick(c(TRUE, FALSE), 2) else rep(is_complex(case$dtype), 2)
}

check_bits <- function(case) {
  data <- pick(c("normal", "integer", "odd", "missing"))
  operands <- random_operands(case, data, random_kinds(case))
  wrong <- character()
  for (isa in isas_()) {
    direct <- inspect(case, operands, "direct", isa)
    naive <- inspect(case, operands, "naive", isa)
    wrong <- c(wrong, sprintf("%s on %s", differing(direct, naive), isa))
    if (isa == isa_()) {
      wrong <- c(wrong, sprintf("public %s", differing(results(case, operands), direct)))
    }
  }
  if (length(wrong)) c(wrong, paste(data, "data"))
}

check_rounding <- function(case) {
  operands <- random_operands(case, "normal", random_kinds(case))
  direct <- inspect(case, operands, "direct", isa_())
  eigen <- inspect(case, operands, "eigen", isa_())
  names(direct)[!mapply(within, direct, eigen, rounding(case, operands))]
}

check_definition <- function(case) {
  kinds <- random_kinds(case)
  operands <- random_operands(case, "integer", kinds)
  found <- results(case, operands)
  expected <- reference_results(case, operands)
  equal <- function(x, y) identical(c(dim(x)), c(dim(y))) && all(x == y)
  is_right <- mapply(equal, found[c("output", "input", "weight")], expected[1:3])
  c(
    names(which(!is_right)),
    if (!all(found$bias == expected$bias)) "bias",
    if (is.complex(found$output) != any(kinds, is_complex(case$dtype))) "kind of output",
    if (is.complex(found$input) != any(kinds[1], is_complex(case$dtype))) "kind of input",
    if (is.complex(found$weight) != any(kinds[2], is_complex(case$dtype))) "kind of weight"
  )
}

# Sums of so many terms, and results of so many rows and columns, that kernels take them in parts.
deep_cases <- list(
  make_case(layer = "conv2d", batch = 2, c_in = 600, c_out = 5, size = c(3, 3), padding = 1),
  make_case(layer = "conv2d", batch = 1, c_in = 2000, c_out = 2, size = c(1, 2), padding = 1),
  make_case(
    layer = "conv2d", batch = 3, c_in = 500, c_out = 4, size = c(3, 2), padding = 1,
    padding_mode = "reflect"
  ),
  make_case(layer = "conv_transpose2d", batch = 2, c_in = 900, c_out = 3, size = c(3, 2)),
  make_case(layer = "conv_transpose2d", batch = 1, c_in = 2, c_out = 700, size = 4:3, stride = 2),
  make_case(layer = "conv1d", batch = 3, c_in = 3, c_out = 4, size = 1500, padding = 1),
  make_case(layer = "conv2d", batch = 9, c_in = 2, c_out = 3, size = c(40, 31), stride = 2),
  make_case(layer = "conv2d", batch = 17, c_in = 6, c_out = 6, groups = 6, size = c(13, 15)),
  make_case(layer = "conv1d", batch = 33, c_in = 30, c_out = 26, size = 9, padding = 1),
  make_case(layer = "conv1d", batch = 1, c_in = 70, c_out = 75, size = 8, kernel = 5),
  make_case(layer = "conv1d", batch = 1, c_in = 1, c_out = 2, size = 1510, kernel = 1500),
  make_case(layer = "conv3d", batch = 5, c_in = 40, c_out = 3, size = c(3, 4, 3), padding = 1)
)

test_that("kernels keep the written order: long sums", {
  skip_on_cran()
  withr::local_seed(1)
  for (case in deep_cases) for (dtype in c("float64", "complex64")) {
    case$dtype <- dtype
    operands <- random_operands(case)
    for (isa in isas_()) {
      found <- differing(
        inspect(case, operands, "direct", isa), inspect(case, operands, "naive", isa)
      )
      expect_identical(found, character(), label = paste(case_label(case), isa))
    }
  }
})

test_that("kernels keep the written order: weights beyond the working memory", {
  skip_on_cran()
  withr::local_seed(1)
  case <- make_case(layer = "conv1d", batch = 1, c_in = 2101, c_out = 2103, size = 1, kernel = 1)
  operands <- random_operands(case)
  forward <- function(algorithm) inspect_forward(case, operands, algorithm, isa_())
  expect_same_bits(forward("direct"), forward("naive"), "2101 to 2103 channels")
})

for (layer in layers) {
  test_that(paste("kernels keep the written order:", layer), {
    withr::local_options(nnconv.algorithm = "direct")
    expect_cases(layer, how_many(30, 300), check_bits)
  })

  test_that(paste("kernels compute the definition:", layer), {
    expect_cases(layer, how_many(15, 100), check_definition)
  })

  test_that(paste("kernels agree with Eigen:", layer), {
    expect_cases(layer, how_many(15, 100), check_rounding)
  })
}
