# How a module shows itself and is used by R's own generics. Not on the way of a call.

#' @rdname nnconv_module
#' @export
format.nnconv_module <- function(x, ...) {
  data <- module_data(x)
  arguments <- c(
    format_value(data$in_channels),
    format_value(data$out_channels),
    paste("kernel_size =", format_value(data$kernel_size)),
    format_changed(as.list(data))
  )
  constructor <- sub("^nnconv_", "nn_", class(x)[[1L]])
  paste0(constructor, "(", enumerate(arguments), ")")
}

# The arguments that are not the constructor's defaults.
format_changed <- function(values) {
  values$bias <- !is.null(values$bias)
  defaults <- list(
    stride = 1L, padding = 0L, output_padding = 0L, dilation = 1L, groups = 1L, bias = TRUE,
    padding_mode = "zeros", dtype = "float64"
  )
  values <- values[names(defaults)]
  is_default <- mapply(function(value, default) identical(unique(value), default), values, defaults)
  values <- values[!is_default]
  if (length(values)) paste(names(values), "=", vapply(values, format_value, ""))
}

# A setting as a user would type it: one number for equal ones, without the L of integers.
format_value <- function(value) {
  if (is.list(value)) {
    value <- lapply(value, as.numeric)
  } else if (is.integer(value)) {
    value <- as.numeric(if (all(value == value[[1L]])) value[[1L]] else value)
  }
  paste(deparse(value, width.cutoff = 500L), collapse = " ")
}

#' @rdname nnconv_module
#' @export
print.nnconv_module <- function(x, ...) {
  parameters <- module_parameters(x)
  cli::cat_line(format(x))
  cli::cat_line(format(names(parameters)), "  ", vapply(parameters, format_extents, ""))
  cli::cat_line(
    format(sum(lengths(parameters)), big.mark = ","), " parameters, ",
    if (x$training) "training" else "evaluation", " mode"
  )
  invisible(x)
}

format_extents <- function(array) {
  paste(extents(array), collapse = " x ")
}

extents <- function(array) {
  if (is.null(dim(array))) length(array) else dim(array)
}

#' @rdname nnconv_module
#' @export
summary.nnconv_module <- function(object, ...) {
  parameters <- module_parameters(object)
  statistics <- do.call(rbind, lapply(parameters, parameter_statistics))
  table <- data.frame(dim = vapply(parameters, format_extents, ""), statistics)
  structure(list(module = format(object), parameters = table), class = "summary.nnconv_module")
}

# Of the moduli where the numbers are complex.
parameter_statistics <- function(x) {
  if (is.complex(x)) {
    x <- Mod(x)
  }
  data.frame(
    count = length(x), min = min(x), mean = mean(x), max = max(x), sd = stats::sd(x)
  )
}

#' @export
print.summary.nnconv_module <- function(x, ...) {
  cli::cat_line(x$module)
  print(x$parameters, ...)
  invisible(x)
}

#' @rdname nnconv_module
#' @importFrom stats coef
#' @export
coef.nnconv_module <- function(object, ...) {
  module_parameters(object)
}
