# What the methods of a module do. Each checks and computes everything before it changes anything.

no_gradients <- list(weight = NULL, bias = NULL)

# ---- parameters ----

module_parameters <- function(module) {
  data <- module_data(module)
  parameters <- list(weight = data$weight, bias = data$bias)
  parameters[lengths(parameters) > 0L]
}

parameter_dim <- function(data, name) {
  switch(name,
    weight = dim(data$weight),
    bias = data$out_channels
  )
}

remove_bias <- function(data) {
  data$grad <- list(weight = data$grad$weight, bias = NULL)
  data$bias <- NULL
}

module_reset_parameters <- function(module) {
  data <- module_data(module)
  list2env(draw_parameters(dim(data$weight), length(data$bias), data$dtype), data)
  invisible(module)
}

module_state_dict <- function(module, prefix) {
  check_string(prefix, "prefix")
  parameters <- module_parameters(module)
  names(parameters) <- paste0(prefix, names(parameters))
  parameters
}

module_load_state_dict <- function(module, state, strict, prefix) {
  if (missing(state)) {
    raise_missing("state")
  }
  check_named_list(state, "state")
  check_flag(strict, "strict")
  check_string(prefix, "prefix")
  data <- module_data(module)
  found <- rlang::names2(state)
  keys <- names(module_state_dict(module, prefix))
  if (strict) {
    check_keys(found, keys, prefix)
  }
  keys <- intersect(keys, found)
  names <- substring(keys, nchar(prefix) + 1L)
  values <- Map(
    function(key, name) {
      check_parameter_(state[[key]], paste0("state$", key), parameter_dim(data, name))
    },
    keys, names
  )
  list2env(stats::setNames(values, names), data)
  invisible(module)
}

# Under a prefix the other entries of `state` belong to other modules.
check_keys <- function(all, expected, prefix) {
  found <- all[startsWith(all, prefix)]
  if (!setequal(found, expected)) {
    raise_fault(
      "value", "state", paste("a list with the names", enumerate(expected)),
      if (length(found)) paste("one with the names", enumerate(found)) else "one without them",
      hint_of_keys(all)
    )
  }
}

hint_of_keys <- function(names) {
  layers <- sub("weight$", "", grep("\\.weight$", names, value = TRUE))
  if (length(layers)) {
    layers <- encodeString(utils::head(layers, 10L), quote = "\"")
    paste("The argument `prefix` names a layer of a larger model; here are", enumerate(layers))
  } else {
    "With `strict = FALSE` missing names are left as they are and others are ignored."
  }
}

# ---- training ----

module_train <- function(module, mode) {
  check_flag(mode, "mode")
  data <- module_data(module)
  data$training <- mode
  if (!mode) {
    forget_input(data)
  }
  invisible(module)
}

module_backward <- function(module, grad_output, input, needs) {
  # It may be made by a forward of this module, which remembers its input.
  if (missing(grad_output)) {
    raise_missing("grad_output")
  }
  force(grad_output)
  data <- module_data(module)
  if (is.null(input)) {
    input <- last_input(data)
  }
  gradients <- .Call(
    `_nnconv_module_backward_`, data$geometry, grad_output, input, data$weight, data$bias, needs
  )
  data$grad <- list(
    weight = accumulate(data$grad$weight, gradients$weight),
    bias = accumulate(data$grad$bias, gradients$bias)
  )
  gradients$input
}

last_input <- function(data) {
  input <- remembered_input(data)
  if (is.null(input)) {
    raise_fault(
      "value", "input", "given where no forward is remembered", "NULL",
      paste(
        "Call the module in training mode first. What it remembers is dropped by `m$zero_grad()`,",
        "`m$eval()`, cloning and loading."
      )
    )
  }
  input
}

accumulate <- function(sum, term) {
  if (is.null(sum)) {
    term
  } else if (is.null(term)) {
    sum
  } else {
    sum + term
  }
}

module_zero_grad <- function(module) {
  data <- module_data(module)
  data$grad <- no_gradients
  forget_input(data)
  invisible(module)
}

# ---- copies ----

# `deep` is torch's: R's arrays are values, so a shallow clone would be no different.
module_clone <- function(module, deep) {
  check_flag(deep, "deep")
  values <- as.list(module_data(module))
  data <- list2env(values, parent = topenv())
  data$remembered <- new_memory(data)
  environment(module) <- data
  module
}
