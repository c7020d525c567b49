# What the plan is for a module and an input, and why: for those who measure.

# A data frame of a row for the output and each gradient: the kernel by its name in the kernel
# tables (precision, tile of vectors by columns, instruction set), and the reason for it.
why <- function(module, input) {
  data <- module_data(module)
  plan <- module_plan_(data$geometry, input, data$weight)
  data.frame(result = c("output", "input", "weight"), kernel = plan$kernel, reason = plan$reason)
}
