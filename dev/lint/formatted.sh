# The C++ files are as clang-format 14 leaves them, where it is there; others differ in details.
[[ $(clang-format --version 2>/dev/null) == *"version 14."* ]] || exit 0
find src tests/core dev/trust -regex '.*[.]\(h\|hpp\|cpp\)' ! -name RcppExports.cpp -print0 |
  xargs -0 clang-format --dry-run 2>&1 |
  awk -F : '/code should be clang-formatted/ { lines[$1] = lines[$1] " " $2; bad = 1 }
    END {
      for (file in lines) print file ": lines" lines[file]
      if (bad) print "Run `make format`."
      exit bad
    }'
