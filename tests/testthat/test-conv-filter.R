# ---- the definition, by a loop over places ----

# Positions in 1..n for all of a padded dimension; 0 beyond a border of zeros.
padded_positions <- function(n, pair, mode) {
  at <- seq_len(n + sum(pair)) - 1 - pair[[1]]
  switch(mode,
    zeros = ifelse(at >= 0 & at < n, at + 1, 0),
    reflect = n - abs(n - 1 - abs(at)),
    replicate = pmin(pmax(at, 0), n - 1) + 1,
    circular = at %% n + 1
  )
}

# Of the weights and the values under a kernel, borders of zeros left out.
sum_present <- function(weights, values) {
  gone <- is.na(values)
  if (!any(gone & weights != 0)) return(sum((weights * values)[!gone]))
  if (!any(!gone & weights != 0)) return(NA)
  mean <- sum((Mod(weights) * values)[!gone]) / sum(Mod(weights)[!gone])
  sum((weights * values)[!gone]) + sum(weights[gone]) * mean
}

looped <- function(x, kernel, pairs, mode, stride, dilation, na) {
  one_sum <- if (na == "omit") sum_present else function(weights, values) sum(weights * values)
  n <- length(pairs)
  at <- Map(padded_positions, dim(x), pairs, mode)
  starts <- Map(function(at, size, dilation, stride) {
    seq(1, length(at) - dilation * (size - 1), by = stride)
  }, at, dim(kernel), rep_len(dilation, n), rep_len(stride, n))
  places <- as.matrix(expand.grid(starts))
  sums <- apply(places, 1, function(start) {
    window <- Map(function(at, start, size, dilation) at[start + dilation * (seq_len(size) - 1)],
      at, start, dim(kernel), rep_len(dilation, n))
    inside <- as.vector(Reduce(function(x, y) outer(x, y, `&`), lapply(window, `>`, 0)))
    values <- do.call(`[`, c(list(x), lapply(window, pmax, 1), list(drop = FALSE)))
    one_sum(kernel[inside], values[inside])
  })
  array(sums, lengths(starts))
}

# A case of helper-cases.R with an array and a kernel that fit it.
random_filter <- function(n) {
  size <- pick(c(4:9, 12)[seq_len(c(7, 6, 4)[n])], n)
  kernel <- pmin(pick(1:c(6, 4, 3)[n], n), size)
  padding <- list("same", "same", "valid", if (n == 1) "causal" else 0, pick(0:2, n),
    lapply(seq_len(n), function(i) pick(0:3, 2)))
  case <- list(
    layer = "conv", size = size, kernel = kernel, padding = pick(padding)[[1]],
    padding_mode = pick(c("zeros", "reflect", "replicate", "circular")),
    stride = pick(c(1, 1, 2, 3), n), dilation = pick(c(1, 1, 2), n)
  )
  if (!case_fits(case)) return(random_filter(n))
  x <- random_array(size, pick(c("normal", "integer")))
  x[stats::runif(length(x)) < pick(c(0.05, 0.3, 0.8))] <- NA
  weights <- switch(pick(1:4),
    stats::runif(prod(kernel)), -stats::runif(prod(kernel)), stats::rnorm(prod(kernel)),
    pick(c(-1, 0, 1), prod(kernel))
  )
  c(case, list(x = x, weights = array(weights, kernel)))
}

# Within rounding of the loop's sums, and missing at the same places.
expect_filtered <- function(actual, expected, label) {
  expect_identical(is.na(actual), is.na(expected), label = label)
  expect_close(replace(actual, is.na(actual), 0), replace(expected, is.na(expected), 0), 1e-12,
    label)
}

test_that("filters are the sums of a loop over places, in every setting", {
  withr::local_seed(1, .rng_kind = "Mersenne-Twister")
  for (n in 1:3) for (i in seq_len(how_many(20, 60))) {
    case <- random_filter(n)
    for (na in c("propagate", "omit")) for (flip in c(FALSE, TRUE)) {
      actual <- with(case,
        conv_filter(x, weights, padding, padding_mode, stride, dilation, flip, na))
      laid <- if (flip) array(rev(case$weights), case$kernel) else case$weights
      expected <- looped(case$x, laid, padding_pairs(case), case$padding_mode, case$stride,
        case$dilation, na)
      label <- paste("flip =", flip, "na =", na, case_label(case))
      expect_filtered(actual, expected, label)
    }
  }
})

test_that("channels are filtered each by itself, wherever they are", {
  withr::local_seed(1)
  each <- function(x, kernel, ...) {
    vapply(seq_len(3), function(i) {
      one <- if (length(dim(x)) == 2) x[, i] else x[, , i]
      conv_filter(one, kernel, ...)
    }, conv_filter(if (length(dim(x)) == 2) x[, 1] else x[, , 1], kernel, ...))
  }
  image <- array(stats::rnorm(9 * 8 * 3), c(9, 8, 3))
  image[sample(length(image), 20)] <- NA
  kernel <- matrix(stats::rnorm(6), 2)
  series <- image[, 1, ]
  settings <- list(
    list(), list(na = "omit"), list(padding = "valid", stride = c(2, 1), flip = TRUE),
    list(padding = list(c(1, 0), c(0, 2)), mode = "circular", dilation = c(1, 2))
  )
  for (setting in settings) {
    expected <- do.call(each, c(list(image, kernel), setting))
    last <- do.call(conv_filter, c(list(image, kernel, channels = "last"), setting))
    expect_same_bits(last, expected, names(setting))
    first <- aperm(image, c(3, 1, 2))
    first <- do.call(conv_filter, c(list(first, kernel, channels = "first"), setting))
    expect_same_bits(aperm(first, c(2, 3, 1)), expected, names(setting))
  }
  for (setting in list(list(), list(padding = "causal", stride = 3), list(na = "omit"))) {
    expected <- do.call(each, c(list(series, 1:3), setting))
    last <- do.call(conv_filter, c(list(series, 1:3, channels = "last"), setting))
    expect_same_bits(last, expected, names(setting))
    first <- do.call(conv_filter, c(list(t(series), 1:3, channels = "first"), setting))
    expect_same_bits(t(first), expected, names(setting))
  }
})

# ---- others' filters ----

test_that("stats::filter() is a flipped filter", {
  withr::local_seed(1)
  x <- stats::rnorm(40)
  x[17] <- NA
  for (length in 1:6) {
    k <- stats::rnorm(length)
    two <- c(stats::filter(x, k))
    one <- c(stats::filter(x, k, sides = 1))
    ring <- c(stats::filter(x, k, circular = TRUE))
    inside <- seq_along(x) >= length
    expect_equal(conv_filter(x, k, flip = TRUE)[!is.na(two)], two[!is.na(two)])
    expect_equal(conv_filter(x, k, padding = "causal", mode = "zeros", flip = TRUE)[inside],
      one[inside])
    expect_equal(conv_filter(x, k, mode = "circular", flip = TRUE), ring)
  }
})

test_that("series keep their times as with stats::filter()", {
  k <- c(1, 4, 2, 1)
  ours <- conv_filter(presidents, k, flip = TRUE)
  theirs <- stats::filter(presidents, k)
  expect_identical(stats::tsp(ours), stats::tsp(theirs))
  expect_identical(c(ours)[!is.na(theirs)], c(theirs)[!is.na(theirs)])

  stocks <- conv_filter(EuStockMarkets, k, padding = "causal", flip = TRUE)
  theirs <- stats::filter(EuStockMarkets, k, sides = 1)
  expect_equal(unclass(stocks)[-(1:3), ], unclass(theirs)[-(1:3), ], ignore_attr = TRUE)
  expect_identical(attributes(stocks), attributes(EuStockMarkets))
})

test_that("stats::convolve() is a filter, open and inside", {
  withr::local_seed(1)
  x <- stats::rnorm(12)
  for (k in list(c(1, 5), stats::rnorm(7), stats::rnorm(12))) {
    expect_equal(conv_filter(x, k, padding = "valid"), stats::convolve(x, k, type = "filter"))
    whole <- conv_filter(x, k, padding = length(k) - 1, mode = "zeros")
    expect_equal(whole, stats::convolve(x, k, type = "open"))
  }
})

test_that("terra::focal() is a filter", {
  skip_if_not_installed("terra")
  withr::local_seed(1)
  focal <- function(m, ...) terra::as.matrix(terra::focal(terra::rast(m), ...), wide = TRUE)
  holes <- replace(volcano, c(sample(length(volcano), 300), 1000:1040), NA)
  w <- matrix(stats::rnorm(15), 3)
  smooth <- matrix(stats::runif(15), 3)

  expect_equal(conv_filter(volcano, w, mode = "zeros"), focal(volcano, w, fillvalue = 0))
  expect_equal(conv_filter(volcano, w, mode = "replicate"), focal(volcano, w, expand = TRUE))
  expect_equal(conv_filter(holes, w, mode = "zeros"), focal(holes, w, fillvalue = 0))

  # Its sums are over the values present, and are not scaled by the weights there.
  present <- replace(holes, !is.na(holes), 1)
  sums <- function(m) focal(m, smooth, expand = TRUE, na.rm = TRUE)
  expect_equal(
    conv_filter(holes, smooth / sum(smooth), mode = "replicate", na = "omit"),
    sums(holes) / sums(present)
  )
  # Its border is missing.
  expect_equal(
    conv_filter(nnf_pad(holes, c(1, 1, 1, 1), value = NA), matrix(1 / 9, 3, 3),
      padding = "valid", na = "omit"),
    focal(holes, 3, fun = "mean", na.rm = TRUE)
  )
})

test_that("a causal filter sees nothing later", {
  withr::local_seed(1)
  x <- replace(stats::rnorm(50), c(3, 20, 21), NA)
  later <- replace(x, 31:50, c(Inf, NA, 1:18))
  for (mode in c("zeros", "replicate")) for (na in c("propagate", "omit")) {
    past <- function(x) {
      conv_filter(x, c(1, -2, 4), padding = "causal", mode = mode, dilation = 3, na = na)[1:30]
    }
    expect_same_bits(past(later), past(x), paste(mode, na))
  }
})

# ---- missing values ----

test_that("without missing values both ways give the same bits, and beside them too", {
  withr::local_seed(1)
  kernels <- list(matrix(stats::runif(9), 3), matrix(stats::rnorm(20), 4), -diag(3))
  for (kernel in kernels) for (mode in c("zeros", "reflect")) {
    filter <- function(x, na) conv_filter(x, kernel, mode = mode, na = na)
    expect_same_bits(filter(volcano, "omit"), filter(volcano, "propagate"), mode)
    holes <- replace(volcano, sample(length(volcano), 200), NA)
    holes[12, 12] <- Inf
    propagated <- filter(holes, "propagate")
    untouched <- !is.na(conv_filter(is.na(holes) / !is.na(holes), 0 * kernel, mode = mode))
    expect_gt(sum(untouched), 500)
    expect_same_bits(filter(holes, "omit")[untouched], propagated[untouched], mode)
  }
})

test_that("holes in a constant leave no trace, whatever the kernel", {
  withr::local_seed(1)
  whole <- matrix(7, 20, 30)
  holes <- replace(whole, sample(600, 150), NA)
  kernels <- list(
    matrix(1 / 9, 3, 3), outer(stats::dnorm(-3:3), stats::dnorm(-3:3)), diag(c(-2, -1, -3)),
    outer(c(-1, 0, 1), c(1, 2, 1)), matrix(stats::rnorm(25), 5), matrix(1i^(1:9), 3)
  )
  for (kernel in kernels) for (mode in c("zeros", "reflect", "replicate", "circular")) {
    filter <- function(x) conv_filter(x, kernel, mode = mode, na = "omit")
    filled <- filter(holes)
    known <- !is.na(filled)
    expect_gt(mean(known), 0.5)
    expect_lt(max(Mod(filled - filter(whole))[known]), 1e-13 * 7 * sum(Mod(kernel)))
  }
})

test_that("omitting is a mean of what is present, times the kernel's sum", {
  x <- c(1, NA, 4, NA, NA, NA, 9)
  k <- c(1, 2, 1)
  omitted <- conv_filter(x, k, padding = "valid", na = "omit")
  expect_equal(omitted, c(4 * (1 * 1 + 4 * 1) / 2, 4 * 4, 4 * 4, NA, 4 * 9))
  expect_equal(conv_filter(x, -k, padding = "valid", na = "omit"), -omitted)
  # A place of weight 0 is no place.
  expect_equal(conv_filter(x, c(1, 0, 1), padding = "valid", na = "omit"), c(5, NA, 8, NA, 18))
  # A derivative: what is missing is the mean of its neighbours.
  expect_equal(conv_filter(c(2, NA, 6), c(-1, 3, -2), padding = "valid", na = "omit"),
    -2 - 12 + 3 * (2 + 12) / 3)
  expect_identical(conv_filter(c(NA, 1), 0, na = "omit"), c(0, 0))
})

test_that("missing values come in every type, and NaN is one", {
  k <- c(1, 1, 1) / 3
  expect_equal(conv_filter(c(1, NA, 2), k, na = "omit", mode = "replicate")[2], 1.5)
  expect_equal(conv_filter(c(1L, NA, 2L), k, na = "omit", mode = "replicate")[2], 1.5)
  expect_equal(conv_filter(c(1, NaN, 2), k, na = "omit", mode = "replicate")[2], 1.5)
  expect_equal(conv_filter(c(1, NA, 2) + 0i, k, na = "omit", mode = "replicate")[2], 1.5 + 0i)
  expect_equal(conv_filter(c(TRUE, NA, FALSE), k, na = "omit", mode = "replicate")[2], 0.5)
  expect_identical(conv_filter(c(NA, NA, NA), k, na = "omit"), c(NA_real_, NA, NA))
  expect_identical(conv_filter(c(1L, NA, 2L, 3L), c(1, 1)), c(NA, NA, 5, 5))
})

test_that("\"fast\" omits as the others do", {
  withr::local_seed(1)
  holes <- replace(volcano, c(sample(length(volcano), 500), 2000:3500), NA)
  gaussian <- outer(stats::dnorm(-15:15, sd = 5), stats::dnorm(-15:15, sd = 5))
  long <- matrix(stats::rnorm(31 * 31), 31)
  for (kernel in list(gaussian, long)) {
    filter <- function() conv_filter(holes, kernel, na = "omit")
    direct <- withr::with_options(list(nnconv.algorithm = "direct"), filter())
    fast <- withr::with_options(list(nnconv.algorithm = "fast"), filter())
    expect_identical(is.na(fast), is.na(direct))
    expect_lt(max(abs(fast - direct), na.rm = TRUE), 1e-11 * max(volcano) * sum(abs(kernel)))
  }
})

# ---- what is kept ----

test_that("vectors and arrays keep their dim and their names", {
  named <- c(a = 1, b = 2, c = 3, d = 4, e = 5)
  expect_identical(names(conv_filter(named, 1:3)), names(named))
  expect_identical(conv_filter(1:3, 1), c(1, 2, 3))
  expect_identical(conv_filter(array(1:3), 1), array(c(1, 2, 3)))
  m <- matrix(1:20, 4, dimnames = list(row = letters[1:4], NULL))
  expect_identical(conv_filter(m, matrix(1)), m + 0)
  v <- array(1:24, 2:4, list(NULL, LETTERS[1:3], z = 1:4))
  expect_identical(conv_filter(v, array(1, c(1, 1, 1))), v + 0)
})

test_that("names are those of the places that are left", {
  named <- c(a = 1, b = 2, c = 3, d = 4, e = 5)
  left <- function(size, ...) names(conv_filter(named, rep(1, size), mode = "zeros", ...))
  expect_identical(left(3, padding = "valid"), c("b", "c", "d"))
  expect_identical(left(4, padding = "valid"), c("b", "c"))
  expect_identical(left(2, padding = "valid", dilation = 3), c("b", "c"))
  expect_identical(left(3, stride = 2), c("a", "c", "e"))
  expect_identical(left(3, padding = "valid", stride = 2), c("b", "d"))
  expect_identical(left(3, padding = "causal", stride = 2), c("a", "c", "e"))
  expect_identical(left(3, padding = list(c(2, 0))), c("", "a", "b", "c", "d"))
  expect_identical(left(3, padding = 2), c("", letters[1:5], ""))

  m <- matrix(0, 4, 5, dimnames = list(r = letters[1:4], c = LETTERS[1:5]))
  dimnames_left <- function(...) dimnames(conv_filter(m, matrix(1, 3, 2), ...))
  expect_identical(dimnames_left(padding = "valid"), list(r = c("b", "c"), c = LETTERS[1:4]))
  expect_identical(dimnames_left(stride = c(2, 3)), list(r = c("a", "c"), c = c("A", "D")))
  image <- array(0, c(4, 5, 3), list(letters[1:4], NULL, c("R", "G", "B")))
  expect_identical(
    dimnames(conv_filter(image, matrix(1, 2, 2), stride = 3, channels = "last")),
    list(c("a", "d"), NULL, c("R", "G", "B"))
  )
})

test_that("times are those of the places that are left", {
  times <- function(...) c(stats::time(conv_filter(presidents, ...)))
  all <- c(stats::time(presidents))
  expect_equal(times(1:4), all)
  expect_equal(times(1:3, padding = "valid"), all[2:119])
  expect_equal(times(1:4, padding = "valid"), all[2:118])
  expect_equal(times(1:4, padding = "valid", stride = 4), all[seq(2, 118, 4)])
  expect_equal(times(1:4, padding = "causal", stride = 5), all[seq(1, 120, 5)])
  expect_equal(times(1:3, padding = list(c(3, 0))), c(1944.5, 1944.75, all[1:119]))
  # In whole quarters nothing is lost to rounding.
  yearly <- conv_filter(presidents, 1:4, padding = "valid", stride = 4)
  expect_identical(stats::tsp(yearly), c(1945.25, 1974.25, 1))
  expect_identical(class(yearly), "ts")

  two <- stats::ts(cbind(a = 1:9, b = 2), start = c(2000, 3), frequency = 12)
  left <- conv_filter(two, c(1, 1), padding = "valid")
  expect_identical(class(left), class(two))
  expect_identical(colnames(left), c("a", "b"))
  expect_equal(stats::tsp(left), c(2000 + 2 / 12, 2000 + 9 / 12, 12))
  expect_identical(conv_filter(two, c(1, 1), padding = "valid", channels = "none"), left)
  one <- stats::ts(matrix(1:9), start = 5)
  expect_identical(conv_filter(one, 1), one + 0)
})

test_that("a list of kernels gives a list of results", {
  kernels <- list(small = diag(3), large = matrix(1, 5, 4))
  filter <- function(kernel) conv_filter(volcano, kernel, padding = "valid")
  expect_identical(filter(kernels), lapply(kernels, filter))
  expect_identical(conv_filter(1:3, list(1, 2)), list(c(1, 2, 3), c(2, 4, 6)))
})

test_that("every type of number is taken, and what was given is left alone", {
  x <- c(1, 5, 2)
  for (each in list(x, as.integer(x), x + 0i)) {
    given <- each + 0
    expect_equal(conv_filter(each, c(1, 2), mode = "zeros"), c(11, 9, 2) + 0 * given)
    expect_identical(each + 0, given)
  }
  expect_identical(conv_filter(c(TRUE, FALSE, TRUE), c(1L, 2L), mode = "zeros"), c(1, 2, 1))
  expect_identical(conv_filter(matrix(1:4, 2), matrix(TRUE, 2, 2), padding = "valid"), matrix(10))
  z <- complex(real = 1:3, imaginary = c(2, 0, 1))
  expect_equal(conv_filter(z, c(1i, 2), mode = "zeros"), c(z[1:2] * 1i + 2 * z[2:3], z[3] * 1i))
  expect_equal(conv_filter(z, c(1i, 2), mode = "zeros", flip = TRUE),
    c(2 * z[1:2] + 1i * z[2:3], 2 * z[3]))
})

test_that("\"same\" takes a stride: every so-manieth place", {
  k <- outer(1:4, 1:3)
  expect_identical(conv_filter(volcano, k, stride = c(3, 2)),
    conv_filter(volcano, k)[seq(1, 87, 3), seq(1, 61, 2)])
})

test_that("a matrix takes no more memory than its results", {
  x <- matrix(0, 1500, 1500)
  bytes <- function(code) {
    invisible(gc(reset = TRUE))
    before <- sum(gc()[, 2])
    force(code)
    sum(gc()[, 6]) - before
  }
  result <- 8 * 1500^2 / 2^20
  expect_lt(bytes(conv_filter(x, matrix(1, 3, 3))), 3 * result)
})

# ---- errors ----

test_that("arrays and kernels that do not fit are refused, with the fix", {
  refused <- function(kind, argument, fix, ...) {
    fault <- expect_fault(conv_filter(...), kind, argument)
    expect_match(fault$fix, fix, fixed = TRUE)
    expect_identical(fault$call[[1]], quote(conv_filter))
  }
  refused("shape", "kernel", "matrix(kernel, ncol = 1)", volcano, 1:3)
  refused("shape", "kernel", "channels = \"last\"", array(0, c(9, 9, 3)), diag(3))
  refused("shape", "kernel", "", 1:9, diag(3))
  refused("shape", "kernel", "", volcano, array(1, c(1, 1, 1)))
  refused("shape", "kernel", "", volcano, matrix(0, 0, 3))
  refused("shape", "kernel", "", array(0, c(9, 9, 3)), array(1, c(3, 3, 3)), channels = "last")
  refused("shape", "kernel[[2]]", "matrix(kernel[[2]], ncol = 1)", volcano, list(diag(3), 1:3))
  refused("type", "kernel[[1]]", "", volcano, list("a"))
  refused("value", "kernel", "", volcano, list())
  refused("value", "kernel", "0 leaves a place out", 1:9, c(1, NA))
  refused("value", "kernel", "0 leaves a place out", 1:9, c(1, Inf))
  refused("type", "kernel", "", 1:9)
  refused("type", "x", "")
  refused("type", "x", "as.matrix(x)", iris[1:4], diag(3))
  refused("shape", "x", "", array(0, c(2, 2, 2, 2)), 1)
  refused("shape", "x", "", 1:9, 1, channels = "last")
  refused("shape", "x", "", matrix(0, 0, 3), diag(3))
  refused("shape", "x", "", 1:3, 1:4, padding = "valid")
  refused("shape", "padding", "mode = \"replicate\"", 1:3, 1:9)
  refused("shape", "padding", "mode = \"replicate\"", volcano, diag(3), padding = c(1, 61))
  refused("shape", "padding", "mode = \"replicate\"", 1:3, 1:9, mode = "circular")
  refused("value", "padding", "", volcano, diag(3), padding = "causal")
  refused("value", "padding", "", volcano, diag(3), padding = list(c(1, 1)))
  refused("value", "stride", "", volcano, diag(3), stride = 1:3)
  refused("value", "stride", "", array(0, c(9, 9, 3)), diag(3), stride = 1:3, channels = "last")
})

test_that("the limits of the modes are exact", {
  expect_identical(conv_filter(1:3, 1, padding = 2), c(3, 2, 1, 2, 3, 2, 1))
  expect_fault(conv_filter(1:3, 1, padding = 3), "shape", "padding")
  expect_identical(conv_filter(1:3, 1, padding = 3, mode = "circular"), rep(c(1, 2, 3), 3))
  expect_fault(conv_filter(1:3, 1, padding = 4, mode = "circular"), "shape", "padding")
  # A dimension of channels has no padding, and so no limit.
  expect_identical(conv_filter(matrix(1:3), 1, padding = 2, channels = "last"),
    matrix(c(3, 2, 1, 2, 3, 2, 1)))
  expect_identical(conv_filter(1:3, c(5, 1, 7), mode = "zeros", dilation = 2^31 - 1), c(1, 2, 3))
})
