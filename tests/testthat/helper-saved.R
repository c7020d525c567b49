# Modules as versions of the package saved them (dev/save-modules.R): fixtures/modules-VERSION.rds
# holds a list of modules, each with its text, an input, and what was computed with it. The numbers
# are integers, so that every machine has the same bits.

saved_versions <- function(folder) {
  paths <- list.files(folder, "^modules-.*[.]rds$", full.names = TRUE)
  stats::setNames(lapply(paths, readRDS), basename(paths))
}

# A module with what it computes from an input and a gradient of its output; the gradients are added
# up twice.
saved_module <- function(module, input, grad_output) {
  twice <- module$clone()
  list(
    module = module, text = format(module), parameters = module$parameters, grad = module$grad,
    input = input, grad_output = grad_output, output = stats::predict(module, input),
    grad_input = twice$backward(grad_output, input), grads = twice$grad
  )
}

# Whether the module is still what it was, and computes the same bits.
is_as_saved <- function(saved) {
  now <- saved_module(saved$module, saved$input, saved$grad_output)
  parts <- setdiff(names(saved), "module")
  all(mapply(same_bits, now[parts], saved[parts]))
}
