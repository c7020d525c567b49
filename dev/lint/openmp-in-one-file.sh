# OpenMP lives in src/core/parallel.cpp alone, which never sets the process's thread count:
# that would change it for every other package too.
shopt -s globstar
status=0
use='#[[:space:]]*pragma[[:space:]]+omp|_Pragma\("omp|\bomp\.h|\bomp_[a-z_]+[[:space:]]*\('
set='\bomp_set_(num_threads|dynamic|nested)[[:space:]]*\('
lines() { grep -nE "$1" src/**/*.{h,hpp,cpp} | grep -vE '^[^:]*:[0-9]+:[[:space:]]*//'; }

if lines "$use" | grep -v '^src/core/parallel\.cpp:'; then
  echo "OpenMP outside src/core/parallel.cpp: go through its functions."
  status=1
fi
if lines "$set"; then
  echo "This changes the thread count of the whole process: use a num_threads clause."
  status=1
fi
exit $status
