# Filters for arrays as they are: a series, a matrix, a volume, an image. The C++ core checks the
# arguments and computes; R puts back the names and times, and deals with missing values.

#' Filter a series, matrix, volume or image
#'
#' Lays a kernel over every place of an array and sums the products: moving averages of series,
#' smoothing and edges of images, slopes of terrain. The array needs no channels and no batch, and
#' the result is of its kind: a `ts` remains one, and names and dimnames stay where they were.
#'
#' As in the layers the kernel is laid over the array as it is. What signal processing, and
#' [stats::filter()], call convolution turns it round: `flip = TRUE`. So, but for the borders,
#' `stats::filter(x, k)` is `conv_filter(x, k, flip = TRUE)` and `stats::filter(x, k, sides = 1)`
#' is `conv_filter(x, k, padding = "causal", flip = TRUE)`.
#'
#' Several kernels in a list give a list of results, one for each.
#'
#' @section Places:
#' A result belongs to the place under the middle of the kernel, or of two middle ones to the first;
#' with `padding = "causal"` to that under the kernel's last element. With `"valid"` or a stride
#' the names, dimnames and times of the places that are left are kept. A place that padding has
#' added has the name `""`; a series then starts earlier or ends later.
#'
#' @section Missing values:
#' With `na = "propagate"` a result is `NA` where a missing value is under the kernel, also under a
#' 0.
#'
#' With `na = "omit"` a missing value counts as the mean of the values present under the kernel,
#' weighted by `abs(kernel)`. For a kernel without negative numbers this is normalised convolution:
#' the sum of `kernel * x` over the values present, times `sum(kernel)` over the sum of `kernel`
#' there. So holes in a constant leave no trace, whatever the kernel: its moving average remains
#' that constant, and its derivative, by a kernel that sums to 0, remains 0. A result is `NA` only
#' where all values under numbers other than 0 are missing. Where none is missing, results are those
#' of `"propagate"`, bit for bit; so zeros beyond the border (`mode = "zeros"`) remain zeros, and
#' only holes are filled. Under [conv_set_algorithm("fast")][conv_set_algorithm] less than `1e-12`
#' of the kernel's weight counts as none.
#'
#' @param x The data, numeric (double, integer or logical) or complex: a vector or `ts`; a matrix;
#'   an array of three dimensions. With `channels`, one dimension holds series or channels that are
#'   filtered each by itself; the series of a multivariate `ts` always are.
#' @param kernel The kernel: numbers with a dimension for each of `x`, without that of `channels`.
#'   So a vector for a vector or for series, a matrix for a matrix or an image with channels, an
#'   array of three dimensions for a volume. Or a list of kernels. Missing and infinite values are
#'   refused.
#' @param padding How far `x` is continued beyond its borders: `"same"` (as far as keeps its size;
#'   with a `stride`, every `stride`-th place of that), `"valid"` (not at all), `"causal"` (for
#'   vectors and series: before the first value only; no result sees a later one, where `mode` is
#'   `"replicate"` or `"zeros"`); or numbers: one, or one per dimension of the kernel, or a list of
#'   one `c(before, after)` pair per dimension.
#' @param mode What it is continued with: `"reflect"` (the mirror image without the edge; padding
#'   less than the size), `"replicate"` (the edge), `"circular"` (the other end; padding at most the
#'   size) or `"zeros"`.
#' @param stride How far, in places, the kernel moves from one result to the next.
#'   `r rd_per_dimension("at least 1")`
#' @param dilation How far apart, in places, neighbouring elements of the kernel lie.
#'   `r rd_per_dimension("at least 1")`
#' @param flip Whether the kernel is turned round first, in every dimension: `TRUE` or `FALSE`.
#' @param na What missing values do: `"propagate"` or `"omit"`, see below.
#' @param channels The dimension of `x` that holds channels: `"none"`, `"first"` or `"last"`.
#' @return Doubles (or complex numbers): an object of the kind of `x`, with its dim (smaller or
#'   larger as padding and stride have it), names or dimnames, and times; or for a list of kernels a
#'   list of these, with its names.
#' @section Errors:
#' `r rd_errors()`
#' @references Knutsson and Westin (1993). Normalized and differential convolution. *CVPR*, 515-523.
#'   \doi{10.1109/CVPR.1993.341081}
#' @seealso [nn_conv2d()] and [nnf_conv2d()] for many channels and samples at once, [to_nchw()] to
#'   get there, [conv_set_algorithm()] for large kernels; `vignette("images", package = "nnconv")`
#' @examples
#' # The sum of the eight neighbours of each number of a matrix
#' x <- matrix(1:16, 4, byrow = TRUE)
#' ring <- rbind(c(1, 1, 1), c(1, 0, 1), c(1, 1, 1))
#' conv_filter(x, ring, mode = "zeros")
#' #>      [,1] [,2] [,3] [,4]
#' #> [1,]   13   22   27   18
#' #> [2,]   28   48   56   37
#' #> [3,]   48   80   88   57
#' #> [4,]   33   58   63   38
#' conv_filter(x, ring, padding = "valid")
#' #>      [,1] [,2]
#' #> [1,]   48   56
#' #> [2,]   80   88
#'
#' # The mean of three years, which lies at the middle one, or at the last
#' river <- window(Nile, end = 1876)
#' conv_filter(river, c(1, 1, 1) / 3, padding = "valid")
#' #> Time Series:
#' #> Start = 1872
#' #> End = 1875
#' #> Frequency = 1
#' #> [1] 1081.000 1111.000 1111.000 1176.667
#' conv_filter(river, c(1, 1, 1) / 3, padding = "causal", mode = "replicate")
#' #> Time Series:
#' #> Start = 1871
#' #> End = 1876
#' #> Frequency = 1
#' #> [1] 1120.000 1133.333 1081.000 1111.000 1111.000 1176.667
#'
#' # A moving average of a year, with missing values and without
#' year <- c(0.5, 1, 1, 1, 0.5) / 4
#' approval <- window(presidents, 1971, c(1973, 4))
#' conv_filter(approval, year)
#' #>        Qtr1   Qtr2   Qtr3   Qtr4
#' #> 1971 50.250 50.375 50.250 51.625
#' #> 1972     NA     NA     NA     NA
#' #> 1973     NA     NA 41.250 37.750
#' round(conv_filter(approval, year, na = "omit"), 1)
#' #>      Qtr1 Qtr2 Qtr3 Qtr4
#' #> 1971 50.2 50.4 50.2 51.6
#' #> 1972 53.1 53.8 59.8 60.2
#' #> 1973 52.8 47.3 41.2 37.8
#'
#' # Slope of the volcano in degrees, by two Sobel kernels; its grid is 10 m wide
#' sobel <- outer(c(-1, 0, 1), c(1, 2, 1)) / 80
#' gain <- conv_filter(volcano, list(down = sobel, right = t(sobel)))
#' slope <- atan(sqrt(gain$down^2 + gain$right^2)) * 180 / pi
#' round(quantile(slope), 1)
#' #>   0%  25%  50%  75% 100%
#' #>  0.0  5.9 13.4 21.2 43.0
#'
#' # An image of three channels, each blurred by itself
#' image <- array(runif(20 * 30 * 3), dim = c(20, 30, 3))
#' dim(conv_filter(image, matrix(1 / 25, 5, 5), channels = "last"))
#' #> [1] 20 30  3
#' @export
conv_filter <- function(x, kernel, padding = "same", mode = "reflect", stride = 1, dilation = 1,
                        flip = FALSE, na = c("propagate", "omit"),
                        channels = c("none", "first", "last")) {
  if (missing(x)) raise_missing("x")
  if (missing(kernel)) raise_missing("kernel")
  check_flag(flip, "flip")
  if (missing(na)) na <- na[[1L]]
  check_choice(na, "na", c("propagate", "omit"))
  if (missing(channels)) channels <- channels[[1L]]
  check_choice(channels, "channels", c("none", "first", "last"))
  if (stats::is.ts(x) && is.matrix(x)) {
    if (channels == "first") {
      raise_fault("value", "channels", "\"last\" for a `ts` of several series", "\"first\"")
    }
    channels <- "last"
  }

  run <- function(step, x, kernel) step(x, kernel, padding, mode, stride, dilation, channels)
  filter <- function(kernel) filter_one(x, kernel, run, flip, na)
  if (is.list(kernel) && !is.object(kernel)) filter_each(kernel, filter) else filter(kernel)
}

# A call for each kernel: to take several outputs of one apart, their channels being first, takes
# longer than to compute them.
filter_each <- function(kernels, filter) {
  if (!length(kernels)) {
    raise_fault("value", "kernel", "an array, or a list of at least one", "an empty list")
  }
  outputs <- lapply(seq_along(kernels), function(i) {
    with_argument_renamed(filter(kernels[[i]]), "kernel", sprintf("kernel[[%d]]", i))
  })
  names(outputs) <- names(kernels)
  outputs
}

# `run` calls one of the C++ functions with the settings of the call.
filter_one <- function(x, kernel, run, flip, na) {
  positions <- run(filter_positions_, x, kernel)
  if (flip) kernel[] <- rev(kernel)
  if (na == "omit" && anyNA(x)) {
    y <- filter_present(x, kernel, function(x, kernel) run(filter_, x, kernel))
  } else {
    y <- run(filter_, x, kernel)
  }
  with_time(with_names(y, x, positions), x, positions)
}

# The sum over the values present, and for those that are missing the weight that they have times
# the mean of the ones that are present.
filter_present <- function(x, kernel, sums) {
  weights <- Mod(kernel)
  missing <- is.na(x)
  x <- replace(unclass(x), missing, 0)
  y <- sums(x, kernel)
  absent <- sums(missing, kernel)
  present <- sums(!missing, weights)
  of_one_sign <- !is.complex(kernel) && all(kernel >= 0)
  total <- if (of_one_sign) y else sums(x, weights)
  lost <- if (of_one_sign) absent else sums(missing, weights)

  # What is 0 may differ from it by as much under "fast".
  nothing <- if (conv_get_algorithm() == "fast") 1e-12 * sum(weights) else 0
  touched <- which(lost > nothing)
  y[touched] <- y[touched] + absent[touched] * (total[touched] / present[touched])
  y[touched[present[touched] <= nothing]] <- NA
  y
}

with_names <- function(y, x, positions) {
  if (is.null(dim(x))) {
    names(y) <- kept_names(names(x), length(y), positions$first, positions$step)
  } else if (!is.null(dimnames(x))) {
    kept <- Map(kept_names, dimnames(x), dim(y), positions$first, positions$step)
    dimnames(y) <- stats::setNames(kept, names(dimnames(x)))
  }
  y
}

# Of `n` positions; those outside have none.
kept_names <- function(names, n, first, step) {
  if (is.null(names)) {
    return(NULL)
  }
  at <- 1 + first + step * (seq_len(n) - 1)
  at[at < 1] <- NA
  kept <- names[at]
  kept[is.na(at) | at > length(names)] <- ""
  kept
}

with_time <- function(y, x, positions) {
  if (!stats::is.ts(x)) {
    return(y)
  }
  first <- positions$first[[1L]]
  step <- positions$step[[1L]]
  last <- first + step * (NROW(y) - 1)
  old <- stats::tsp(x)
  stats::tsp(y) <- c(
    old[[1L]] + first / old[[3L]],
    old[[2L]] + (last - NROW(x) + 1) / old[[3L]],
    old[[3L]] / step
  )
  class(y) <- intersect(class(x), c("mts", "ts", "matrix", "array"))
  y
}
