# Without rng = false a compiled function reads and writes R's random seed at every call.
! grep -nE '\[\[Rcpp::export' src/*.cpp | grep -v 'rng *= *false' ||
  { echo "Say // [[Rcpp::export(rng = false)]]."; exit 1; }
