# The C++ files are as clang-format leaves them, where clang-format is there.
command -v clang-format >/dev/null || exit 0
find src tests/core -name '*.[ch]pp' ! -name RcppExports.cpp -print0 |
  xargs -0 clang-format --dry-run -Werror 2>&1 | grep -E 'error:' |
  sed 's/ error: code should be clang-formatted.*//' && { echo "Run \`make format\`."; exit 1; }
exit 0
