# Runs the tests of nnconv, or of tests/downstream, over the package that is installed, prints every
# failure in full, and closes with the line `N passed, N failed, N skipped`, which counts
# expectations.
# Usage: Rscript dev/run-tests.R nnconv|downstream [filter]; the exit status is 1 when anything
# failed.

package <- commandArgs(TRUE)[[1]]
filter <- commandArgs(TRUE)[-1]
folders <- c(nnconv = "tests/testthat", downstream = "tests/downstream/tests/testthat")
Sys.setenv(NOT_CRAN = "true")

library(testthat)
library(nnconv)
results <- test_dir(
  folders[[package]],
  filter = if (length(filter)) filter[[1]],
  package = package,
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
