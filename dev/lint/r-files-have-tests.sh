# Every file of R code has its tests, under its own name.
status=0
for file in R/*.R; do
  name=$(basename "$file")
  case $name in RcppExports.R | rd.R | nnconv-package.R) continue ;; esac
  if [[ ! -f tests/testthat/test-$name ]]; then
    echo "$file: tests/testthat/test-$name is missing."
    status=1
  fi
done
exit $status
