# The stored cases beside PyTorch's results, as `N passed, N failed`: what the tests of values do,
# for an emulated processor, under which testthat and rlang's exit do not live.
# Usage: ... -f dev/trust/emulated.R --args ISA, the instruction set that has to be in use.

source("dev/trust/row.R")
source_test_helpers()

counter <- new_counter()
counter$check(identical(nnconv:::isa_(), commandArgs(TRUE)[[1]]), "other set")
is_close <- function(actual, expected, tolerance) {
  identical(dim(actual), dim(expected)) &&
    max(0, Mod(actual - expected)) <= tolerance * max(0, Mod(expected))
}
for (case in read_all_cases()) {
  operands <- case_operands(case)
  found <- results(case, operands)
  dim(found$bias) <- length(found$bias)
  names(found)[-1] <- paste0("grad_", names(found)[-1])
  for (part in intersect(names(found), names(case$expected))) {
    close <- is_close(found[[part]], case$expected[[part]], case_tolerance(case))
    counter$check(close, case$id, part)
  }
}
cat(sprintf("%d passed, %d failed\n", counter$tried() - counter$failed(), counter$failed()))
