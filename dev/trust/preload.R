# Memory and threads taken away from the package: by the library of preload.cpp, or by the system.

preload_library <- file.path(getwd(), "build/trust/preload.so")

# Starts the row again with the library loaded before everything else, and ends as that does.
preload <- function() {
  if (Sys.getenv("LD_PRELOAD") != preload_library) {
    build_preload()
    script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
    rscript <- file.path(R.home("bin"), "Rscript")
    quit(status = system2(rscript, c(script, commandArgs(TRUE)), env = preload_variable()))
  }
  dyn.load(preload_library)
}

preload_variable <- function() paste0("LD_PRELOAD=", preload_library)

# Under another name first, for two rows may build it at once.
build_preload <- function() {
  source <- "dev/trust/preload.cpp"
  is_built <- file.exists(preload_library) && file.mtime(preload_library) > file.mtime(source)
  if (is_built) return(invisible())
  dir.create(dirname(preload_library), recursive = TRUE, showWarnings = FALSE)
  made <- tempfile("preload", dirname(preload_library))
  flags <- "-std=c++17 -O2 -fopenmp -shared -fPIC"
  if (system2("g++", c(flags, "-o", made, source, "-ldl"))) stop("preload.cpp does not compile")
  invisible(file.rename(made, preload_library))
}

# Evaluates `code` while the package's allocations, of `least` bytes, are watched. The one of the
# number `fail` fails, where `all` those after it too; `of_r`: also R's own are asked for and may
# fail. A list: the value, or NULL; the error's message, or NULL; how many were asked for.
watch <- function(code, fail = 0, all = FALSE, least = 0, of_r = FALSE) {
  message <- NULL
  on.exit(.C("end_watch", 0L, 0L))
  .C("watch_allocations", as.integer(fail), as.integer(all), as.integer(least), as.integer(of_r))
  value <- tryCatch(code, error = function(condition) {
    message <<- conditionMessage(condition)
    NULL
  })
  asked <- .C("end_watch", 0L, 0L)[[1]]
  list(value = value, message = message, asked = asked)
}

# Blocks that were allocated while watched, and are still there. What waits for a next call is given
# up when there is no memory: so there is none, for a result of the largest size that is kept.
live_blocks <- function() {
  # What a finalizer or a weak reference held goes with the second.
  gc()
  gc()
  starved <- watch(nnf_pad(array(0, 1), c(0, 8e6)), fail = 1, all = TRUE, least = 2^20)
  if (is.null(starved$message)) stop("a call without memory came to its end")
  .C("end_watch", 0L, 0L)[[2]]
}

# At most so many threads beside the first may live from now on.
limit_threads <- function(most) .C("limit_threads", as.integer(most))

# How many live, and how many were ever started.
count_threads <- function() {
  stats::setNames(unlist(.C("count_threads", 0L, 0L)), c("living", "started"))
}

# The process may have so many megabytes of address space more than it needs; NULL: no ceiling.
set_ceiling <- function(megabytes) {
  gc()
  status <- readLines("/proc/self/status")
  used <- 1024 * as.numeric(gsub("[^0-9]", "", grep("^VmSize", status, value = TRUE)))
  most <- if (is.null(megabytes)) "unlimited" else sprintf("%.0f", used + 2^20 * megabytes)
  limit <- sprintf("prlimit --pid %d --as=%s:unlimited", Sys.getpid(), most)
  if (system(limit)) stop("no ceiling can be set")
}
