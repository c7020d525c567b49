# Row 11: no threads to be had. Many are asked for where few may live: under a limit that stands
# from the beginning, one that comes when threads were there before, a ceiling on memory, and a
# limit of the system on a user's processes. The session lives, and gives the bits of one thread.

source("dev/trust/row.R")
source("dev/trust/preload.R")
source("dev/trust/calls.R")
build_preload()

# In a session of its own the calls of some kinds are made on one thread, then as `code` says: it
# calls `try_threads(n)`. The session prints what came of each call, and ends by itself.
set.seed(11)
names <- names(kinds)[pick(seq_along(kinds), how_many(12, 4))]
session <- function(code) {
  prologue <- bquote({
    source("dev/trust/row.R")
    source("dev/trust/preload.R")
    dyn.load(preload_library)
    source("dev/trust/calls.R")
    are_same <- bits_of(kinds[.(names)])
    try_threads <- function(n) cat(ifelse(are_same(n), "same", "OTHER"), sep = "\n")
  })
  c(deparse(prologue), deparse(code), 'cat("most threads:", count_threads()[["started"]], "\n")')
}

most_started <- 0
try_session <- function(counter, code, tries, label, env = character(), ...) {
  variables <- c("OPENBLAS_NUM_THREADS=1", preload_variable(), env)
  said <- run_session(session(code), limit = 120, env = variables, ...)
  ended <- grep("^most threads: ", said, value = TRUE)
  started <- as.numeric(sub(".*: ", "", ended))
  most_started <<- max(most_started, started)
  same <- sum(said == "same")
  for (i in seq_len(tries * length(names))) {
    counter$check(i <= same && length(ended) == 1, label, utils::tail(said, 1))
  }
}

limited <- new_counter()
for (most in how_many(0:12, c(0, 3))) {
  try_session(limited, bquote({
    limit_threads(.(most))
    try_threads(200)
  }), 1, paste("at most", most, "threads"))
}
limited$report("a limit from the beginning")

later <- new_counter()
for (more in how_many(0:8, 1)) {
  try_session(later, bquote({
    try_threads(8)
    try_threads(2)
    limit_threads(count_threads()[["living"]] + .(more))
    try_threads(8)
    try_threads(3)
    try_threads(200)
  }), 5, paste("at most", more, "more threads"))
}
later$report("a limit that comes later")

ceiling <- new_counter()
for (megabytes in how_many(c(800, 900, 1000, 1200, 1500, 2000, 3000), 900)) {
  try_session(ceiling, quote(try_threads(200)), 1, paste("under", megabytes, "MB"),
    shell = sprintf("ulimit -v %d;", megabytes * 1000))
}
ceiling$report("a ceiling on memory")

# Root has no such limit, so it becomes nobody, who has to read the script.
processes <- new_counter()
is_root <- Sys.info()[["effective_user"]] == "root"
nobody <- c("HOME=/tmp", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
Sys.chmod(tempdir(), "755")
for (most in how_many(c(4, 6, 10, 30), 6)) {
  try_session(processes, quote(try_threads(200)), 1, paste("of at most", most, "processes"),
    env = if (is_root) nobody, shell = sprintf("ulimit -u %d;", most))
}
processes$report("a limit on processes", sprintf("at most %d threads started", most_started))
