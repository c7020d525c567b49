# Every function once, each kind of call that computes, and each argument with values that it must
# refuse, on two threads; closes with `N passed, N failed`. For sessions in which every access to
# memory is watched, and what is lost at the end.

source("dev/trust/row.R")
source("dev/trust/calls.R")
options("rlang:::disable_trace_capture" = TRUE, nnconv.threads = 2)
grDevices::pdf(NULL)

counter <- new_counter()

compute <- function(kind) {
  call <- new_call(kind)
  call$prepare()
  call$run()
}
for (kind in kinds) {
  fault <- catch_fault(compute(kind))
  counter$check(is.null(fault), kind$name, conditionMessage(fault))
}

refused <- c("minus", "half", "empty", "list")
for (target in all_targets()) {
  fault <- catch_fault(call_target(target, target$arguments))
  counter$check(is.null(fault), target$label, conditionMessage(fault))
  for (argument in setdiff(names(target$arguments), "")) for (value in refused) {
    class <- expected_class(target, argument, value)
    problem <- if (class != ".") call_problem(target, argument, bad_values[[value]], class)
    counter$check(is.null(problem), target$label, argument, value, problem)
  }
}
cat(sprintf("%d passed, %d failed\n", counter$tried() - counter$failed(), counter$failed()))
