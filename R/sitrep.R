# What nnconv finds on this machine and in this session, and what is wrong with it.

#' Situation report
#'
#' What nnconv finds on this machine and in this session, and what makes it slower than it could be
#' or keeps something from working. To be looked at first, and shown when help is asked for.
#'
#' Printed it looks like this:
#' ```
#' nnconv 0.1.0, R 4.2.2, x86_64-pc-linux-gnu
#' processor        AMD EPYC 7R13 Processor
#' instruction set  baseline, of avx2, baseline
#' threads          1 of 4 processors
#' OpenMP           yes
#' algorithm        auto
#' huge pages       madvise
#' last cache       32 MiB
#' settings         NNCONV_ISA=baseline, OMP_NUM_THREADS=1
#'
#' 2 problems:
#' ! The environment variable NNCONV_ISA holds nnconv to baseline, and the processor has avx2.
#'   Unset it before R starts.
#' ! The environment variable OMP_NUM_THREADS holds nnconv to 1 of 4 processors. Unset it, or call
#'   conv_set_num_threads(4).
#'
#' Not installed:
#' - safetensors (0.3.0 or newer), for `conv_read_safetensors()` and `conv_write_safetensors()`
#'   Run install.packages("safetensors").
#' ```
#' The processors are those that this process may use, by its affinity and the quota of its control
#' group. Huge pages are the setting of Linux for pages of 2 MiB; with `never` large results take
#' longer to write. The last cache is the third one, where Linux tells its size.
#'
#' @return A list of class `nnconv_sitrep`, which has a `print()` method:
#'   \describe{
#'     \item{`version`, `r_version`, `platform`, `processor`}{Strings.}
#'     \item{`instruction_set`, `instruction_sets`}{The one in use, and all that this processor
#'       runs, best first.}
#'     \item{`threads`, `processors`}{The threads of a large call (`NA` where the option
#'       `nnconv.threads` is wrong), and the processors that this process may use.}
#'     \item{`most_threads`}{The most that can be asked for.}
#'     \item{`openmp`, `forked`}{Whether nnconv was built with OpenMP, whether this is a forked
#'       child of the process that loaded it.}
#'     \item{`algorithm`}{As [conv_get_algorithm()]; `NA` where the option is wrong.}
#'     \item{`huge_pages`, `cache`, `float_mode`}{`"always"`, `"madvise"`, `"never"` or `NA`; bytes,
#'       0 where it is not known; `"default"` or `"other"`.}
#'     \item{`settings`}{Those of the environment variables and options that nnconv heeds which are
#'       set: strings by their names.}
#'     \item{`packages`}{Whether the packages that some functions want, and nnconv does not install,
#'       are there: `TRUE` or `FALSE` by their names.}
#'     \item{`problems`}{What is wrong and what to do about it, strings; none where all is well.}
#'   }
#' @seealso [conv_set_num_threads()], [conv_set_algorithm()]
#' @examples
#' report <- nnconv_sitrep()
#' report$algorithm
#' #> [1] "auto"
#' report$instruction_set %in% report$instruction_sets
#' #> [1] TRUE
#' @export
nnconv_sitrep <- function() {
  report <- c(
    list(
      version = as.character(utils::packageVersion("nnconv")),
      r_version = as.character(getRversion()),
      platform = R.version$platform,
      processor = processor_name(),
      instruction_set = isa_(),
      instruction_sets = isas_(),
      threads = threads_of_calls(),
      algorithm = or_na(conv_get_algorithm()),
      huge_pages = huge_pages(),
      settings = heeded_settings(),
      packages = vapply(names(suggested_packages), is_installed, NA)
    ),
    machine_()
  )
  report$problems <- find_problems(report)
  structure(report, class = "nnconv_sitrep")
}

or_na <- function(code) {
  tryCatch(code, nnconv_error = function(fault) NA)
}

# ---- what there is ----

# Whatever the option of the algorithm is, which is read with that of the threads.
threads_of_calls <- function() {
  old <- options(nnconv.algorithm = NULL)
  on.exit(options(old))
  or_na(conv_get_num_threads())
}

processor_name <- function(path = "/proc/cpuinfo") {
  lines <- if (file.exists(path)) readLines(path, warn = FALSE)
  model <- grep("^model name", lines, value = TRUE)
  if (length(model)) sub("^[^:]*: *", "", model[[1L]]) else Sys.info()[["machine"]]
}

# The word in brackets: "always [madvise] never".
huge_pages <- function(path = "/sys/kernel/mm/transparent_hugepage/enabled") {
  line <- if (file.exists(path)) readLines(path, warn = FALSE) else ""
  if (grepl("[", line, fixed = TRUE)) gsub(".*\\[|\\].*", "", line) else NA_character_
}

# Options and environment variables, as they were typed.
heeded_settings <- function() {
  variables <- c(
    "NNCONV_ISA", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_PROC_BIND", "GOMP_CPU_AFFINITY"
  )
  options <- c("nnconv.threads", "nnconv.algorithm")
  environment <- Sys.getenv(variables)
  set <- options()[options]
  c(environment[nzchar(environment)], vapply(Filter(Negate(is.null), set), short_code, ""))
}

short_code <- function(value) {
  strtrim(deparse1(if (is.integer(value)) as.double(value) else value), 40L)
}

# ---- what is wrong ----

# A rule each: what is wrong in a report and what to do about it, or NULL.
sitrep_rules <- list(
  openmp = function(report) {
    if (!report$openmp) {
      paste(
        "nnconv was built without OpenMP and has one thread. Install it where R has a compiler",
        "with OpenMP: `R CMD config SHLIB_OPENMP_CXXFLAGS` tells its flag."
      )
    }
  },
  isa = function(report) {
    asked <- report$settings["NNCONV_ISA"]
    used <- report$instruction_set
    best <- report$instruction_sets[[1L]]
    if (!is.na(asked) && !asked %in% report$instruction_sets) {
      paste0(
        "The environment variable NNCONV_ISA is ", dQuote(asked, FALSE), ", which is none of ",
        enumerate(report$instruction_sets), ": ", used, " is used. Unset it."
      )
    } else if (!is.na(asked) && asked != used) {
      paste0(
        "The environment variable NNCONV_ISA was set to ", asked, " when ", used, " was in use ",
        "already. Set it before R starts."
      )
    } else if (used != best) {
      paste0(
        "The environment variable NNCONV_ISA holds nnconv to ", used, ", and the processor has ",
        best, ". Unset it before R starts."
      )
    }
  },
  affinity = function(report, machine = parallel::detectCores()) {
    if (report$processors == 1L && isTRUE(machine > 1L)) {
      paste0(
        "This process may use 1 of the machine's ", machine, " processors. Look at its affinity (",
        "taskset, OMP_PROC_BIND, a scheduler's settings) and the quota of its control group."
      )
    }
  },
  limit = function(report) {
    if (report$openmp && !report$forked && report$most_threads < report$processors) {
      paste0(
        "The environment variable OMP_THREAD_LIMIT holds nnconv to ", report$most_threads, " of ",
        report$processors, " processors. Unset it before R starts."
      )
    }
  },
  forked = function(report) {
    if (report$forked) {
      paste(
        "This is a forked child, as those of parallel::mclapply() are, and calls have one thread.",
        "Workers of parallel::makeCluster() have more."
      )
    }
  },
  threads = function(report) {
    asked <- report$settings["nnconv.threads"]
    if (is.na(report$threads)) {
      paste0(
        "The option nnconv.threads is ", asked, ", not a whole number of at least 1, and every ",
        "call will fail. Set it by conv_set_num_threads()."
      )
    } else if (!is.na(asked) && report$threads > report$processors) {
      paste0(
        "The option nnconv.threads asks for ", report$threads, " threads on ", report$processors,
        " processors, which takes longer. Call conv_set_num_threads(", report$processors, ")."
      )
    } else if (is.na(asked) && report$threads < min(report$processors, report$most_threads)) {
      paste0(
        "The environment variable OMP_NUM_THREADS holds nnconv to ", report$threads, " of ",
        report$processors, " processors. Unset it, or call conv_set_num_threads(",
        report$processors, ")."
      )
    }
  },
  algorithm = function(report) {
    if (is.na(report$algorithm)) {
      paste0(
        "The option nnconv.algorithm is ", report$settings["nnconv.algorithm"], ", which is none ",
        "of ", enumerate(dQuote(algorithms, FALSE)), ", and every call will fail. Set it by ",
        "conv_set_algorithm()."
      )
    }
  },
  huge_pages = function(report) {
    if (identical(report$huge_pages, "never")) {
      paste(
        "Linux gives no huge pages, and large results take longer. An administrator can write",
        "madvise to /sys/kernel/mm/transparent_hugepage/enabled."
      )
    }
  },
  float_mode = function(report) {
    if (report$float_mode != "default") {
      paste(
        "Another library changed the processor's floating-point mode: in R tiny numbers may become",
        "0, or numbers be rounded otherwise. Calls of nnconv are not touched; find the library."
      )
    }
  }
)

find_problems <- function(report) {
  as.character(unlist(lapply(sitrep_rules, function(rule) rule(report))))
}

# ---- printing ----

#' @export
format.nnconv_sitrep <- function(x, ...) {
  settings <- enumerate(paste0(names(x$settings), "=", x$settings))
  facts <- c(
    processor = x$processor,
    "instruction set" = paste0(x$instruction_set, ", of ", enumerate(x$instruction_sets)),
    threads = paste(x$threads, "of", x$processors, "processors"),
    OpenMP = if (x$openmp) "yes" else "no",
    algorithm = x$algorithm,
    "huge pages" = if (is.na(x$huge_pages)) "unknown" else x$huge_pages,
    "last cache" = if (x$cache > 0) paste(x$cache / 2^20, "MiB") else "unknown",
    settings = if (length(x$settings)) settings else "none"
  )
  count <- length(x$problems)
  c(
    paste0("nnconv ", x$version, ", R ", x$r_version, ", ", x$platform),
    paste0(format(names(facts)), "  ", facts),
    "",
    switch(min(count, 2L) + 1L, "No problems.", "1 problem:", paste(count, "problems:")),
    unlist(lapply(x$problems, strwrap, width = 100, exdent = 2, initial = "! ")),
    packages_to_install(names(which(!x$packages)))
  )
}

# What is missing is no problem for those who do not want what it is for.
packages_to_install <- function(missing) {
  if (length(missing)) {
    wants <- suggested_packages[missing]
    least <- vapply(wants, `[[`, "", "least")
    wanted_by <- vapply(wants, `[[`, "", "wanted_by")
    c(
      "", "Not installed:",
      paste0("- ", missing, " (", least, " or newer), for ", wanted_by),
      paste0("  Run install.packages(", deparse1(missing), ").")
    )
  }
}

#' @export
print.nnconv_sitrep <- function(x, ...) {
  cli::cat_line(format(x))
  invisible(x)
}
