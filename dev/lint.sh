#!/usr/bin/env bash
# Runs the house's rules, two at a time: dev/lint.sh [rule...]. A rule is a script in dev/lint that
# says nothing when all is well, and otherwise names the lines, says why, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

rules=("$@")
((${#rules[@]})) || rules=(dev/lint/*.sh dev/lint/*.R)

run_rule() {
  local said interpreter=bash
  [[ $1 == *.R ]] && interpreter=Rscript
  said=$("$interpreter" "$1" 2>&1) && return
  printf '%s\n%s\n\n' "$1" "$said"
  return 1
}
export -f run_rule

printf '%s\n' "${rules[@]}" | xargs -P 2 -I {} bash -c 'run_rule {}' || exit 1
echo "House rules: all ${#rules[@]} hold."
