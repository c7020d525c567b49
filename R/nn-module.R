# What a module is, and its forward call: the first step on the way of `m(x)`.
#
# A module is a function with a class over an environment of plain data: its fields as the user
# reads them, the geometry as the C++ core reads it, and a format version. It carries no code but
# the body below, so a module that was saved runs the code of the version that loads it.

format_version <- 1L

# Both bodies are written into every saved module, and are therefore never to be changed:
# module_call() must go on taking what they give it.
module_functions <- list(
  conv = alist(
    input = ,
    module_call(parent.env(environment()), input)
  ),
  conv_transpose = alist(
    input = ,
    output_size = NULL,
    module_call(parent.env(environment()), input, output_size)
  )
)

# `kind` is "conv" or "conv_transpose", `spec` what conv_spec_() gave.
new_module <- function(kind, spec, has_bias) {
  ndim <- length(spec$kernel_size)
  data <- list2env(spec, parent = topenv())
  data$format <- format_version
  data$training <- TRUE
  data$grad <- no_gradients
  data$remembered <- new_memory(data)
  bias_length <- if (has_bias) spec$out_channels else 0L
  list2env(draw_parameters(spec_weight_dim(kind, spec), bias_length, spec$dtype), data)

  # as.function() gives no source reference, which would be saved too.
  structure(
    as.function(module_functions[[kind]], envir = data),
    class = c(paste0("nnconv_", c(paste0(kind, ndim, "d"), kind, "module")), "function")
  )
}

spec_weight_dim <- function(kind, spec) {
  channels <- switch(kind,
    conv = c(spec$out_channels, spec$in_channels %/% spec$groups),
    conv_transpose = c(spec$in_channels, spec$out_channels %/% spec$groups)
  )
  c(channels, spec$kernel_size)
}

# The data of a module, made sure to be of a format that this version knows.
module_data <- function(module) {
  data <- environment(module)
  if (!isTRUE(data$format <= format_version)) {
    raise_format(data$format)
  }
  data
}

raise_format <- function(format) {
  is_later <- isTRUE(format > format_version)
  raise_fault(
    "value", "format", paste("at most", format_version), describe_(format),
    if (is_later) "The module was saved by a later version of nnconv: update the package." else ""
  )
}

# ---- forward ----

# The first three arguments are those of the saved bodies. Few functions are called, for each takes
# its part of the time of a small forward (dev/notes/0009-tiny-calls.md).
module_call <- function(data, input, output_size = NULL, remembers = data$training) {
  if (missing(input)) {
    raise_missing("input")
  }
  if (!isTRUE(data$format <= format_version)) {
    raise_format(data$format)
  }
  output <- .Call(
    `_nnconv_module_forward_`, data$geometry, input, data$weight, data$bias, output_size
  )
  if (remembers && !.Call(`_nnconv_remember_`, data$remembered, input)) {
    data$remembered <- new_memory(data)
    remember_(data$remembered, input)
  }
  output
}

# ---- the remembered input ----
# Kept in a holder behind a weak reference, which lives as long as the module's data and which
# serialisation leaves behind. remember_() overwrites the slot; the reference is made anew only
# where readRDS() left it empty, for R keeps the value of every weak reference as long as its key
# lives.

new_memory <- function(data) {
  rlang::new_weakref(key = data, value = new.env(hash = FALSE, parent = emptyenv()))
}

forget_input <- function(data) {
  remember_(data$remembered, NULL)
}

# NULL where there is none.
remembered_input <- function(data) {
  rlang::wref_value(data$remembered)$input
}
