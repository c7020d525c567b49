# Random problems of every kind: the fast kernels against plain loops in the same order, bit for bit;
# against another library's product in another order, within the rounding of sums; and against the
# definition, exactly where the data are small integers.

random_kinds <- function(case) {
  mixed <- stats::runif(1) < 0.2
  if (mixed) pick(c(TRUE, FALSE), 2) else rep(is_complex(case$dtype), 2)
}

# Elementwise bounds: some rounding errors of the sums of the moduli of the terms.
rounding <- function(case, operands) {
  unit <- if (is_single(case$dtype)) 2^-24 else 2^-53
  case$dtype <- "float64"
  moduli <- lapply(operands, function(x) if (!is.null(x)) Mod(x))
  lapply(inspect(case, moduli, "naive", isa_()), function(sums) 64 * unit * sums)
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
  bounds <- rounding(case, operands)
  direct <- inspect(case, operands, "direct", isa_())
  eigen <- inspect(case, operands, "eigen", isa_())
  within <- function(x, y, bound) identical(dim(x), dim(y)) && all(Mod(x - y) <= bound)
  names(direct)[!mapply(within, direct, eigen, bounds)]
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

for (layer in layers) {
  test_that(paste("kernels keep the written order:", layer), {
    withr::local_options(nnconv.algorithm = "direct")
    expect_cases(layer, how_many(30, 400), check_bits)
  })

  test_that(paste("kernels compute the definition:", layer), {
    expect_cases(layer, how_many(15, 100), check_definition)
  })

  test_that(paste("kernels agree with Eigen:", layer), {
    expect_cases(layer, how_many(15, 150), check_rounding)
  })
}
