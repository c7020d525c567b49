# The machine and the software on it.

about_machine <- function() {
  data.frame(
    date = format(Sys.time(), "%Y-%m-%d %H:%M"),
    processor = processor(),
    cores = parallel::detectCores(),
    isa = nnconv:::isa_(),
    commit = commit(),
    r = as.character(getRversion()),
    torch = if (is.null(torch)) NA else attr(torch, "version"),
    torch_blas = if (is.null(torch)) NA else attr(torch, "blas"),
    load = load_average()
  )
}

# Processes that ran in the last minute.
load_average <- function() {
  load <- as.numeric(sub(" .*", "", c(said_by("cat", "/proc/loadavg"), NA)[1]))
  if (isTRUE(load > 0.5)) message("The machine is busy: times will be too long.")
  load
}

# The lines that a command prints; none where it fails.
said_by <- function(command, arguments = character()) {
  none <- function(condition) character()
  tryCatch(
    system2(command, arguments, stdout = TRUE, stderr = FALSE),
    error = none, warning = none
  )
}

processor <- function() {
  name <- sub(".*: ", "", grep("^model name", said_by("cat", "/proc/cpuinfo"), value = TRUE))
  c(name, Sys.info()[["machine"]])[1]
}

# Of the sources, which are those installed where `make bench` runs.
commit <- function() {
  c(said_by("git", c("describe", "--always", "--dirty", "--exclude", shQuote("*"))), "unknown")[1]
}

# GFLOP/s in double and in single precision; NA where the loop cannot be compiled.
peak <- function(n_threads) {
  program <- file.path(tempdir(), "peak")
  if (!file.exists(program)) {
    said_by("g++", c("-O3", "-march=native", "-fopenmp", "bench/peak.cpp", "-o", program))
  }
  rates <- said_by(program, n_threads)
  if (!length(rates)) {
    message("The peak is not known: bench/peak.cpp needs g++.")
    return(c(NA_real_, NA_real_))
  }
  as.numeric(strsplit(rates, " ")[[1]])
}
