# Saving and loading: every way there and back gives the same bits, those of earlier versions too;
# state lists that do not fit give an error and change nothing; and of a file that was damaged a
# module that loads gives an error or a result, never the end of the session.

source("dev/trust/row.R")
source("dev/trust/apart.R")
source_test_helpers()
options("rlang:::disable_trace_capture" = TRUE, nnconv.threads = 2)
seed <- as.integer(Sys.getenv("NNCONV_TRUST_SEED", "1"))
cat("seed", seed, "\n")
set.seed(seed)

random_saved <- function(data = "normal") {
  case <- random_case(pick(layers))
  x <- random_operands(case, data)
  module <- case_module(case, x)
  if (stats::runif(1) < 0.5) module$backward(x$grad_output, x$input)
  module(x$input)
  if (stats::runif(1) < 0.2) module$eval()
  saved_module(module, x$input, x$grad_output)
}

# ---- there and back ----

through_file <- function(write, read = readRDS) {
  function(x) {
    path <- tempfile()
    on.exit(unlink(path))
    write(x, path)
    read(path)
  }
}

load_only <- function(path) {
  holder <- new.env()
  get(load(path, holder), holder)
}

ways <- c(
  unlist(lapply(c("FALSE", "gzip", "bzip2", "xz"), function(compress) {
    if (compress == "FALSE") compress <- FALSE
    lapply(2:3, function(version) {
      through_file(function(x, path) saveRDS(x, path, version = version, compress = compress))
    })
  })),
  through_file(function(x, path) saveRDS(x, path, ascii = NA)),
  through_file(function(x, path) save(x, file = path), load_only),
  unlist(lapply(2:3, function(version) {
    list(
      function(x) unserialize(serialize(x, NULL, version = version)),
      function(x) unserialize(serialize(x, NULL, xdr = FALSE, version = version))
    )
  }))
)

# R writes 16 digits here, which is enough for integers alone.
ways_in_digits <- list(
  through_file(function(x, path) saveRDS(x, path, ascii = TRUE)),
  through_file(function(x, path) save(x, file = path, ascii = TRUE), load_only),
  function(x) unserialize(serialize(x, NULL, ascii = TRUE))
)

try_ways <- function(part, all_saved, ways) {
  counter <- new_counter()
  for (saved in all_saved) for (way in ways) {
    copy <- way(saved)
    ok <- is_as_saved(copy) && identical(copy$module$training, saved$module$training)
    # The copy is one's own.
    copy$module$weight <- 0 * copy$module$weight
    counter$check(ok && is_as_saved(saved), saved$text, deparse(body(way)))
  }
  counter$report(part)
}

# A worker, a forked process, and a session that has not loaded the package.
try_elsewhere <- function(all_saved) {
  counter <- new_counter()
  check <- function(copies, where) {
    for (i in seq_along(all_saved)) {
      counter$check(is_as_saved(copies[[i]]), all_saved[[i]]$text, where)
    }
  }
  compute <- function(saved) {
    again <- saved$module$clone()
    saved$output <- again(saved$input)
    saved$grad_input <- again$backward(saved$grad_output, saved$input)
    saved$grads <- again$grad
    saved
  }
  environment(compute) <- globalenv()
  cluster <- parallel::makePSOCKcluster(2)
  parallel::clusterCall(cluster, .libPaths, .libPaths())
  check(parallel::parLapply(cluster, all_saved, compute), "in a worker")
  parallel::stopCluster(cluster)
  check(parallel::mclapply(all_saved, compute, mc.cores = 2), "in a forked process")
  check(in_new_session(all_saved, compute), "in a session without library(nnconv)")
  counter$report("in other processes")
}

in_new_session <- function(x, f) {
  from <- tempfile()
  to <- tempfile()
  on.exit(unlink(c(from, to)))
  saveRDS(x, from)
  run_session(bquote({
    compute <- .(f)
    saveRDS(lapply(readRDS(.(from)), compute), .(to))
  }))
  readRDS(to)
}

try_versions <- function() {
  counter <- new_counter()
  versions <- saved_versions("tests/testthat/fixtures")
  for (name in names(versions)) for (saved in versions[[name]]) {
    counter$check(is_as_saved(saved), saved$text, name)
  }
  counter$report("modules of releases", toString(names(versions)))
}

# ---- state lists ----

array_damages <- list(
  transposed = function(x) aperm(x),
  no_dim = function(x) as.vector(x),
  more_dims = function(x) array(x, c(dim(x), 1)),
  longer = function(x) array(x, dim(x) + c(1, 0 * dim(x)[-1])),
  shorter = function(x) array(x[-1], length(x) - 1),
  empty = function(x) array(0, 0 * dim(x)),
  strings = function(x) array(as.character(x), dim(x)),
  list = function(x) array(as.list(x), dim(x)),
  raw = function(x) array(as.raw(1), dim(x)),
  logical = function(x) array(Re(x) > 0, dim(x)),
  integer = function(x) array(as.integer(Re(x)), dim(x)),
  complex = function(x) x + 1i,
  missing = function(x) replace(x, 1, NA),
  infinite = function(x) replace(x, length(x), -Inf),
  dimnames = function(x) array(x, dim(x), lapply(dim(x), function(n) as.character(seq_len(n)))),
  classed = function(x) structure(x, class = "mine"),
  factor = function(x) structure(array(1L, dim(x)), class = "factor", levels = "a"),
  date = function(x) structure(x, class = "Date"),
  data_frame = function(x) data.frame(x = as.vector(x)),
  null = function(x) NULL,
  nested = function(x) list(x),
  fn = function(x) mean,
  environment = function(x) globalenv(),
  note = function(x) structure(x, note = "of mine")
)

list_damages <- list(
  value = function(state) change_one(state, function(x) pick(array_damages)[[1]](as_array(x))),
  value_again = function(state) {
    change_one(state, function(x) pick(array_damages)[[1]](as_array(x)))
  },
  renamed = function(state) rename_one(state, pick(c("Weight", "weigh", "weight.", "w", "", NA))),
  duplicated = function(state) c(state, state[pick(seq_along(state))]),
  same_names = function(state) stats::setNames(state, rep(names(state)[1], length(state))),
  no_names = function(state) unname(state),
  missing = function(state) state[-pick(seq_along(state))],
  more = function(state) c(state, list(other = 1)),
  reversed = function(state) rev(state),
  prefixed = function(state) stats::setNames(state, paste0("conv.", names(state))),
  nested = function(state) list(state),
  named_nested = function(state) list(weight = state),
  a_vector = function(state) unlist(state),
  an_environment = function(state) new.env(),
  a_data_frame = function(state) as.data.frame(lapply(state, as.vector)[1]),
  a_pairlist = function(state) as.pairlist(state),
  classed = function(state) structure(as.list(state), class = "mine"),
  note = function(state) structure(as.list(state), note = "of mine"),
  nothing = function(state) NULL,
  empty = function(state) list()
)

as_array <- function(x) if (is.null(dim(x))) array(x, length(x)) else x

change_one <- function(state, change) {
  i <- pick(seq_along(state))
  state[i] <- list(change(state[[i]]))
  state
}

rename_one <- function(state, name) {
  names(state)[pick(seq_along(state))] <- name
  state
}

# Whether the value is one that the parameter takes, as the help page says.
fits_parameter <- function(value, old) {
  other <- c("factor", "Date", "POSIXct", "difftime", "integer64")
  is_kind <- (is.numeric(unclass(value)) || is.logical(value) || is.complex(value)) &&
    !inherits(value, other) && !isS4(value)
  if (!is_kind) return(FALSE)
  if (!is.null(dim(old))) return(identical(dim(value), dim(old)))
  is_flag <- is.logical(value) && !identical(value, NA)
  !is_flag && length(dim(value)) <= 1 && length(value) == length(old)
}

fits_state <- function(state, parameters, strict, prefix) {
  names <- names(state)
  is_named <- length(state) == 0 || !is.null(names) && !anyNA(names) && all(nzchar(names)) &&
    !anyDuplicated(names)
  if (!is.list(state) || is.object(state) || !is_named) return(FALSE)
  keys <- paste0(prefix, names(parameters))
  if (strict && !setequal(names[startsWith(as.character(names), prefix)], keys)) return(FALSE)
  given <- keys %in% names
  all(mapply(fits_parameter, state[keys[given]], parameters[given]))
}

# What a parameter is then: plain numbers.
plain <- function(value, old) {
  numbers <- if (is.complex(value)) as.vector(value) else as.double(value)
  if (is.null(dim(old))) numbers else array(numbers, dim(old))
}

loaded_parameters <- function(state, parameters, prefix) {
  for (name in names(parameters)) {
    key <- paste0(prefix, name)
    if (key %in% names(state)) parameters[[name]] <- plain(state[[key]], parameters[[name]])
  }
  parameters
}

# NULL, or what is wrong after `act()`: where it has to be refused an error of the package and the
# module as it was, else the expected parameters.
outcome_problem <- function(module, act, fits, expected) {
  before <- deep_copy(module_state(module))
  fault <- catch_fault(act())
  if (fits) {
    if (!is.null(fault)) return(paste("refused:", conditionMessage(fault)))
    if (!identical(module$parameters, expected)) return("other parameters")
    return()
  }
  if (is.null(fault)) return("taken")
  if (!inherits(fault, "nnconv_error")) return(paste("another error:", conditionMessage(fault)))
  if (!identical(module_state(module), before)) return("the module was changed")
}

# Of other numbers than the module's, so that it shows which of them were taken.
damaged_state <- function(module, prefix) {
  state <- lapply(module$state_dict(prefix), function(x) 1 - x)
  for (i in seq_len(pick(1:3))) {
    name <- pick(names(list_damages))
    # A damage may need what an earlier one took away.
    state <- tryCatch(list_damages[[name]](state), error = function(e) state)
  }
  state
}

module_to_load <- function(saved) {
  module <- saved$module$clone()
  module$backward(saved$grad_output, saved$input)
  module(saved$input)
  module
}

try_states <- function(n) {
  counter <- new_counter()
  refused <- 0
  for (i in seq_len(n)) {
    saved <- random_saved()
    module <- module_to_load(saved)
    strict <- pick(c(TRUE, FALSE))
    prefix <- pick(c("", "", "conv.", "[a-z]+."))
    state <- damaged_state(module, prefix)
    fits <- fits_state(state, module$parameters, strict, prefix)
    expected <- if (fits) loaded_parameters(state, module$parameters, prefix)
    refused <- refused + !fits
    problem <- outcome_problem(
      module, function() module$load_state_dict(state, strict, prefix), fits, expected
    )
    counter$check(is.null(problem), problem, saved$text, "prefix", prefix, "strict", strict,
      paste(deparse(state), collapse = ""))
  }
  counter$report("damaged states", paste(refused, "refused"))
}

try_assignments <- function(n) {
  counter <- new_counter()
  for (i in seq_len(n)) {
    saved <- random_saved()
    module <- module_to_load(saved)
    name <- pick(names(module$parameters))
    old <- module[[name]]
    damage <- pick(names(array_damages))
    value <- array_damages[[damage]](as_array(old))
    fits <- fits_parameter(value, old) || name == "bias" && is.null(value)
    expected <- module$parameters
    if (fits) expected[[name]] <- if (!is.null(value)) plain(value, old)
    problem <- outcome_problem(module, function() module[[name]] <- value, fits, expected)
    counter$check(is.null(problem), problem, saved$text, name, damage)
  }
  counter$report("damaged values assigned")
}

# ---- damaged files ----

# A serialised module, whose weight has this dim, with its end cut off, or with a dim that its
# numbers do not fill, or with some bytes changed.
damage <- function(bytes, dim) {
  how <- stats::runif(1)
  if (how < 0.05) return(bytes[seq_len(sample(length(bytes), 1))])
  if (how < 0.15) return(damage_dim(bytes, dim))
  for (at in sample(length(bytes), pick(c(1, 1, 1, 2, 5)))) {
    bytes[at] <- if (stats::runif(1) < 0.5) {
      xor(bytes[at], as.raw(2^pick(0:7)))
    } else {
      as.raw(pick(0:255))
    }
  }
  bytes
}

damage_dim <- function(bytes, dim) {
  as_bytes <- function(x) writeBin(as.integer(x), raw(), endian = "big")
  at <- grepRaw(as_bytes(dim), bytes, fixed = TRUE)
  dim[pick(seq_along(dim))] <- pick(c(0, 1, 2^(10:30)))
  bytes[at - 1 + seq_along(as_bytes(dim))] <- as_bytes(dim)
  bytes
}

# All that one does with a module.
uses <- list(
  function(m, saved) m(saved$input),
  function(m, saved) m$backward(saved$grad_output, saved$input),
  function(m, saved) m$backward(saved$grad_output),
  function(m, saved) stats::predict(m, saved$input),
  function(m, saved) lapply(names(m), function(name) m[[name]]),
  function(m, saved) utils::capture.output(print(m), print(summary(m))),
  function(m, saved) plot(m),
  function(m, saved) m$load_state_dict(m$state_dict()),
  function(m, saved) m$load_state_dict(saved$parameters),
  function(m, saved) m$weight <- saved$parameters$weight,
  function(m, saved) m$clone()(saved$input),
  function(m, saved) m$reset_parameters(),
  function(m, saved) m$zero_grad(),
  function(m, saved) m(saved$input),
  function(m, saved) serialize(m, NULL)
)

try_quietly <- function(code, seconds = 5) {
  setTimeLimit(elapsed = seconds, transient = TRUE)
  on.exit(setTimeLimit())
  tryCatch(suppressMessages(suppressWarnings(force(code))), error = identity)
}

use_module <- function(m, saved) {
  for (use in uses) try_quietly(use(m, saved))
}

# What R alone makes of the object: where that ends the session the fault is R's, which checks
# little of what it reads.
walk <- function(m, saved) {
  gc()
  try_quietly(serialize(m, NULL))
  data <- environment(m)
  try_quietly(as.list(data))
  for (name in ls(data, all.names = TRUE)) try_quietly(walk_value(data[[name]]))
}

walk_value <- function(value) {
  utils::capture.output(utils::str(value), print(utils::object.size(value)))
  if (is.numeric(value)) value + 0 * value
  identical(value, value)
}

# Whether it is a module, with its code as it was: R does not survive every call of a function whose
# arguments or body were damaged.
is_module <- function(m, original) {
  inherits(m, "nnconv_module") && is.function(m) &&
    identical(formals(m), formals(original)) && identical(body(m), body(original))
}

# Loads files and does something with those that are modules.
with_files <- function(files, what) {
  try_apart(length(files), function(i, note) {
    note("while loading")
    m <- try_quietly(unserialize(files[[i]]$bytes))
    if (inherits(m, "error")) return("did not load")
    if (!is_module(m, files[[i]]$saved$module)) return("no module")
    note("in use")
    what(m, files[[i]]$saved)
    NULL
  })
}

ended_in_use <- function(outcomes) grepl("^(crashed|hung) in use", outcomes)

# Whether it is the package that a file brings down: in a session that no other file has damaged,
# and not where R alone does not survive it.
is_ours <- function(file) {
  ended_in_use(with_files(list(file), use_module)) && !ended_in_use(with_files(list(file), walk))
}

try_files <- function(n) {
  grDevices::pdf(NULL)
  files <- lapply(seq_len(n), function(i) {
    saved <- random_saved()
    bytes <- serialize(saved$module, NULL, version = pick(2:3))
    list(saved = saved, bytes = damage(bytes, dim(saved$module$weight)))
  })
  outcomes <- with_files(files, use_module)
  in_use <- which(ended_in_use(outcomes))
  ours <- in_use[vapply(files[in_use], is_ours, NA)]
  for (i in utils::head(ours, 20)) {
    path <- sprintf("build/trust/damaged-%d.rds", i)
    saveRDS(files[[i]], path)
    cat("FAILED:", outcomes[i], files[[i]]$saved$text, "see", path, "\n")
  }
  by_r <- sum(grepl("^(crashed|hung)", outcomes)) - length(ours)
  report("damaged files", n, length(ours), sprintf(
    "of %d files %d loaded as modules, and R alone does not survive %d", n,
    sum(is.na(outcomes)) + length(in_use), by_r
  ))
}

# ---- the row ----

some_saved <- function(data = "normal") {
  lapply(seq_len(how_many(100, 10)), function(i) random_saved(data))
}
try_ways("ways there and back", some_saved(), ways)
try_ways("ways in digits", some_saved("integer"), ways_in_digits)
try_elsewhere(some_saved())
try_versions()
try_states(how_many(2000, 300))
try_assignments(how_many(1000, 100))
try_files(how_many(3000, 200))
