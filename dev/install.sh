#!/usr/bin/env bash
# Installs the package into build/lib from a copy in build/package, so that the tree stays free of
# objects. They are used again as long as src and inst/include are as they were: R's make tracks no
# headers.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=build/package
mkdir -p "$copy" build/lib
unchanged() { diff -rq --exclude='*.o' --exclude='*.so' "$1" "$copy/$1" >/dev/null 2>&1; }
if ! unchanged src || ! unchanged inst/include; then
  rm -rf "$copy/src"
  cp -Rp src "$copy/src"
  find "$copy/src" -name '*.o' -delete -o -name '*.so' -delete
fi
find "$copy" -mindepth 1 -maxdepth 1 ! -name src -exec rm -rf {} +
cp -Rp DESCRIPTION NAMESPACE LICENSE R man inst "$copy"

log=build/install.log
if ! MAKEFLAGS=-j2 R CMD INSTALL --library=build/lib "$copy" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
