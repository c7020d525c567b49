# Compiled code neither prints nor ends the process: R CMD check forbids it, and users lose their
# work.
shopt -s globstar
print='(printf|fprintf|vprintf|vfprintf|puts|putchar)[[:space:]]*\(|std::(cout|cerr|clog)\b'
end='(abort|exit|_exit|quick_exit|terminate)[[:space:]]*\('
! grep -nE "\\b($print|$end)" src/**/*.{h,hpp,cpp} | grep -vE '^[^:]*:[0-9]+:[[:space:]]*//' ||
  { echo "Raise a Fault instead."; exit 1; }
