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
  cli::cat_line(wrap_call(format(x)))
  cli::cat_line(format(names(parameters)), "  ", vapply(parameters, format_extents, ""))
  cli::cat_line(
    format_count(sum(lengths(parameters))), " parameters, ",
    if (x$training) "training" else "evaluation", " mode"
  )
  invisible(x)
}

# In lines that fit the console.
wrap_call <- function(call) {
  lines <- break_lines(call, function(line) nchar(line) <= getOption("width") - 2L)
  paste0(rep(c("", "  "), c(1L, length(lines) - 1L)), lines)
}

# In lines that fit, as far as words do: broken at spaces, but not inside an argument of a call.
break_lines <- function(text, fits) {
  letters <- strsplit(text, "")[[1L]]
  depth <- cumsum(letters == "(") - cumsum(letters == ")")
  beside_equals <- c(letters[-1L], "") == "=" | c("", letters[-length(letters)]) == "="
  breaks <- letters == " " & depth <= 1L & !beside_equals
  words <- vapply(split(letters, cumsum(breaks)), paste, "", collapse = "")
  Reduce(function(lines, word) {
    longer <- paste(lines[[length(lines)]], word)
    if (fits(longer)) replace(lines, length(lines), longer) else c(lines, word)
  }, unname(trimws(words)))
}

format_count <- function(count) {
  format(count, big.mark = ",", scientific = FALSE)
}

format_extents <- function(array) {
  by_times(extents(array))
}

by_times <- function(sizes) {
  paste(sizes, collapse = " x ")
}

extents <- function(array) {
  if (is.null(dim(array))) length(array) else dim(array)
}

#' @rdname nnconv_module
#' @export
summary.nnconv_module <- function(object, input_dim = NULL, ...) {
  check_no_more(...)
  parameters <- module_parameters(object)
  statistics <- do.call(rbind, lapply(parameters, parameter_statistics))
  table <- data.frame(dim = vapply(parameters, format_extents, ""), statistics)
  summary <- list(
    module = format(object), parameters = table, moduli = names(Filter(is.complex, parameters)),
    receptive_field = receptive_field(object)
  )
  if (!is.null(input_dim)) {
    summary$output_dim <- output_dim_for(object, input_dim)
    summary$input_dim <- as.integer(input_dim)
    summary$multiply_adds <- multiply_adds(object, summary$input_dim, summary$output_dim)
  }
  structure(summary, class = "summary.nnconv_module")
}

# Each weight meets every pixel of a convolution's output, of a transposed one's input, once.
multiply_adds <- function(m, input_dim, output_dim) {
  met <- if (is_transposed(m)) input_dim else output_dim
  ndim <- length(m$kernel_size)
  batch <- if (length(met) > ndim + 1L) met[[1L]] else 1
  prod(batch, utils::tail(met, ndim), dim(m$weight))
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
  cli::cat_line(wrap_call(x$module))
  print(x$parameters, ...)
  if (length(x$moduli)) {
    cli::cat_line("min, mean, max, sd: of the moduli of ", enumerate(x$moduli))
  }
  facts <- c("receptive field" = field_words(x$receptive_field))
  if (!is.null(x$input_dim)) {
    facts <- c(
      facts, input = by_times(x$input_dim), output = by_times(x$output_dim),
      "multiply-adds" = format_count(x$multiply_adds)
    )
  }
  cli::cat_line(format(names(facts)), "  ", facts)
  invisible(x)
}

field_words <- function(field) {
  stride <- vapply(field$stride, format, "", digits = 3L)
  paste0(by_times(field$size), ", stride ", by_times(stride))
}

#' @rdname nnconv_module
#' @importFrom stats coef
#' @export
coef.nnconv_module <- function(object, ...) {
  module_parameters(object)
}
