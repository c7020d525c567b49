# The problems that a new session reports after `code`, joined to one string.
problems_in_session <- function(code = NULL, ...) {
  code <- bquote({
    options(width = 1000)
    .(code)
    cat(nnconv_sitrep()$problems, sep = "\n")
  })
  paste(said_in_session(code, ...), collapse = "\n")
}

# The settings that the session of these tests may have been given.
unset <- c(
  NNCONV_ISA = NA, OMP_NUM_THREADS = NA, OMP_THREAD_LIMIT = NA, OMP_PROC_BIND = NA,
  GOMP_CPU_AFFINITY = NA
)

set <- function(...) replace(unset, ...names(), c(...))

sound <- structure(
  list(
    version = "0.1.0", r_version = "4.2.2", platform = "any", processor = "a processor",
    instruction_set = "avx2", instruction_sets = c("avx2", "baseline"), threads = 4L,
    algorithm = "auto", huge_pages = "madvise", settings = character(), openmp = TRUE,
    packages = c(future = TRUE, ggplot2 = TRUE, safetensors = TRUE), forked = FALSE,
    processors = 4L, most_threads = 64L, cache = 2^25, float_mode = "default"
  ),
  class = "nnconv_sitrep"
)

problems_of <- function(...) find_problems(utils::modifyList(sound, list(...)))

# ---- what there is ----

test_that("the report has what the manual says, of this session", {
  withr::local_options(nnconv.threads = 1L, nnconv.algorithm = "fast")
  withr::local_envvar(OMP_NUM_THREADS = "3")
  before <- session_state()
  report <- nnconv_sitrep()
  expect_identical(session_state(), before)
  expect_s3_class(report, "nnconv_sitrep")
  expect_setequal(names(report), c(names(sound), "problems"))
  expect_identical(lapply(unclass(report)[names(sound)], class), lapply(unclass(sound), class))
  expect_identical(report$version, as.character(utils::packageVersion("nnconv")))
  expect_identical(report$instruction_set, isa_())
  expect_identical(report$threads, 1L)
  expect_identical(report$algorithm, "fast")
  expect_identical(
    report$settings[c("OMP_NUM_THREADS", "nnconv.threads", "nnconv.algorithm")],
    c(OMP_NUM_THREADS = "3", nnconv.threads = "1", nnconv.algorithm = "\"fast\"")
  )
  expect_true(nzchar(report$processor))
})

test_that("processor and huge pages are read from what Linux tells", {
  told <- function(...) withr::local_tempfile(lines = c(...), .local_envir = parent.frame(2))
  expect_identical(huge_pages(told("always [madvise] never")), "madvise")
  expect_identical(huge_pages(told("always madvise [never]")), "never")
  expect_identical(huge_pages(told("")), NA_character_)
  expect_identical(huge_pages(tempfile()), NA_character_)
  processors <- told("processor\t: 0", "model name\t: Fast: 9 @ 2 GHz", "model name\t: other")
  expect_identical(processor_name(processors), "Fast: 9 @ 2 GHz")
  expect_identical(processor_name(tempfile()), Sys.info()[["machine"]])
})

# ---- what is wrong ----

test_that("where all is well no problem is told", {
  expect_identical(problems_of(), character())
})

test_that("a slower, an unknown and a late instruction set are told", {
  skip_on_cran()
  skip_if(length(isas_()) < 2, "no slower instruction set here")
  best <- isas_()[[1]]
  told <- problems_in_session(env = set(NNCONV_ISA = "baseline"))
  expect_match(told, paste("holds nnconv to baseline, and the processor has", best))
  told <- problems_in_session(env = set(NNCONV_ISA = "sse9"))
  expect_match(told, paste0("NNCONV_ISA is \"sse9\", which is none of ", enumerate(isas_())))
  expect_match(told, paste(best, "is used"))
  late <- quote({
    nnf_conv1d(array(1, c(1, 3)), array(1, c(1, 1, 1)))
    Sys.setenv(NNCONV_ISA = "baseline")
  })
  told <- problems_in_session(late, env = unset)
  expect_match(told, paste("was set to baseline when", best, "was in use already"))
  told <- problems_in_session(quote(Sys.unsetenv("NNCONV_ISA")), env = set(NNCONV_ISA = best))
  expect_false(grepl("NNCONV_ISA", told))
})

test_that("settings of OpenMP that take threads away are told", {
  skip_on_cran()
  processors <- machine_()$processors
  skip_if(!machine_()$openmp || processors < 2, "no threads here")
  told <- problems_in_session(env = set(OMP_THREAD_LIMIT = "1"))
  expect_match(told, paste("OMP_THREAD_LIMIT holds nnconv to 1 of", processors, "processors"))
  told <- problems_in_session(env = set(OMP_NUM_THREADS = "1"))
  expect_match(told, paste("OMP_NUM_THREADS holds nnconv to 1 of", processors, "processors"))
  own <- quote(options(nnconv.threads = 1))
  told <- problems_in_session(own, env = set(OMP_NUM_THREADS = "1"))
  expect_false(grepl("OMP|nnconv.threads", told))
})

test_that("an affinity of one processor of several is told", {
  skip_on_cran()
  skip_if_not(nzchar(Sys.which("taskset")), "no taskset here")
  machine <- parallel::detectCores()
  skip_if(machine < 2, "one processor here")
  told <- problems_in_session(env = unset, before = "taskset -c 0")
  expect_match(told, paste("may use 1 of the machine's", machine, "processors"))
})

test_that("a forked child is told", {
  skip_on_cran()
  skip_on_os("windows")
  code <- quote({
    report <- parallel::mclapply(1:2, function(i) nnconv_sitrep(), mc.cores = 2)[[1]]
    cat(report$forked, report$threads, report$problems, "\n")
  })
  expect_match(problems_in_session(code, env = unset), "TRUE 1 This is a forked child")
  expect_false(nnconv_sitrep()$forked)
})

test_that("options that are wrong are told, each", {
  told <- function(...) {
    withr::local_options(...)
    paste(nnconv_sitrep()$problems, collapse = "\n")
  }
  for (threads in list(0, "3", 1.5, c(1, 2), NA)) {
    expect_match(told(nnconv.threads = threads), paste("nnconv.threads is", deparse1(threads)),
      fixed = TRUE)
  }
  words <- "nnconv.algorithm is \"quick\", which is none of \"auto\", \"direct\", \"fast\""
  expect_match(told(nnconv.algorithm = "quick"), words)
  both <- told(nnconv.algorithm = mean, nnconv.threads = strrep("a", 1e5))
  expect_match(both, "nnconv.threads is \"aaa.*nnconv.algorithm is function")
  expect_lt(nchar(both), 1000)
})

test_that("more threads than processors are told", {
  skip_on_cran()
  skip_if_not(machine_()$openmp, "no threads here")
  processors <- machine_()$processors
  many <- bquote(options(nnconv.threads = .(processors + 1)))
  expect_match(
    problems_in_session(many, env = unset),
    paste("asks for", processors + 1, "threads on", processors, "processors")
  )
})

test_that("a floating-point mode that another library left behind is told", {
  skip_on_cran()
  skip_if_not(R.version$arch == "x86_64", "the library is written for x86")
  skip_if_not(nzchar(Sys.which("make")), "no compiler here")
  folder <- withr::local_tempdir()
  source <- file.path(folder, "flush.c")
  writeLines(
    c("#include <xmmintrin.h>", "void flush(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }"), source
  )
  tools::Rcmd(c("SHLIB", shQuote(source)), stdout = FALSE, stderr = FALSE)
  library <- file.path(folder, paste0("flush", .Platform$dynlib.ext))
  skip_if_not(file.exists(library), "no compiler here")
  code <- bquote({
    dyn.load(.(library))
    .C("flush")
    nnf_conv1d(array(1, c(1, 3)), array(1, c(1, 1, 1)))
  })
  told <- problems_in_session(code, env = unset)
  expect_match(told, "changed the processor's floating-point mode")
  expect_identical(nnconv_sitrep()$float_mode, "default")
})

test_that("what is not installed is told, with what it is for and how to install it", {
  skip_on_cran()
  bare <- local_bare_library()
  expect_false(grepl("install", problems_in_session(env = unset, libraries = bare)))
  told <- said_in_session(quote(nnconv_sitrep()), env = unset, libraries = bare)
  expect_identical(utils::tail(told, 5), c(
    "Not installed:",
    "- future (1.20.0 or newer), for `predict()` on workers",
    "- ggplot2 (3.4.0 or newer), for `autoplot()` of a layer",
    "- safetensors (0.3.0 or newer), for `conv_read_safetensors()` and `conv_write_safetensors()`",
    "  Run install.packages(c(\"future\", \"ggplot2\", \"safetensors\"))."
  ))
})

test_that("packages that are there are not told, those that are too old are", {
  skip_on_cran()
  sound$problems <- character()
  sound$packages[["ggplot2"]] <- FALSE
  expect_identical(utils::tail(format(sound), 5), c(
    "No problems.", "", "Not installed:",
    "- ggplot2 (3.4.0 or newer), for `autoplot()` of a layer",
    "  Run install.packages(\"ggplot2\")."
  ))
  old <- withr::local_tempdir()
  dir.create(file.path(old, "future"))
  built <- paste0("Built: R ", getRversion(), "; ; 2020-01-01 00:00:00 UTC; unix")
  writeLines(
    c("Package: future", "Version: 1.19.1", built), file.path(old, "future", "DESCRIPTION")
  )
  report <- quote(cat("future", nnconv_sitrep()$packages[["future"]]))
  told <- said_in_session(report, env = unset, libraries = c(old, .libPaths()))
  expect_identical(told, "future FALSE")
})

test_that("the packages told are those of DESCRIPTION's Suggests that functions call", {
  suggested <- strsplit(utils::packageDescription("nnconv")$Suggests, ",")[[1]]
  suggested <- trimws(sub("[(].*", "", suggested))
  code <- unlist(lapply(Filter(is.function, as.list(asNamespace("nnconv"))), deparse))
  called <- unlist(regmatches(code, gregexpr("[A-Za-z0-9.]+(?=::)", code, perl = TRUE)))
  expect_setequal(intersect(called, suggested), names(suggested_packages))
})

test_that("a build without OpenMP and a system without huge pages are told", {
  expect_match(problems_of(openmp = FALSE, threads = 1L, most_threads = 1L), "built without OpenMP")
  expect_match(problems_of(huge_pages = "never"), "no huge pages")
})

# ---- printing ----

test_that("a report prints its facts and each problem", {
  sound$problems <- character()
  printed <- utils::capture.output(shown <- withVisible(print(sound)))
  expect_identical(shown, list(value = sound, visible = FALSE))
  expect_identical(printed, c(
    "nnconv 0.1.0, R 4.2.2, any", "processor        a processor",
    "instruction set  avx2, of avx2, baseline", "threads          4 of 4 processors",
    "OpenMP           yes", "algorithm        auto", "huge pages       madvise",
    "last cache       32 MiB", "settings         none", "", "No problems."
  ))
  sound[c("settings", "huge_pages", "cache")] <- list(c(A = "1", B = "2"), NA, 0)
  sound$problems <- c(strrep("long ", 40), "{short}")
  lines <- format(sound)
  expect_identical(lines[7:11], c(
    "huge pages       unknown", "last cache       unknown", "settings         A=1, B=2", "",
    "2 problems:"
  ))
  expect_identical(substr(lines[12:15], 1, 6), c("! long", "  long", "  long", "! {sho"))
  expect_lte(max(nchar(lines)), 100)
})
