# Expectations on errors and on what they leave behind.

# That `code` raises a fault of this kind in this argument, worded and built as every fault is.
# `label` says which call, and stands first in a failure's message.
expect_fault <- function(code, kind, argument, label = NULL) {
  fault <- catch_fault(code)
  problem <- fault_problem(fault, kind, argument)
  testthat::expect(is.null(problem), paste0(label, ": ", problem))
  invisible(fault)
}

catch_fault <- function(code) {
  tryCatch(
    {
      force(code)
      NULL
    },
    error = identity
  )
}

# NULL where the fault is as it should be.
fault_problem <- function(fault, kind, argument) {
  classes <- c(paste0("nnconv_", kind, "_error"), "nnconv_error", "rlang_error")
  message <- if (is.null(fault)) "no error" else conditionMessage(fault)
  if (!identical(class(fault)[1:3], classes)) {
    paste0("a ", kind, " error expected, but ", class(fault)[[1]], ": ", message)
  } else if (!startsWith(message, paste0("`", argument, "` must be "))) {
    paste0("`", argument, "` should be named first: ", message)
  } else if (!all(c(fault$argument, fault$must) %in% c(argument, fault$must))) {
    paste0("the fault's fields do not say what its message says: ", message)
  } else if (nchar(message, "bytes") > 2000) {
    paste("a message of", nchar(message, "bytes"), "bytes")
  }
}

# Everything of the session that a call might change.
session_state <- function() {
  list(
    seed = get0(".Random.seed", globalenv(), inherits = FALSE),
    options = options(),
    directory = getwd(),
    locale = Sys.getlocale()
  )
}

# Everything of a module that the user can see, and its remembered input.
module_state <- function(module) {
  fields <- setdiff(names(module), names(Filter(is.function, module_fields(module))))
  c(module_fields(module)[fields], list(input = remembered_input(environment(module))))
}

module_fields <- function(module) {
  lapply(stats::setNames(nm = names(module)), function(name) module[[name]])
}

deep_copy <- function(x) unserialize(serialize(x, NULL))
