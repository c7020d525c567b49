#!/usr/bin/env bash
# Shows that every row of dev/trust can fail: builds a copy of the tree with the fault of each patch
# in dev/trust/mutants and expects that the row of its number then fails in a sample, on a sound
# build of everything else. Usage: dev/trust/mutants.sh [names or numbers]; fails where a fault went
# unnoticed.
set -euo pipefail
cd "$(dirname "$0")/../.."

tree=$PWD/build/trust/mutant
logs=$PWD/build/trust/logs
mkdir -p "$logs"

# The tree with its times and objects, so that only what the patch touches is compiled again.
lay_tree() {
  rm -rf "$tree"
  mkdir -p "$tree/build"
  git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - |
    tar -xf - -C "$tree"
  for part in package lib core; do
    [[ ! -d build/$part ]] || cp -a "build/$part" "$tree/build/"
  done
}

# Builds the tree with the fault.
build() {
  lay_tree && cd "$tree" && patch -p1 --quiet <"$1" && dev/install.sh &&
    make -j2 --no-print-directory -f dev/core.mk trust
}

# Whether the row fails in it, as it should.
notices() {
  export R_LIBS="$tree/build/lib${R_LIBS:+:$R_LIBS}"
  ! Rscript dev/trust/run.R quick "$1" >mutant.out 2>&1 && grep -qE '^ *[0-9]+ .* NO ' mutant.out
}

unnoticed=0
tried=0
for patch in "$PWD"/dev/trust/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  number=$((10#${name%%-*}))
  if (($#)) && [[ ! " $* " =~ \ ($number|${name#*-})\  ]]; then continue; fi
  tried=$((tried + 1))
  if (build "$patch" && notices "$number") >"$logs/mutant-$name.log" 2>&1; then
    echo "$name: caught.$(sed -n 's/^ *[0-9]* .* NO */ /p' "$tree/mutant.out")"
  else
    echo "$name: NOT CAUGHT (see build/trust/logs/mutant-$name.log)"
    cat "$tree/mutant.out" >>"$logs/mutant-$name.log" 2>/dev/null || true
    unnoticed=$((unnoticed + 1))
  fi
done
echo "$((tried - unnoticed)) of $tried faults caught"
((tried > 0 && unnoticed == 0))
