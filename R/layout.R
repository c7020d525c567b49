# Layouts by the letters of their dimensions: to that of the layers, and back. Not on the way of a
# call.

#' From other layouts to that of the layers, and back
#'
#' Layers take arrays `(N, C, spatial...)`: samples, channels, then `L`, `H, W` or `D, H, W`.
#' `to_nchw()` makes such an array of one whose dimensions are in another order, or without samples
#' or channels; `from_nchw()` goes back.
#'
#' A layout names the dimensions of an array, a letter each: `N` samples, `C` channels, and `L`
#' length, or `H` height (rows) and `W` width (columns), or `D` depth besides. So `"HW"` is a
#' matrix, `"HWC"` an image as packages png and jpeg read it, `"NHWC"` a batch of those, `"LC"` a
#' matrix with a series in each column, `"L"` a vector and `"DHW"` a volume. A letter that a layout
#' lacks is a dimension of extent 1 for the layers.
#'
#' Dimnames stay with their dimensions. `from_nchw(to_nchw(x, layout), layout)` is `x`, without
#' class and other attributes. Nothing is copied where the order does not change.
#'
#' @param x `to_nchw()`: a numeric (double, integer or logical) or complex array, or a vector, with
#'   the dimensions of `layout`. `from_nchw()`: an array `(N, C, spatial...)`, or `(C, spatial...)`
#'   where `layout` has no `N`; what `layout` has no letter for must have the extent 1.
#' @param layout The letters of the dimensions outside the layers, first dimension first: one
#'   string.
#' @return `to_nchw()`: an array `(N, C, spatial...)`. `from_nchw()`: an array with the dimensions
#'   of `layout`, or a vector for `"L"`. The numbers are of the type of `x`.
#' @section Errors:
#' `r rd_errors()`
#' @seealso [nn_conv2d()], and [conv_filter()], which takes arrays as they are.
#' @examples
#' dim(to_nchw(volcano, "HW"))
#' #> [1]  1  1 87 61
#' image <- array(runif(20 * 30 * 3), dim = c(20, 30, 3))
#' dim(to_nchw(image, "HWC"))
#' #> [1]  1  3 20 30
#' dim(to_nchw(EuStockMarkets, "LC"))
#' #> [1]    1    4 1860
#'
#' m <- nn_conv2d(3, 8, kernel_size = 5, padding = "same")
#' y <- m(to_nchw(image, "HWC"))
#' dim(from_nchw(y, "HWC"))
#' #> [1] 20 30  8
#' @export
to_nchw <- function(x, layout = "HWC") {
  if (missing(x)) raise_missing("x")
  letters <- layout_letters(layout)
  check_numeric_(x, "x", array_of(letters))
  if (max(length(dim(x)), 1L) != length(letters)) {
    raise_fault(
      "shape", "x", paste0(array_of(letters), ", as `layout = \"", layout, "\"` says"),
      describe_(x), "`layout` has a letter for each dimension, as \"HW\" for a matrix."
    )
  }
  if (is.null(dim(x))) {
    attributes(x) <- list(dim = length(x), dimnames = if (!is.null(names(x))) list(names(x)))
  }
  full <- nchw_letters(letters)
  inner <- intersect(full, letters)
  with_dims(in_order(x, letters, inner), inner, full)
}

#' @rdname to_nchw
#' @export
from_nchw <- function(x, layout = "HWC") {
  if (missing(x)) raise_missing("x")
  letters <- layout_letters(layout)
  full <- nchw_letters(letters)
  check_numeric_(x, "x", array_of(full))
  without_batch <- length(dim(x)) == length(full) - 1L && !"N" %in% letters
  given <- if (without_batch) full[-1L] else full
  if (length(dim(x)) != length(given)) {
    raise_fault("shape", "x", array_of(full), describe_(x))
  }
  for (letter in setdiff(given, letters)) {
    check_single(x, dim(x)[[match(letter, given)]], letter, layout)
  }
  inner <- intersect(full, letters)
  x <- in_order(with_dims(x, given, inner), inner, letters)
  if (length(letters) == 1L) {
    attributes(x) <- list(names = dimnames(x)[[1L]])
  }
  x
}

# The letters of a layout, made sure to be those of one.
layout_letters <- function(layout) {
  must <- "a string of the letters L, HW or DHW, and N and C if there are such dimensions"
  check_string(layout, "layout", must)
  letters <- strsplit(layout, "")[[1L]]
  spatial <- paste(sort(setdiff(letters, c("N", "C"))), collapse = "")
  if (anyDuplicated(letters) || !spatial %in% c("L", "HW", "DHW")) {
    raise_fault(
      "value", "layout", must, describe_(layout),
      "For images of rows, columns and channels: `layout = \"HWC\"`."
    )
  }
  letters
}

# What layers have, for a layout with these letters.
nchw_letters <- function(letters) {
  c("N", "C", intersect(c("D", "H", "W", "L"), letters))
}

dim_words <- c(
  N = "batch", C = "channels", D = "depth", H = "height", W = "width", L = "length"
)

array_of <- function(letters) {
  paste0("a numeric array of dim (", enumerate(dim_words[letters]), ")")
}

# A dimension that `layout` has no letter for.
check_single <- function(x, extent, letter, layout) {
  if (extent != 1L) {
    what <- c(N = "sample", C = "channel")[[letter]]
    raise_fault(
      "shape", "x", paste0("an array of one ", what, ", as `layout = \"", layout, "\"` says"),
      paste0("one with ", extent, " (its dim is (", enumerate(dim(x)), "))"),
      paste0("`layout = \"", paste0(letter, layout), "\"` keeps them.")
    )
  }
}

# Dimensions in another order.
in_order <- function(x, from, to) {
  if (identical(from, to)) x else aperm(x, match(to, from))
}

# The dimensions `to` of an array with the dimensions `from`, in one order: those of extent 1 are
# added or left out. Nothing else but dimnames is kept.
with_dims <- function(x, from, to) {
  at <- match(to, from)
  dim <- dim(x)[at]
  dim[is.na(at)] <- 1L
  names <- dimnames(x)[at]
  if (!is.null(names(names))) {
    names(names)[is.na(at)] <- ""
  }
  attributes(x) <- list(dim = dim, dimnames = names)
  x
}
