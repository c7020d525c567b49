#!/usr/bin/env bash
# R CMD build, then R CMD check --as-cran without remote checks, in build/check. Fails on an error,
# a warning, a note other than the one on a new submission, or an installed size of 5 MB and more.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
check=$root/build/check
rm -rf "$check"
mkdir -p "$check"
cd "$check"

export MAKEFLAGS=-j2 OMP_THREAD_LIMIT=2
export _R_CHECK_CRAN_INCOMING_REMOTE_=false _R_CHECK_SYSTEM_CLOCK_=false
# debugging symbols only: the check of compiled code reads the others
export R_STRIP_SHARED_LIB="strip --strip-debug"
unset NOT_CRAN

R CMD build --no-manual "$root"
R CMD check --as-cran --no-manual --install-args=--strip nnconv_*.tar.gz || true

Rscript - nnconv.Rcheck <<'R'
check <- commandArgs(TRUE)[[1]]
log <- file.path(check, "00check.log")
if (!any(startsWith(readLines(log), "Status:"))) stop("R CMD check did not come to its end.")

found <- tools::check_packages_in_dir_details(logs = log)
found <- found[found$Status %in% c("ERROR", "FAILURE", "WARNING", "NOTE"), ]
new_submission <- found$Check == "CRAN incoming feasibility" &
  grepl("^Maintainer: [^\n]*\n+New submission\\s*$", found$Output)
found <- found[!(found$Status == "NOTE" & new_submission), ]

files <- list.files(file.path(check, "nnconv"), recursive = TRUE, full.names = TRUE)
size <- sum(file.size(files)) / 2^20

cat(sprintf("\nR CMD check: %d problems; installed size %.1f MB.\n", nrow(found), size))
writeLines(sprintf("%s: %s\n%s", found$Status, found$Check, found$Output))
quit(status = as.integer(nrow(found) > 0 || size >= 5))
R
