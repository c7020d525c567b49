# Undefined behaviour and races: the core's program with blocks of memory of exact sizes
# (dev/trust/exact), the package, and calls of everything, while tools watch. Whatever a tool reports
# ends a process with a status of its own, and is a failure.
#
# Whole: the cases of rows 1, 4, 5 and 7 under the address, undefined behaviour and leak sanitizers
# of clang (which see vectors masked or stored past the caches) and of GCC, under clang's thread
# sanitizer, and under valgrind, which knows no AVX-512; libFuzzer for ten minutes on each
# instruction set; a build of the package under sanitizers, with its tests, row 8, and a hunt for
# leaks; and valgrind over calls of everything in R.
#
# A sample has no time to compile all that. It takes the plain program, which is there already, under
# valgrind, which sees each element that is read or written beyond the end of an array or a block, or
# before it is written; layers from random bytes, without a tool; and, under the thread sanitizer, the
# tests of the only file that has threads, a few seconds to compile.

source("dev/trust/row.R")
source("dev/trust/builds.R")

work <- "build/trust/sanitizers"
dir.create(work, recursive = TRUE, showWarnings = FALSE)

settings <- c(
  "ASAN_OPTIONS=detect_stack_use_after_return=1:check_initialization_order=1",
  "UBSAN_OPTIONS=print_stacktrace=1"
)

make_core <- function(variant, target) {
  options <- c("-j2", "--no-print-directory", "-f", "dev/core.mk", paste0("variant=", variant))
  status <- system2("make", c(options, target))
  if (status) report(paste(variant, "does not build"), 1, 1)
  status == 0
}

# The core's program under a tool: `counts` of cases, by subcommand.
watch_core <- function(tool, counts, ...) {
  for (what in names(counts)) {
    run_core(what, counts[[what]], ..., program = "trust-exact", under = tool)
  }
}

# ---- valgrind ----

memcheck <- c(
  "valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect",
  "--errors-for-leak-kinds=definite,indirect"
)

watch_core("valgrind", runner = memcheck, counts = if (is_full) {
  c(value = 3000, gradient = 600, missing = 1000, threads = 100, batch = 300)
} else {
  c(value = 90, gradient = 20, missing = 30)
})
for (isa in c("baseline", "avx2")) {
  watch_core(paste("valgrind", isa), c(fuzz = how_many(1e4, 200)), runner = memcheck,
    env = paste0("NNCONV_ISA=", isa))
}

# ---- layers from random bytes ----

isas <- Filter(has_isa, c("baseline", "avx2", "avx512"))
for (isa in isas) {
  watch_core(isa, c(fuzz = how_many(1e6, 2e4)), env = paste0("NNCONV_ISA=", isa))
}

# Inputs that libFuzzer makes up for so many seconds on an instruction set; what it found remains.
fuzz <- function(isa, seconds) {
  command <- c(
    paste0("NNCONV_ISA=", isa), settings, "build/core/fuzz/fuzz",
    paste0("-max_total_time=", seconds), "-seed=1", "-max_len=400", "-timeout=30",
    "-rss_limit_mb=2048", "-print_final_stats=1", sprintf("-artifact_prefix=%s/%s-", work, isa)
  )
  said <- suppressWarnings(system2("env", command, stdout = TRUE, stderr = TRUE))
  last <- function(name) {
    as.numeric(sub(".*: *", "", utils::tail(grep(paste0("^stat::", name), said, value = TRUE), 1)))
  }
  list(
    isa = isa, status = attr(said, "status"), inputs = last("number_of_executed_units"),
    megabytes = last("peak_rss_mb"), said = utils::tail(said, 40)
  )
}

report_fuzz <- function(found) {
  if (length(found$status)) writeLines(found$said)
  report(paste("libFuzzer", found$isa), max(1, found$inputs), length(found$status),
    sprintf("%s: %.0f inputs, %.0f MB at most", found$isa, found$inputs, found$megabytes))
}

# ---- races ----

thread_settings <- c(
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1",
  # Tells the sanitizer what libomp's own synchronisation is.
  paste0("OMP_TOOL_LIBRARIES=", utils::tail(Sys.glob("/usr/lib/llvm-*/lib/libarcher.so"), 1))
)

if (make_core("races", "races")) {
  run_suite("parallel loops, thread sanitizer", thread_settings, "build/core/races/parallel-tests")
}

# ---- what has to be compiled ----

watch_r <- function(library) {
  libraries <- vapply(c("libasan.so", "libubsan.so"), function(name) {
    system2("g++", paste0("-print-file-name=", name), stdout = TRUE)
  }, "")
  preload <- paste0("LD_PRELOAD=", paste(libraries, collapse = ":"))
  # An allocation that is too large fails, as it does without a sanitizer.
  options <- "detect_odr_violation=0:allocator_may_return_null=1:max_allocation_size_mb=4096"
  env <- function(leaks) {
    c(sprintf("ASAN_OPTIONS=%s:detect_leaks=%d", options, leaks), settings[2], preload)
  }
  run_suite("R tests, sanitizers", env(0), c(r_with(library), "dev/run-tests.R", "--args", "nnconv",
    shQuote("^(values|gradients|footprint|robustness|bad-values|conditions|threads|winograd|fast)")))
  run_suite("calls of everything, sanitizers", env(1), c(r_with(library), "dev/trust/every-call.R"))
}

if (is_full) {
  if (make_core("fuzz", "fuzz")) {
    watch_core("sanitizers of clang", variant = "fuzz", env = settings,
      c(value = 20000, gradient = 5000, missing = 3000, threads = 300, batch = 1000, fuzz = 1e5))
    for (found in parallel::mclapply(isas, fuzz, 600, mc.cores = 2, mc.preschedule = FALSE)) {
      report_fuzz(found)
    }
  }
}
