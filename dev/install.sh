#!/usr/bin/env bash
# Installs the package into build/lib from a copy in build/package, so that the tree stays free of
# objects. Only what changed is compiled again; all of it where that is a header, which R's make
# does not track.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=build/package
mkdir -p "$copy" build/lib
differences() { diff -rq --exclude='*.o' --exclude='*.so' "$1" "$copy/$1" 2>&1 || true; }
changed=$(differences src; differences inst/include)
if grep -qvE '^Files src/.*[.]cpp and .* differ$' \
  <<<"${changed:-Files src/.cpp and it differ}"; then
  rm -rf "$copy/src"
  cp -Rp src "$copy/src"
  find "$copy/src" -name '*.o' -delete -o -name '*.so' -delete
else
  sed -nE 's/^Files src\/(.*[.]cpp) and .*/\1/p' <<<"$changed" | while read -r file; do
    cp "src/$file" "$copy/src/$file"
  done
fi
find "$copy" -mindepth 1 -maxdepth 1 ! -name src -exec rm -rf {} +
cp -Rp DESCRIPTION NAMESPACE LICENSE R man inst "$copy"

log=build/install.log
if ! MAKEFLAGS=-j2 R CMD INSTALL --library=build/lib "$copy" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
