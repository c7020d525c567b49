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

# Runs the core's program `trust`, of this variant of the build, and reports each line
# "part,tried,failed,figure" that it prints; other lines are its log.
run_core <- function(what, count, variant = "plain", env = character(), runner = character()) {
  program <- file.path("build/core", variant, "trust")
  command <- c(runner, program, what, format(count, scientific = FALSE))
  said <- suppressWarnings(
    system2("env", c(env, command), stdout = TRUE, stderr = TRUE)
  )
  is_part <- grepl("^[^,]+,[0-9]+,[0-9]+,", said)
  writeLines(said[!is_part])
  for (line in strsplit(said[is_part], ",", fixed = TRUE)) {
    report(line[1], as.numeric(line[2]), as.numeric(line[3]), paste(line[-(1:3)], collapse = ","))
  }
  status <- attr(said, "status")
  if (!is.null(status)) report(paste(what, variant, "exit status", status), 1, 1)
  if (!any(is_part)) report(paste(what, variant, "said nothing"), 1, 1)
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

# Tries cases 1 to n in forked processes of limited memory, so that one that ends its process, or
# does not end itself, is counted and named: `try_case(i)` gives NULL or what is wrong. After a
# process that died another goes on with the next case. The problems by number; NA where there is
# none.
try_apart <- function(n, try_case, seconds = 20, bytes = 2^31) {
  problems <- rep(NA_character_, n)
  done <- 0
  while (done < n) {
    path <- tempfile("cases")
    file.create(path)
    job <- parallel::mcparallel(try_in_child((done + 1):n, try_case, path, bytes), silent = TRUE,
      mc.set.seed = FALSE)
    how <- wait_for_child(job, path, seconds)
    lines <- strsplit(readLines(path, warn = FALSE), "\t", fixed = TRUE)
    for (line in lines) if (length(line) == 2) problems[as.integer(line[1])] <- line[2]
    # Each case has a line when it begins and one when it ends.
    last <- if (length(lines)) as.integer(lines[[length(lines)]][1]) else done + 1
    if (length(lines) == 0 || length(lines[[length(lines)]]) == 1) problems[last] <- how
    done <- last
  }
  problems[!is.na(problems) & problems == "fine"] <- NA
  problems
}

try_in_child <- function(cases, try_case, path, bytes) {
  system2("prlimit", c(sprintf("--as=%.0f", bytes), "--pid", Sys.getpid()))
  file <- file(path, "a")
  for (i in cases) {
    cat(i, "\n", file = file, sep = "")
    flush(file)
    problem <- tryCatch(try_case(i), error = conditionMessage)
    words <- gsub("[\t\n]", " ", paste(problem, collapse = "; "))
    problem <- if (is.null(problem)) "fine" else words
    cat(i, "\t", problem, "\n", file = file, sep = "")
    flush(file)
  }
}

# How the child ended: "crashed", where it left a case unfinished, or "hung".
wait_for_child <- function(job, path, seconds) {
  seen <- -1
  since <- Sys.time()
  how <- "crashed"
  repeat {
    ended <- suppressWarnings(parallel::mccollect(job, wait = FALSE, timeout = 0.2))
    if (!is.null(ended)) break
    size <- file.size(path)
    if (size != seen) {
      seen <- size
      since <- Sys.time()
    } else if (how != "hung" && Sys.time() - since > seconds) {
      how <- "hung"
      tools::pskill(job$pid, tools::SIGKILL)
    }
  }
  how
}
