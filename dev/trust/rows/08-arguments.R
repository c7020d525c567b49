# Bad arguments: each argument of each function, method and generic with each bad value. The error
# is of the right class, names the argument, and leaves session, module and arguments as they were.

source("dev/trust/row.R")
source("dev/trust/apart.R")
helpers <- source_test_helpers()
source("dev/trust/hostile-values.R")
options("rlang:::disable_trace_capture" = TRUE, nnconv.threads = 1, nnconv.algorithm = NULL)
grDevices::pdf(NULL)

# The hostile values get the rows of those that they are like.
values <- c(bad_values, lapply(hostile_values, `[[`, "value"))
helpers$expected[names(hostile_values), ] <- expected[vapply(hostile_values, `[[`, "", "like"), ]

# ---- calls with a bad value ----

# Options are read at each call, and refused like arguments.
option_target <- function(name, value) {
  call_with_option <- function(...) {
    old <- options(...)
    on.exit(options(old))
    nnf_conv1d(array(1, c(1, 1, 5)), array(1, c(1, 1, 3)))
  }
  good <- stats::setNames(list(value), name)
  target(paste0("options(", name, ")"), call_with_option, good,
    stats::setNames(c("count", "word")[1 + is.character(value)], name))
}

# Fields that cannot be assigned refuse everything, by value errors.
read_only_target <- function(module, field) {
  assign_field <- function(...) module[[field]] <- ..1
  target(paste0("$", field, "<-"), assign_field, stats::setNames(list(1), field),
    stats::setNames("read_only", field), module)
}

read_only_targets <- function(targets) {
  module <- nn_conv2d(2, 2, 3)
  assigned <- paste0("$", names(module), "<-") %in% vapply(targets, `[[`, "", "label")
  lapply(names(module)[!assigned], read_only_target, module = module)
}

# What is expected of a value: an exception for the argument, or for its kind, or what the table
# says.
class_of <- function(target, argument, value) {
  kind <- c(target$kinds, kinds)[[argument]]
  is_option <- startsWith(target$label, "options")
  if (kind == "read_only") return("v")
  if (is_option && value == "null") return(".")
  place <- if (is_option) target$label else sprintf("%s(%s)", target$label, argument)
  but <- hostile_values[[value]]$but[c(place, argument, kind)]
  if (all(is.na(but))) expected_class(target, argument, value) else but[!is.na(but)][[1]]
}

# Everything that a call might have changed, for the next one.
restore <- function(target, before, data) {
  options(before$options)
  if (is.null(target$module)) return()
  now <- environment(target$module)
  rm(list = setdiff(ls(now, all.names = TRUE), names(data)), envir = now)
  list2env(data, now)
}

# Of a value that may be taken: a result, or one of the package's errors that changes nothing; sizes
# that are allowed may be more than there is memory for.
free_problem <- function(target, argument, value) {
  arguments <- target$arguments
  arguments[argument] <- list(value)
  before <- target_state(target)
  fault <- catch_fault(call_target(target, arguments))
  if (is.null(fault)) return()
  is_memory <- grepl("cannot allocate|bad_alloc|memory", conditionMessage(fault))
  kind <- c(target$kinds, kinds)[[argument]]
  # What the caller's function raises is its own.
  if (!inherits(fault, "nnconv_error") && !is_memory && !kind %in% c("any", "call")) {
    return(paste("another error:", conditionMessage(fault)))
  }
  # Initialisation draws before memory is short.
  before$seed <- if (is_memory) target_state(target)$seed else before$seed
  if (!identical(target_state(target), before)) "changed"
}

call_of <- function(calls, i) as.list(calls[i, ])

try_call <- function(targets, call) {
  target <- targets[[call$target]]
  value <- values[[call$value]]
  before <- session_state()
  data <- if (!is.null(target$module)) as.list(environment(target$module))
  on.exit(restore(target, before, data))
  started <- proc.time()[[3]]
  problem <- if (call$class == ".") {
    free_problem(target, call$argument, value)
  } else {
    call_problem(target, call$argument, value, call$class)
  }
  if (proc.time()[[3]] - started > 5) problem <- c(problem, "slow")
  problem
}

# A number of samples that it would take years to compute.
is_endless <- function(target, argument, value) {
  kind <- c(target$kinds, kinds)[argument]
  kind == "n" & value %in% c("huge", "largest_integer", "largest_whole", "largest_double")
}

all_calls <- function(targets) {
  of_target <- lapply(seq_along(targets), function(i) {
    calls <- expand.grid(
      value = names(values), argument = setdiff(names(targets[[i]]$arguments), ""), target = i,
      stringsAsFactors = FALSE
    )
    calls <- calls[!is_endless(targets[[i]], calls$argument, calls$value), ]
    calls$class <- mapply(class_of, argument = calls$argument, value = calls$value,
      MoreArgs = list(target = targets[[i]]))
    calls
  })
  do.call(rbind, of_target)
}

# ---- calls without an argument, or with one that fails ----

# The arguments that have to be given: those without a default, of the method where the function is
# a generic. An assignment cannot be written without its value.
needed <- function(target) {
  if (endsWith(target$label, "<-")) return()
  method <- utils::getS3method(target_function(target), "nnconv_module", optional = TRUE)
  formals <- formals(if (is.null(method)) target$f else method)
  setdiff(intersect(names(target$arguments), names(Filter(is_empty_symbol, formals))), "...")
}

is_empty_symbol <- function(x) is.symbol(x) && !nzchar(as.character(x))

# R's own error does for the functional forms, whose arguments are read by the core at once.
missing_problem <- function(target, argument) {
  arguments <- target$arguments[names(target$arguments) != argument]
  before <- target_state(target)
  fault <- catch_fault(call_target(target, arguments))
  by_r <- sprintf("argument \"%s\" is missing, with no default", argument)
  if (!startsWith(target$label, "nnf_") || !identical(conditionMessage(fault), by_r)) {
    problem <- fault_problem(fault, "type", argument)
    if (!is.null(problem)) return(problem)
  }
  if (!identical(target_state(target), before)) "changed"
}

# The caller's own error comes out as it is.
promise_problem <- function(target, argument) {
  arguments <- lapply(target$arguments, function(value) call("quote", value))
  arguments[[argument]] <- quote(stop(errorCondition("the caller's own", class = "own")))
  before <- target_state(target)
  fault <- catch_fault(eval(as.call(c(target$f, arguments))))
  if (!inherits(fault, "own")) return("the caller's error was lost")
  if (!identical(target_state(target), before)) "changed"
}

targets_with <- function(targets, arguments_of) {
  pairs <- lapply(targets, function(target) {
    lapply(arguments_of(target), function(argument) list(target = target, argument = argument))
  })
  unlist(pairs, FALSE)
}

label_of <- function(pair, what) sprintf("%s(%s %s)", pair$target$label, pair$argument, what)

report_pairs <- function(part, pairs, problem_of) {
  counter <- new_counter()
  for (pair in pairs) {
    problem <- problem_of(pair$target, pair$argument)
    counter$check(is.null(problem), label_of(pair, part), problem)
  }
  counter$report(part)
}

# ---- the row ----

set.seed(1)
targets <- c(all_targets(), list(
  option_target("nnconv.threads", 1), option_target("nnconv.algorithm", "auto")
))
missing_entries <- uncovered(targets)
for (entry in missing_entries) cat("no entry for", entry, "\n")
report("arguments without an entry", 1, length(missing_entries))

targets <- c(targets, read_only_targets(targets))
calls <- all_calls(targets)
# What is a path may be written to. (Not R's own folder of temporary files, which goes with a child
# that crashes.)
dir.create("build/trust/files", recursive = TRUE, showWarnings = FALSE)
setwd("build/trust/files")
if (!is_full) calls <- calls[sort(sample(nrow(calls), 3000)), ]
problems <- try_apart(nrow(calls), function(i, note) try_call(targets, call_of(calls, i)))
for (i in utils::head(which(!is.na(problems)), 100)) {
  call <- call_of(calls, i)
  label <- targets[[call$target]]$label
  cat(sprintf("FAILED: %s(%s = <%s>): %s\n", label, call$argument, call$value, problems[[i]]))
}
report("bad values", nrow(calls), sum(!is.na(problems)), sprintf(
  "%d calls with %d values, %d crashes", nrow(calls), length(values),
  sum(grepl("^(crashed|hung)", problems))
))

report_pairs("missing", targets_with(targets, needed), missing_problem)
report_pairs("that fails", targets_with(targets, function(target) {
  setdiff(names(target$arguments), c("", "exact"))
}), promise_problem)
