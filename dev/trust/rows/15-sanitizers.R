# Undefined behaviour and races: the core's program with blocks of memory of exact sizes
# (dev/trust/exact), the package, and calls of everything, while tools watch. Whatever a tool
# reports ends its process with a status of its own, which is a failure.
#
# Whole: the cases of rows 1, 4, 5, 6 and 7 under clang's address, undefined behaviour and leak
# sanitizers (which see vectors that are stored past the caches), those that use threads under its
# thread sanitizer, and all under valgrind, which knows no AVX-512; libFuzzer for ten minutes on
# each instruction set, beside everything else; the package by GCC's sanitizers, with all its tests,
# a sample of row 8 and a hunt for leaks; valgrind over calls of everything in R. R itself needs no
# suppressions under sanitizers; for valgrind see valgrind.supp.
#
# A sample has no time to compile all that, some eight minutes. It takes the plain program, which is
# there already, under valgrind, which sees each element that is read or written beyond the end of
# an array or a block, or used before it is written; layers from random bytes, without a tool; and,
# under the thread sanitizer, the tests of the only file with threads, a few seconds to compile.

source("dev/trust/row.R")
source("dev/trust/builds.R")

work <- "build/trust/sanitizers"
dir.create(work, recursive = TRUE, showWarnings = FALSE)

make_core <- function(variant, target) {
  options <- c("-j2", "--no-print-directory", "-f", "dev/core.mk", paste0("variant=", variant))
  status <- system2("make", c(options, target))
  if (status) report(paste(variant, "does not build"), 1, 1)
  status == 0
}

# The core's program under a tool: `counts` of cases, by subcommand.
watch_core <- function(tool, counts, ..., program = "trust-exact") {
  for (what in names(counts)) {
    run_core(what, counts[[what]], ..., program = program, under = tool)
  }
}

isas <- Filter(has_isa, c("baseline", "avx2", "avx512"))
isa_setting <- function(isa) paste0("NNCONV_ISA=", isa)

# `alone`: no other programs are started, which lose some memory, and none under a ceiling, which
# has no room for copies of stacks.
asan_settings <- function(alone = TRUE) {
  # An allocation that is too large fails, as it does without a sanitizer.
  options <- c(
    detect_leaks = alone, detect_stack_use_after_return = alone, check_initialization_order = 1,
    detect_odr_violation = 0, allocator_may_return_null = 1, max_allocation_size_mb = 2048
  )
  c(
    paste0("ASAN_OPTIONS=", paste0(names(options), "=", options, collapse = ":")),
    "UBSAN_OPTIONS=print_stacktrace=1"
  )
}

tsan_settings <- c(
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1",
  # Tells the sanitizer how libomp synchronises.
  paste0("OMP_TOOL_LIBRARIES=", utils::tail(Sys.glob("/usr/lib/llvm-*/lib/libarcher.so"), 1))
)

memcheck <- c(
  "valgrind", "-q", "--error-exitcode=9", "--suppressions=dev/trust/valgrind.supp",
  "--leak-check=full", "--show-leak-kinds=definite,indirect",
  "--errors-for-leak-kinds=definite,indirect"
)

# ---- inputs that libFuzzer makes up ----

# For so many seconds on an instruction set. What it finds stays in the folder `work`.
fuzz <- function(isa, seconds) {
  said <- suppressWarnings(system2("env", c(
    isa_setting(isa), asan_settings(), "build/core/fuzz/fuzz", paste0("-max_total_time=", seconds),
    "-seed=1", "-max_len=400", "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1",
    sprintf("-artifact_prefix=%s/%s-", work, isa)
  ), stdout = TRUE, stderr = TRUE))
  last <- function(name) {
    line <- utils::tail(grep(paste0("^stat::", name), said, value = TRUE), 1)
    c(as.numeric(sub(".*: *", "", line)), 0)[[1]]
  }
  list(
    isa = isa, failed = !is.null(attr(said, "status")), log = utils::tail(said, 40),
    inputs = last("number_of_executed_units"), megabytes = last("peak_rss_mb")
  )
}

report_fuzz <- function(found) {
  if (found$failed) writeLines(found$log)
  report(paste("libFuzzer", found$isa), found$inputs + found$failed, as.integer(found$failed),
    sprintf("%s: %.0f inputs, %.0f MB at most", found$isa, found$inputs, found$megabytes))
}

# ---- the package ----

watch_package <- function() {
  flags <- "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
  library <- build_package("package", c(
    paste("CXX17 = g++", flags),
    "CXX17FLAGS = -g -O1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS"
  ), "--no-test-load", c("src/core/blocks.cpp" = "dev/trust/exact/blocks.cpp"))
  if (is.null(library)) return()
  runtimes <- vapply(c("asan", "ubsan"), function(name) {
    system2("g++", sprintf("-print-file-name=lib%s.so", name), stdout = TRUE)
  }, "")
  preload <- paste0("LD_PRELOAD=", paste(runtimes, collapse = ":"))
  r <- r_with(library)
  with_others <- c(asan_settings(alone = FALSE), preload)
  run_suite("calls of everything, sanitizers of GCC", c(asan_settings(), preload),
    c(r, "dev/trust/every-call.R"))
  run_suite("R tests, sanitizers of GCC", with_others, c(r, "dev/run-tests.R", "--args", "nnconv"))
  # It reports its own parts.
  status <- system2("env", c(with_others, "NNCONV_TRUST=quick", r, "dev/trust/rows/08-arguments.R"))
  report("row 8 to its end, sanitizers of GCC", 1, as.integer(status != 0))
}

# ---- the row ----

fuzzing <- if (is_full && make_core("fuzz", "fuzz")) {
  parallel::mcparallel(lapply(isas, fuzz, seconds = 600), silent = TRUE)
}

watch_core("valgrind", runner = memcheck, counts = if (is_full) {
  c(value = 800, gradient = 150, missing = 250, batch = 50, threads = 30)
} else {
  c(value = 90, gradient = 20, missing = 30)
})
for (isa in setdiff(isas, "avx512")) {
  watch_core(paste("valgrind", isa), c(fuzz = how_many(3000, 200)), runner = memcheck,
    env = isa_setting(isa))
}
for (isa in isas) {
  watch_core(isa, c(fuzz = how_many(2e5, 2e4)), env = isa_setting(isa),
    runner = c("prlimit", "--as=1000000000"))
}

if (make_core("races", "races")) {
  run_suite("loops, thread sanitizer", tsan_settings, "build/core/races/parallel-tests")
}

if (is_full) {
  # With the core's own blocks, which threads share.
  if (make_core("races", "trust")) {
    watch_core("thread sanitizer", c(threads = 100, value = 200), variant = "races",
      env = tsan_settings, program = "trust")
  }
  if (!is.null(fuzzing)) {
    watch_core("sanitizers of clang", variant = "fuzz", env = asan_settings(),
      c(value = 5000, gradient = 1000, missing = 1000, batch = 300, threads = 100, fuzz = 3e4))
  }
  watch_package()
  run_suite("calls of everything, valgrind", isa_setting("baseline"),
    c(r_with("build/lib", memcheck), "dev/trust/every-call.R"))
  for (found in parallel::mccollect(fuzzing)[[1]]) report_fuzz(found)
}
