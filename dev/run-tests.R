# Runs tests/testthat over the nnconv that is installed, prints every failure in full, and closes
# with the line `N passed, N failed, N skipped`, which counts expectations.
# Usage: Rscript dev/run-tests.R [filter]; the exit status is 1 when anything failed.

filter <- commandArgs(TRUE)
Sys.setenv(NOT_CRAN = "true")

library(testthat)
library(nnconv)
results <- test_dir(
  "tests/testthat",
  filter = if (length(filter)) filter[[1]],
  package = "nnconv",
  load_package = "installed",
  reporter = ProgressReporter$new(show_praise = FALSE, max_failures = Inf, update_interval = Inf),
  stop_on_failure = FALSE
)

counts <- as.data.frame(results)
passed <- sum(counts$passed)
failed <- sum(counts$failed) + sum(counts$error)
skipped <- sum(counts$skipped)
cat(sprintf("%d passed, %d failed, %d skipped\n", passed, failed, skipped))
quit(status = if (failed > 0) 1 else 0)
