# The C++ files are as clang-format leaves them, where clang-format is there.
command -v clang-format >/dev/null || exit 0
find src tests/core -name '*.[ch]pp' ! -name RcppExports.cpp -print0 |
  xargs -0 clang-format --dry-run 2>&1 |
  awk -F : '/code should be clang-formatted/ { lines[$1] = lines[$1] " " $2; bad = 1 }
    END {
      for (file in lines) print file ": lines" lines[file]
      if (bad) print "Run `make format`."
      exit bad
    }'
