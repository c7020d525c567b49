# The tests on other machines than this one, as far as they can be had here: each instruction set
# forced; emulated processors that lack AVX, or are ARM; builds without OpenMP, by clang with its
# own OpenMP, and with link-time optimisation; other locales; R at its strictest.

source("dev/trust/row.R")
source("dev/trust/builds.R")

work <- "build/trust/machines"
dir.create(work, recursive = TRUE, showWarnings = FALSE)

# ---- parts ----

# The R tests over the package in `library`; those of values and Winograd as a sample.
run_r_tests <- function(part, env = character(), library = "build/lib") {
  filter <- if (!is_full) shQuote("^(values|winograd)$")
  run_suite(part, env, c(r_with(library), "dev/run-tests.R", "--args", "nnconv", filter))
}

# ---- the machines ----

# qemu knows processors without AVX and, up to AVX2, with it.
emulated <- function(processor, expected) {
  r <- r_with("build/lib", c("qemu-x86_64", "-cpu", processor))
  command <- c(r, "dev/trust/emulated.R", "--args", expected)
  # A session with rlang alone ends by this signal there.
  run_suite(paste("emulated", processor), character(), command, exit = 139)
}

for (name in Filter(has_isa, c("baseline", "avx2", "avx512"))) {
  run_r_tests(name, paste0("NNCONV_ISA=", name))
}

locales <- file.path(work, "locale")
dir.create(locales, showWarnings = FALSE)
for (locale in c("de_DE", "tr_TR")) {
  path <- file.path(locales, paste0(locale, ".UTF-8"))
  if (!dir.exists(path)) system2("localedef", c("-i", locale, "-f", "UTF-8", path))
  settings <- c(
    paste0("LOCPATH=", normalizePath(locales)), paste0("LC_ALL=", locale, ".UTF-8"),
    paste0("LANGUAGE=", substr(locale, 1, 2))
  )
  if (is_full || locale == "tr_TR") run_r_tests(paste("locale", locale), settings)
}
run_r_tests("locale C", c("LC_ALL=C", "LANGUAGE="))

profile <- file.path(work, "strict.R")
writeLines(c(
  "setHook(packageEvent('nnconv', 'attach'), function(...) options(",
  "  warn = 2, warnPartialMatchArgs = TRUE, warnPartialMatchAttr = TRUE,",
  "  warnPartialMatchDollar = TRUE, scipen = 100, OutDec = ','",
  "))"
), profile)
run_r_tests("strict R", c(
  "_R_CHECK_LENGTH_1_LOGIC2_=true", "_R_CHECK_LENGTH_1_CONDITION_=true",
  "_R_CLASS_MATRIX_ARRAY_=true", paste0("R_PROFILE_USER=", normalizePath(profile))
))

emulated("Nehalem", "baseline")
if (is_full) {
  emulated("Haswell-v4", "avx2")

  for (variant in c("plain", "arm")) {
    make <- c("make", "-j2", "--no-print-directory", "-f", "dev/core.mk", "test")
    run_suite(paste("core,", variant), character(), c(make, paste0("variant=", variant)))
  }
  builds <- list(
    "without OpenMP" = c("SHLIB_OPENMP_CXXFLAGS =", "SHLIB_OPENMP_CFLAGS ="),
    "clang, libomp" = c("CXX17 = clang++", "SHLIB_OPENMP_CXXFLAGS = -fopenmp=libomp"),
    "link-time optimisation" = "LTO = -flto=2"
  )
  for (name in names(builds)) {
    library <- build_package(gsub("[^a-z]+", "-", tolower(name)), builds[[name]],
      if (startsWith(name, "link")) "--use-LTO" else character())
    if (!is.null(library)) run_r_tests(name, library = library)
  }
}
