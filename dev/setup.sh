#!/usr/bin/env bash
# Sees to it that nnconv can be built (run), tested (test), worked on (develop), tried by dev/trust
# (trust) or shown (site); each of the first three groups includes the one before, and the others
# include these. What is there already is left alone, and nothing is fetched. On Debian and Ubuntu
# what is missing comes from the system's packages; elsewhere it is named. R packages that the
# system does not have come from the repositories that R is set to, if they can be had.
set -euo pipefail

least_r=4.1.0
# group, R package, least version
r_packages="
run      Rcpp       1.0.8
run      RcppEigen  0.3.3.9
run      cli        3.0.0
run      rlang      1.0.0
test     future     1.20.0
test     future.apply 1.7.0
test     R6         2.5.0
test     jsonlite   1.7.0
test     png        0.1
test     testthat   3.1.0
test     withr      2.4.0
develop  codetools  0.2
develop  ggplot2    3.4.0
develop  knitr      1.30
develop  rmarkdown  2.10
develop  roxygen2   7.2.0
develop  spelling   2.1
develop  vdiffr     1.0.0
develop  terra      1.6
site     pkgdown    2.0.0
"
# Those that Debian does not have. Tests that need them are skipped where they are missing.
optional_packages="
test     safetensors  0.3.0
"

case ${1:-} in
  run) groups="run" ;;
  test) groups="run|test" ;;
  develop) groups="run|test|develop" ;;
  trust) groups="run|test|develop|trust" ;;
  site) groups="run|test|develop|site" ;;
  *) echo "usage: dev/setup.sh run|test|develop|trust|site" >&2; exit 2 ;;
esac
wanted=$(grep -E "^($groups) " <<<"$r_packages")
optional=$(grep -E "^($groups) " <<<"$optional_packages" || true)

have() { command -v "$1" >/dev/null; }

# What is missing, a line each: the Debian package, a tab, what a person calls it.
missing() {
  if ! have Rscript; then
    printf 'r-base-dev\tR (%s or newer), with its compilers\n' "$least_r"
    awk '{ print "r-cran-" tolower($2) "\tR package " $2 " (" $3 " or newer)" }' <<<"$wanted"
  else
    local compiler
    compiler=$(R CMD config CXX17 2>/dev/null) || compiler=
    have "${compiler%% *}" || printf 'r-base-dev\ta C++17 compiler for R\n'
    Rscript --no-init-file -e '
      least_r <- commandArgs(TRUE)[[1]]
      if (getRversion() < least_r) cat("r-base-dev\tR ", least_r, " or newer\n", sep = "")
      wanted <- read.table(text = commandArgs(TRUE)[[2]], colClasses = "character")
      for (i in seq_len(nrow(wanted))) {
        package <- wanted[i, 2]
        least <- wanted[i, 3]
        found <- suppressWarnings(packageDescription(package, fields = "Version"))
        if (is.na(found) || package_version(found) < least) {
          cat(sprintf("r-cran-%s\tR package %s (%s or newer)\n", tolower(package), package, least))
        }
      }' "$least_r" "$wanted"
  fi
  have make || printf 'make\tmake\n'
  if [[ $groups == *develop* ]]; then
    have pandoc || printf 'pandoc\tpandoc\n'
    have qpdf || printf 'qpdf\tqpdf\n'
  fi
  if [[ $groups == *trust* ]]; then
    have clang++ || printf 'clang\tclang\n'
    compgen -G '/usr/lib/llvm-*/lib/libomp.so*' >/dev/null ||
      printf 'libomp-dev\tthe OpenMP of clang\n'
    compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a' >/dev/null ||
      printf 'libclang-rt-dev\tthe sanitizers of clang\n'
    have valgrind || printf 'valgrind\tvalgrind\n'
    have aarch64-linux-gnu-g++ || printf 'g++-aarch64-linux-gnu\ta compiler for 64-bit ARM\n'
    have qemu-aarch64 || printf 'qemu-user\tthe emulator qemu, for programs\n'
    [[ -f /usr/share/i18n/locales/tr_TR ]] || printf 'locales\tdescriptions of locales\n'
    /usr/bin/python3 -c 'import torch' 2>/dev/null ||
      printf 'python3-torch\tPyTorch of /usr/bin/python3\n'
  fi
  if [[ $groups == *site* ]]; then
    [[ -d /usr/share/javascript/katex ]] || printf 'libjs-katex\tKaTeX, in /usr/share/javascript\n'
    have chromium || printf 'chromium\tChromium\n'
    have chromedriver || printf 'chromium-driver\tthe driver of Chromium\n'
    /usr/bin/python3 -c 'import selenium' 2>/dev/null ||
      printf 'python3-selenium\tSelenium of /usr/bin/python3\n'
  fi
}

# Into the first library that may be written to, or else the user's own.
install_optional() {
  [[ -n $optional ]] || return 0
  Rscript --no-init-file -e '
    wanted <- read.table(text = commandArgs(TRUE)[[1]], colClasses = "character")
    is_there <- function(package, least) {
      found <- suppressWarnings(packageDescription(package, fields = "Version"))
      !is.na(found) && package_version(found) >= least
    }
    library <- Find(function(path) file.access(path, 2) == 0, .libPaths())
    if (is.null(library)) {
      library <- strsplit(Sys.getenv("R_LIBS_USER"), .Platform$path.sep)[[1]][[1]]
      dir.create(library, recursive = TRUE)
      .libPaths(library)
    }
    options(timeout = 20)
    for (i in seq_len(nrow(wanted))) {
      package <- wanted[i, 2]
      if (is_there(package, wanted[i, 3])) next
      cat("Installing the R package", package, "from the repositories that R is set to\n")
      try(suppressWarnings(utils::install.packages(package, library, quiet = TRUE)))
      if (!is_there(package, wanted[i, 3])) cat("It is not to be had: its tests are skipped.\n")
    }' "$optional"
}

finish() {
  install_optional
  exit 0
}

todo=$(missing)
[[ -n $todo ]] || finish

if have apt-get; then
  echo "Installing from the system's packages:"
  cut -f 2 <<<"$todo" | sed 's/^/  /'
  as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [[ $(id -u) != 0 ]]; then
    have sudo || { echo "This needs root or sudo. As root, run: dev/setup.sh $1" >&2; exit 1; }
    as_root=(sudo "${as_root[@]}")
  fi
  mapfile -t packages < <(cut -f 1 <<<"$todo" | sort -u)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"
  hash -r
  todo=$(missing)
  [[ -n $todo ]] || finish
fi

{
  echo "Please install these, then run the same command again:"
  cut -f 2 <<<"$todo" | sed 's/^/  /'
} >&2
exit 1
