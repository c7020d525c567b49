# The fast kernels against plain loops in the same order, bit for bit, and against another library's
# product in another order, within the rounding of sums: for random problems of every kind.

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

for (layer in layers) {
  test_that(paste("kernels keep the written order:", layer), {
    withr::local_options(nnconv.algorithm = "direct")
    expect_cases(layer, how_many(50, 700), check_bits)
  })

  test_that(paste("kernels agree with Eigen:", layer), {
    expect_cases(layer, how_many(20, 200), check_rounding)
  })
}
