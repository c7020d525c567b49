# Side effects: everything of the session that a call might change, before and after each function,
# method and generic, for calls that succeed and calls that are refused, under several
# floating-point modes of the caller. Only what is documented may change.

source("dev/trust/row.R")
source_test_helpers()
suppressWarnings(requireNamespace("safetensors", quietly = TRUE))
options("rlang:::disable_trace_capture" = TRUE)
grDevices::pdf(NULL)

# ---- floating-point modes ----

build <- "build/trust"
dir.create(build, recursive = TRUE, showWarnings = FALSE)
library_path <- file.path(build, paste0("control_words", .Platform$dynlib.ext))
status <- system2(
  file.path(R.home("bin"), "R"), c("CMD SHLIB", "-o", library_path, "dev/trust/control_words.c"),
  env = c("PKG_CFLAGS=-fopenmp", "PKG_LIBS=-fopenmp"), stdout = FALSE
)
unlink("dev/trust/control_words.o")
if (status != 0) stop("control_words.c does not compile")
control_words_c <- dyn.load(library_path)$control_words

# Of this thread and of another that this process keeps.
control_words <- function(set = NULL) .Call(control_words_c, set)

modes <- if (R.version$arch == "x86_64") {
  list(
    standard = c(0x1F80L, 0x037FL),
    "subnormal numbers are flushed" = c(0x9FC0L, 0x037FL),
    "rounds towards 0" = c(0x7F80L, 0x0F7FL),
    "rounds up" = c(0x5F80L, 0x0B7FL)
  )
} else {
  list(standard = c(0L, 0L), "subnormal numbers are flushed" = c(2^24L, 0L))
}

# ---- the state of a session ----

# Settings of the user's that no function would make, nor leave by chance.
own_settings <- function() {
  graphics::par(mar = c(1, 2, 3, 4), las = 2, cex = 0.7)
  options(digits = 6, warn = 1, nnconv.threads = 2, nnconv.algorithm = NULL)
}

# What plotting a page sets is no setting of the user's.
graphics_state <- function() {
  set_by_a_page <- c("usr", "xaxp", "yaxp", "page")
  par <- graphics::par(no.readonly = TRUE)
  list(grDevices::dev.list(), grDevices::dev.cur(), par[setdiff(names(par), set_by_a_page)])
}

process_state <- function() {
  lines <- readLines("/proc/self/status")
  grep("^(SigIgn|SigCgt|SigBlk|Umask|Cpus_allowed)", lines, value = TRUE)
}

full_state <- function(module) {
  state <- c(session_state(), list(
    control_words = control_words(),
    generator = RNGkind(),
    environment = Sys.getenv(),
    search = search(),
    globals = ls(globalenv(), all.names = TRUE),
    connections = getAllConnections(),
    files = c(list.files(all.files = TRUE), list.files(tempdir(), all.files = TRUE)),
    open_files = length(list.files("/proc/self/fd")),
    sinks = c(sink.number(), sink.number("message")),
    graphics = graphics_state(),
    process = process_state(),
    umask = Sys.umask()
  ))
  c(state, if (!is.null(module)) list(module = deep_copy(module_state(module))))
}

# ---- what may change ----

# The number of draws of a call that initialises, each as runif() takes it.
draws <- function(target) {
  if (target$label == "$reset_parameters") return(length(unlist(target$module$parameters)))
  if (grepl("^nn_", target$label)) {
    m <- call_target(target, target$arguments)
    return(length(unlist(m$parameters)))
  }
  0
}

# The parts of the state that a call of this label changes, as its help page says.
documented <- list(
  conv_write_safetensors = "files",
  conv_set_num_threads = "options", conv_set_algorithm = "options",
  "[[<-" = "module", "$weight<-" = "module", "$bias<-" = "module", "$train" = "module",
  "$eval" = "module", "$zero_grad" = "module", "$load_state_dict" = "module",
  "$reset_parameters" = "module", "$backward" = "module", "$forward" = "module"
)

expected_state <- function(state, target, succeeds) {
  n <- if (succeeds) draws(target) else 0
  if (n > 0) {
    assign(".Random.seed", state$seed, globalenv())
    stats::runif(n)
    state$seed <- .Random.seed
  }
  state
}

# ---- the calls ----

# Those without arguments of their own have no entry in the table of bad values.
bare_targets <- function() {
  m <- nn_conv2d(2, 2, 3)
  methods <- Filter(is.function, module_fields(m))
  methods <- methods[lengths(lapply(methods, formals)) == 0]
  s3 <- getNamespaceInfo("nnconv", "S3methods")
  generics <- setdiff(names(Filter(Negate(length), generic_formals())), "names")
  # autoplot() is ggplot2's, and no generic without it.
  generics <- Filter(exists, generics)
  exports <- names(Filter(Negate(length), exported_formals()))
  c(
    Map(
      function(f, name) target(paste0("$", name), f, list(), module = m), methods, names(methods)
    ),
    lapply(generics, function(name) target(name, get(name), list(m), module = m)),
    lapply(exports, function(name) target(name, get(name, asNamespace("nnconv")), list()))
  )
}

# Calls that are large enough for threads, windows and transforms.
large_targets <- function() {
  x <- array(stats::rnorm(4 * 32 * 40 * 40), c(4, 32, 40, 40))
  w <- array(stats::rnorm(32 * 32 * 9), c(32, 32, 3, 3))
  image <- array(stats::rnorm(2 * 300 * 300), c(2, 1, 300, 300))
  long <- array(stats::rnorm(41 * 41), c(1, 1, 41, 41))
  with_algorithm <- function(name, f) {
    function(...) {
      old <- options(nnconv.algorithm = name)
      on.exit(options(old))
      f(...)
    }
  }
  c(
    lapply(c("auto", "direct", "fast"), function(name) {
      target(paste("large", name), with_algorithm(name, nnf_conv2d), list(x, w, padding = 1))
    }),
    list(
      target("large float32", nnf_conv2d, list(x, w, dtype = "float32")),
      target("large transform", with_algorithm("fast", nnf_conv2d), list(image, long)),
      target("large transposed", nnf_conv_transpose2d, list(x, w, stride = 2)),
      target("large backward", nnf_conv2d_backward, list(x, x, w, padding = 1)),
      target("large pad", nnf_pad, list(image, c(9, 9), "reflect"))
    )
  )
}

# The parts of the state, and the arguments, that a call changed; and whether it said anything.
changed <- function(target, arguments, succeeds) {
  given <- serialize(arguments, NULL)
  said <- character()
  own_settings()
  before <- full_state(target$module)
  output <- utils::capture.output(outcome <- withCallingHandlers(
    tryCatch(call_target(target, arguments), error = identity),
    warning = function(w) said <<- c(said, conditionMessage(w)),
    message = function(m) said <<- c(said, conditionMessage(m))
  ))
  after <- full_state(target$module)
  before <- expected_state(before, target, succeeds)
  assign(".Random.seed", after$seed, globalenv())
  parts <- names(before)[!mapply(is_same, before, after[names(before)], names(before))]
  # conv_set_*() set options, and methods change their module; nothing else does.
  free <- if (succeeds) documented[[target_function(target)]]
  c(
    setdiff(parts, free),
    if (succeeds && "options" %in% free) setdiff(option_changes(before, after), own_options),
    if (!same_arguments(arguments, given, target)) "arguments",
    if (inherits(outcome, "error") == succeeds) "the outcome",
    if (length(said)) paste("said", said),
    if (length(output) && target_function(target) != "print") "printed"
  )
}

# R computes margins in lines and in inches from each other, as the mode rounds.
is_same <- function(before, after, part) {
  if (part == "graphics") isTRUE(all.equal(before, after)) else identical(before, after)
}

own_options <- c("nnconv.threads", "nnconv.algorithm")

option_changes <- function(before, after) {
  names <- union(names(before$options), names(after$options))
  names[!mapply(identical, before$options[names], after$options[names])]
}

# A module among the arguments is one's own, and its state is looked at apart.
same_arguments <- function(arguments, given, target) {
  if (is.null(target$module)) return(same_values(arguments, given))
  plain <- function(values) Filter(Negate(is.function), values)
  identical(plain(arguments), plain(unserialize(given)), ignore.environment = TRUE)
}

bad_call <- function(target) {
  calls <- bad_calls(target)
  calls <- calls[calls$class != ".", ]
  if (nrow(calls) == 0) return()
  call <- calls[sample(nrow(calls), 1), ]
  arguments <- target$arguments
  arguments[call$argument] <- list(bad_values[[call$value]])
  arguments
}

# ---- the row ----

seed <- as.integer(Sys.getenv("NNCONV_TRUST_SEED", "1"))
cat("seed", seed, "\n")
set.seed(seed)
targets <- all_targets()
missing_entries <- uncovered(targets)
for (entry in missing_entries) cat("no entry for", entry, "\n")
report("arguments without an entry", 1, length(missing_entries))
targets <- c(targets, bare_targets(), large_targets())

good <- new_counter()
refused <- new_counter()
for (mode in names(modes)) {
  control_words(modes[[mode]])
  for (target in targets) {
    is_large <- startsWith(target$label, "large")
    generators <- if (is_large) "default" else how_many(c("default", "Wichmann-Hill"), "default")
    for (generator in generators) {
      RNGkind(generator)
      set.seed(1)
      problems <- changed(target, target$arguments, TRUE)
      good$check(length(problems) == 0, target$label, mode, toString(problems))
      control_words(modes[[mode]])
    }
    if (is_large) next
    for (i in seq_len(how_many(10, 1))) {
      arguments <- bad_call(target)
      if (is.null(arguments)) break
      problems <- changed(target, arguments, FALSE)
      refused$check(length(problems) == 0, target$label, mode, toString(problems))
    }
  }
}
invisible(control_words(modes$standard))
good$report("calls that succeed", paste(length(modes), "floating-point modes"))
refused$report("calls that are refused")
