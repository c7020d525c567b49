# The core is plain C++: no R or Rcpp header below src/core.
header='(R\.h|R_ext/|Rinternals|Rdefines|Rmath|Rversion|Rcpp)'
! grep -rnE "#[[:space:]]*include[[:space:]]*[<\"]$header|\bSEXP\b" src/core ||
  { echo "src/core must build without R: give it what it needs through src/bridge.*."; exit 1; }
