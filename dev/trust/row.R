# What the rows share: each sources this file, tries its cases, and reports its parts.

library(nnconv)

is_full <- Sys.getenv("NNCONV_TRUST", "quick") == "full"

# So many cases in a whole run, so many in a sample.
how_many <- function(all, sample) if (is_full) all else sample

# A part of a row: how many cases were tried, how many failed, and what to show of it.
report <- function(part, tried, failed, figure = "") {
  line <- data.frame(part, tried, failed, figure)
  path <- Sys.getenv("NNCONV_TRUST_REPORT", "")
  if (nzchar(path)) {
    utils::write.table(line, path, append = TRUE, sep = ",", row.names = FALSE, col.names = FALSE,
      qmethod = "double")
  }
  cat(sprintf("%s: %s tried, %s failed %s\n", part, tried, failed, figure))
  invisible(failed == 0)
}

# Counts cases and keeps what failed: `counter$check(ok, label)`, then `counter$report(part)`.
new_counter <- function() {
  tried <- 0
  failed <- 0
  list(
    check = function(ok, ...) {
      tried <<- tried + 1
      if (!isTRUE(ok)) {
        failed <<- failed + 1
        if (failed <= 20) cat("FAILED:", ..., "\n")
      }
      invisible(ok)
    },
    tried = function() tried,
    failed = function() failed,
    report = function(part, figure = "") report(part, tried, failed, figure)
  )
}

# The helpers of the R tests: cases, random ones, references, and what may be expected of them.
source_test_helpers <- function(envir = globalenv()) {
  requireNamespace("testthat")
  Sys.setenv(NOT_CRAN = "true")
  helpers <- list.files("tests/testthat", "^helper-.*[.]R$", full.names = TRUE)
  internal <- new.env(parent = asNamespace("nnconv"))
  for (path in helpers) sys.source(path, internal)
  attach(internal, name = "test helpers", warn.conflicts = FALSE)
  invisible(internal)
}

# Runs the core's program `trust`, or another one, of this variant of the build, and reports each
# line "part,tried,failed,figure" that it prints; or, where it runs `under` something, the part with
# that, and no figure. Other lines are its log.
run_core <- function(what, count, variant = "plain", env = character(), runner = character(),
                     program = "trust", under = character()) {
  path <- file.path("build/core", variant, program)
  command <- c(runner, path, what, format(count, scientific = FALSE))
  said <- suppressWarnings(
    system2("env", c(env, command), stdout = TRUE, stderr = TRUE)
  )
  is_part <- grepl("^[^,]+,[0-9]+,[0-9]+,", said)
  writeLines(said[!is_part])
  named <- function(part) paste(c(part, under), collapse = ", ")
  for (line in strsplit(said[is_part], ",", fixed = TRUE)) {
    figure <- if (length(under)) "" else paste(line[-(1:3)], collapse = ",")
    report(named(line[1]), as.numeric(line[2]), as.numeric(line[3]), figure)
  }
  status <- attr(said, "status")
  if (!is.null(status)) report(named(paste(what, variant, "exit status", status)), 1, 1)
  if (!any(is_part)) report(named(paste(what, variant, "said nothing")), 1, 1)
}

# Runs R code in a session of its own, under `limit` seconds; its output, with the exit status as an
# attribute where it is not 0 (124: the limit).
run_session <- function(code, limit = 60, env = character(), shell = "", arguments = "--vanilla") {
  script <- tempfile(fileext = ".R")
  on.exit(unlink(script))
  writeLines(if (is.character(code)) code else deparse(code), script)
  command <- sprintf(
    "%s exec env %s timeout -k 5 %g %s %s --no-echo -f %s", shell, paste(env, collapse = " "),
    limit, file.path(R.home("bin"), "R"), arguments, script
  )
  suppressWarnings(system2("bash", c("-c", shQuote(command)), stdout = TRUE, stderr = TRUE))
}
