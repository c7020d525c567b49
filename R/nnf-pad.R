# Padding as a function. The arguments go to the C++ core as they were given, and are checked there.

#' Pad an array
#'
#' Makes an array larger at the ends of its last dimensions, as `torch::nnf_pad()` does. The layers
#' and functions of this package pad by themselves, without a padded copy: this is for padding
#' alone.
#'
#' @param input A numeric (double, integer or logical) or complex array with any number of
#'   dimensions.
#' @param pad Whole numbers, two for each padded dimension, **last dimension first**:
#'   `c(before, after)` of the last dimension, then of the last but one, and so on. A negative
#'   number crops (`mode = "constant"` only).
#' @param mode What the new elements are: `"constant"` (`value`), `"reflect"` (the mirror image
#'   without the edge; less than the size), `"replicate"` (the edge) or `"circular"` (the other end;
#'   at most the size).
#' @param value The number for `mode = "constant"`, real or complex. `NULL` is 0.
#' @return A plain double (or complex) array of the rank of `input`, without dimnames.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.functional.pad")`
#' @seealso [nnf_conv2d()], whose `padding` is first dimension first.
#' @examples
#' x <- array(1:3, dim = c(1, 1, 3))
#' c(nnf_pad(x, c(2, 1)))
#' #> [1] 0 0 1 2 3 0
#' c(nnf_pad(x, c(2, 1), mode = "reflect"))
#' #> [1] 3 2 1 2 3 2
#' c(nnf_pad(x, c(2, 1), mode = "replicate"))
#' #> [1] 1 1 1 2 3 3
#' c(nnf_pad(x, c(2, 1), mode = "circular"))
#' #> [1] 2 3 1 2 3 1
#' c(nnf_pad(x, c(-1, 0)))
#' #> [1] 2 3
#'
#' # A matrix: columns (its last dimension) first, then rows
#' nnf_pad(diag(2), c(0, 1, 1, 0), value = 9)
#' #>      [,1] [,2] [,3]
#' #> [1,]    9    9    9
#' #> [2,]    1    0    9
#' #> [3,]    0    1    9
#' @export
nnf_pad <- function(input, pad, mode = "constant", value = 0) {
  if (missing(input)) raise_missing("input")
  if (missing(pad)) raise_missing("pad")
  pad_(input, pad, mode, value)
}
