#!/usr/bin/env bash
# Runs the core's own tests, the R tests over build/lib and those of a package that is built on it,
# and closes with the sum of all on a line of its own: `N passed, N failed, N skipped`. A part that
# ends without such a line counts as one failure.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=build/logs
mkdir -p "$logs"
status=0

run() {
  local name=$1
  shift
  echo "== $name tests"
  "$@" 2>&1 | tee "$logs/$name" || status=1
  if ! grep -qE '^[0-9]+ passed, [0-9]+ failed' "$logs/$name"; then
    echo "The $name tests did not come to their end."
    printf '\n0 passed, 1 failed\n' >>"$logs/$name"
  fi
}

run core env -u MAKEFLAGS make -j2 --no-print-directory -f dev/core.mk test
run R env R_LIBS="$PWD/build/lib${R_LIBS:+:$R_LIBS}" Rscript dev/run-tests.R nnconv
run downstream dev/downstream.sh

total=$(for name in core R downstream; do
  grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name" | tail -n 1
done | awk '{ passed += $1; failed += $3; skipped += $5 }
            END { printf "%d passed, %d failed, %d skipped", passed, failed, skipped }')
[[ $total == *", 0 failed,"* ]] || status=1
echo
echo "$total"
exit "$status"
