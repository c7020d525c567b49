# Lines of at most 100 characters, no tabs, no blanks at their end; ASCII only in what is installed.
shopt -s globstar nullglob
files=(R/*.R src/**/*.{h,hpp,cpp} tests/**/*.R tests/**/*.[ch]pp dev/**/*.R dev/**/*.sh bench/*.R)
status=0
refuse() {
  local why=$1 pattern=$2
  shift 2
  if grep -nP "$pattern" "$@" | grep -v RcppExports; then
    echo "$why"
    status=1
  fi
}
refuse "Longer than 100 characters." '^.{101,}' "${files[@]}"
refuse "A tab." '\t' "${files[@]}"
refuse "Blanks at the end of a line." '[[:space:]]+$' "${files[@]}"
refuse "Not ASCII." '[^\x00-\x7F]' R/*.R src/**/*.{h,hpp,cpp}
exit $status
