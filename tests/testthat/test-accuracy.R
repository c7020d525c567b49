# The promised bound of "direct": 32 u (sum |x| |w| + |b|) from the exact sum, however long.

kinds <- list(
  normal = function(n) stats::rnorm(n),
  positive = function(n) stats::runif(n),
  constant = function(n) rep(0.1, n),
  outlier = function(n) c(1e8, stats::rnorm(n - 1))
)

# One sum of n products as the only output of a convolution, and as the gradient of its weight where
# a kernel of one tap meets n pixels.
sums <- function(x, w, b, dtype) {
  n <- length(x)
  line <- array(x, c(1, 1, n))
  c(
    output = nnf_conv1d(line, array(w, c(1, 1, n)), b, dtype = dtype),
    gradient = nnf_conv1d_backward(
      array(w, c(1, 1, n)), line, array(1, c(1, 1, 1)), dtype = dtype, needs = "weight"
    )$weight
  )
}

test_that("sums are as accurate as promised", {
  withr::local_options(nnconv.algorithm = "direct")
  withr::local_seed(1)
  lengths <- c(10, 65, 1000, 4608, 1e5, how_many(2e5, 1e6))
  for (dtype in c("float64", "float32")) for (kind in names(kinds)) for (n in lengths) {
    x <- kinds[[kind]](n)
    w <- if (kind == "normal") stats::rnorm(n) else stats::runif(n)
    b <- 0.3
    if (dtype == "float32") {
      x <- as_single(x)
      w <- as_single(w)
      b <- as_single(b)
    }
    # The reference's products are rounded too: one unit more.
    unit <- if (dtype == "float32") 2^-24 else 2^-53
    bound <- 33 * unit * (sum(abs(x * w)) + c(b, 0))
    error <- abs(sums(x, w, b, dtype) - (sum(x * w) + c(b, 0)))
    expect_true(all(error <= bound), label = paste(dtype, kind, n, "terms within the bound"))
  }
})
