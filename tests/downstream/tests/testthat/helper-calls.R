# Cases and their data as in the tests of nnconv, computed through its header.

for (file in list.files("../../../testthat", "^helper-.*[.]R$", full.names = TRUE)) source(file)

ok <- 0L
type_error <- 1L
value_error <- 2L
shape_error <- 3L
interrupted <- 5L
wrong_thread <- 6L
not_found <- 7L

padding_modes <- c("zeros", "reflect", "replicate", "circular")

# A layer's fields in nnconv.h, as numbers.
layer_fields <- function(case, ...) {
  n <- n_spatial(case)
  pairs <- padding_pairs(case)
  fields <- list(
    ndim = n, transposed = is_transposed(case), groups = case$groups,
    stride = rep_len(case$stride, n), dilation = rep_len(case$dilation, n),
    pad_before = vapply(pairs, `[`, 0, 1), pad_after = vapply(pairs, `[`, 0, 2),
    output_padding = rep_len(case$output_padding, n),
    padding_mode = match(case$padding_mode, padding_modes) - 1, single = is_single(case$dtype)
  )
  lapply(utils::modifyList(fields, list(...)), as.double)
}

door_forward <- function(fields, operands, output = NULL, is_complex = FALSE) {
  .Call(
    downstream:::call_forward, fields, operands$input, operands$weight, operands$bias, output,
    is_complex
  )
}

door_backward <- function(fields, operands, gradients) {
  .Call(
    downstream:::call_backward, fields, operands$grad_output, operands$input, operands$weight,
    gradients
  )
}

# Arrays to write the gradients into, each filled with NaN.
empty_gradients <- function(operands, channels, is_complex = FALSE) {
  fill <- if (is_complex) complex(real = NaN, imaginary = NaN) else NaN
  list(
    array(fill, dim(operands$input)), array(fill, dim(operands$weight)), rep(fill, channels)
  )
}

# The lines that a command writes: any, one of R's, and a new R session that runs these lines.
lines_of <- function(command, ...) {
  suppressWarnings(system2(command, c(...), stdout = TRUE, stderr = TRUE))
}
r_command <- function(...) lines_of(file.path(R.home("bin"), "R"), "CMD", ...)
rscript <- function(...) {
  script <- withr::local_tempfile(lines = c(...), fileext = ".R")
  lines_of(file.path(R.home("bin"), "Rscript"), shQuote(script))
}
