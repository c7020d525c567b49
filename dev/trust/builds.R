# Other builds of the package, and suites of tests in processes of their own.

# Builds the package anew in a library of its own under the folder `work`, with these lines of a
# Makevars file; `sources` are files to take in place of those that their names say.
build_package <- function(name, makevars, arguments = character(), sources = character()) {
  copy <- file.path(work, name, "nnconv")
  library <- file.path(work, name, "lib")
  unlink(copy, recursive = TRUE)
  dir.create(library, recursive = TRUE, showWarnings = FALSE)
  dir.create(copy)
  parts <- c("DESCRIPTION", "NAMESPACE", "LICENSE", "R", "src", "man", "inst")
  file.copy(parts, copy, recursive = TRUE)
  file.copy(sources, file.path(copy, names(sources)), overwrite = TRUE)
  settings <- normalizePath(file.path(work, name, "Makevars"), mustWork = FALSE)
  writeLines(makevars, settings)
  said <- suppressWarnings(system2("env", c(
    paste0("R_MAKEVARS_USER=", settings), "MAKEFLAGS=-j2", file.path(R.home("bin"), "R"),
    "CMD", "INSTALL", "--preclean", arguments, paste0("--library=", library), copy
  ), stdout = TRUE, stderr = TRUE))
  if (!is.null(attr(said, "status"))) {
    writeLines(utils::tail(said, 30))
    report(paste(name, "does not build"), 1, 1)
    return(NULL)
  }
  library
}

# Runs what prints at its end a line `N passed, N failed`, and reports it; an exit status that
# this does not explain, other than `exit`, is a failure too.
run_suite <- function(part, env, command, exit = 0) {
  said <- suppressWarnings(system2("env", c(env, command), stdout = TRUE, stderr = TRUE))
  counts <- utils::tail(grep("^[0-9]+ passed, [0-9]+ failed", said, value = TRUE), 1)
  if (!length(counts)) {
    writeLines(utils::tail(said, 30))
    return(report(paste(part, "did not come to its end"), 1, 1))
  }
  numbers <- as.numeric(regmatches(counts, gregexpr("[0-9]+", counts))[[1]])
  status <- attr(said, "status")
  if (identical(status, as.integer(exit))) status <- NULL
  if (!is.null(status)) writeLines(utils::tail(said, 100))
  report(part, sum(numbers[1:2]), numbers[2])
  if (!is.null(status) && numbers[2] == 0) report(paste(part, "exit status", status), 1, 1)
}

# R with the package in `library`, as a command to which the script is added.
r_with <- function(library, runner = character()) {
  home <- R.home()
  c(
    paste0("R_LIBS=", paste(c(normalizePath(library), Sys.getenv("R_LIBS")), collapse = ":")),
    paste0("R_HOME=", home), paste0("LD_LIBRARY_PATH=", file.path(home, "lib")),
    runner, file.path(home, "bin/exec/R"), "--no-echo", "--no-restore", "-f"
  )
}

# Whether this processor has an instruction set, as the package finds it.
has_isa <- function(name) {
  libraries <- paste0("R_LIBS=", paste(.libPaths(), collapse = ":"))
  env <- c(libraries, paste0("NNCONV_ISA=", name))
  found <- identical(c(run_session("cat(nnconv:::isa_())", env = env)), name)
  if (!found) cat("Not on this processor:", name, "\n")
  found
}
