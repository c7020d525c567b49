#!/usr/bin/env bash
# Installs the package tests/downstream, which uses inst/include/nnconv.h, into build/lib beside
# nnconv, from a copy, and runs its tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export R_LIBS="$PWD/build/lib${R_LIBS:+:$R_LIBS}"
copy=build/downstream
rm -rf "$copy"
cp -Rp tests/downstream "$copy"
log=build/downstream.log
if ! R CMD INSTALL --library=build/lib "$copy" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
Rscript dev/run-tests.R downstream
