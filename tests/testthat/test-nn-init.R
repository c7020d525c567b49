# What runif() gives in the same order, for the weight and then the bias.
expected_draws <- function(n_weight, n_bias, k) {
  withr::local_seed(42)
  list(stats::runif(n_weight, -sqrt(k), sqrt(k)), stats::runif(n_bias, -sqrt(k), sqrt(k)))
}

test_that("set.seed() repeats the weights, which are runif()'s", {
  makers <- list(
    list(nn_conv1d, 1, "out"), list(nn_conv2d, 2, "out"), list(nn_conv3d, 3, "out"),
    list(nn_conv_transpose1d, 1, "in"), list(nn_conv_transpose2d, 2, "in"),
    list(nn_conv_transpose3d, 3, "in")
  )
  for (maker in makers) {
    kernel <- c(3, 2, 4)[seq_len(maker[[2]])]
    set.seed(42)
    m <- maker[[1]](6, 4, kernel, groups = 2)
    own <- if (maker[[3]] == "out") c(4, 6 / 2) else c(6, 4 / 2)
    k <- 2 / ((if (maker[[3]] == "out") 6 else 4) * prod(kernel))
    draws <- expected_draws(prod(own, kernel), 4, k)
    expect_identical(m$weight, array(draws[[1]], c(own, kernel)))
    expect_identical(m$bias, draws[[2]])
  }
})

test_that("complex weights are pairs of draws, real part first", {
  set.seed(42)
  m <- nn_conv1d(3, 2, 4, dtype = "complex64")
  draws <- expected_draws(2 * 24, 2 * 2, 1 / 12 / 2)
  expect_identical(Re(c(m$weight)), draws[[1]][c(TRUE, FALSE)])
  expect_identical(Im(c(m$weight)), draws[[1]][c(FALSE, TRUE)])
  expect_identical(Im(m$bias), draws[[2]][c(FALSE, TRUE)])
})

test_that("without a bias nothing is drawn for it", {
  set.seed(42)
  m <- nn_conv1d(3, 2, 4, bias = FALSE)
  expect_null(m$bias)
  state <- .Random.seed
  expected <- expected_draws(24, 0, 1 / 12)
  set.seed(42)
  stats::runif(24)
  expect_identical(state, .Random.seed)
  expect_identical(c(m$weight), expected[[1]])
})

test_that("single precision does not round the weights that are kept", {
  set.seed(42)
  double <- nn_conv1d(3, 2, 4)
  set.seed(42)
  single <- nn_conv1d(3, 2, 4, dtype = "float32")
  expect_identical(single$weight, double$weight)
})
