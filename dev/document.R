# Writes RcppExports, NAMESPACE and man of the package in the given folder from their sources.
# The R files are only sourced: nothing is compiled, nothing needs to be installed.

package <- commandArgs(TRUE)[[1]]
Rcpp::compileAttributes(package)
roxygen2::roxygenise(package, roclets = c("namespace", "rd"), load_code = "source")
