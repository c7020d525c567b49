# Row 12: forked children. A parent that uses threads forks, again and again, children that compute,
# ask for threads, fork children of their own, or end by quit(); they give the parent's bits on one
# thread within 10 seconds, and the parent keeps its threads.

source("dev/trust/row.R")
source("dev/trust/preload.R")
source("dev/trust/calls.R")
build_preload()
dyn.load(preload_library)

set.seed(12)
names <- names(kinds)[pick(seq_along(kinds), 3)]
are_same <- bits_of(kinds[unique(c("rows", names))])
limit <- 10

# What comes of `code`, or what went wrong, and after how long.
in_time <- function(code) {
  setTimeLimit(elapsed = limit, transient = TRUE)
  on.exit(setTimeLimit())
  start <- proc.time()[["elapsed"]]
  value <- tryCatch(code, error = conditionMessage)
  list(value = value, seconds = proc.time()[["elapsed"]] - start)
}

# Threads of this process that run while `code` does, for more than the moment of waking up.
running_threads <- function(code) {
  nanoseconds <- function() {
    tasks <- list.files("/proc/self/task", full.names = TRUE)
    vapply(file.path(tasks, "schedstat"), function(path) scan(path, n = 1, quiet = TRUE), 0)
  }
  before <- nanoseconds()
  force(code)
  after <- nanoseconds()
  before <- ifelse(names(after) %in% names(before), before[names(after)], 0)
  sum(after - before > 2e5)
}

# What a child finds: one thread, whatever it asks for, and the same bits.
in_child <- function() {
  conv_set_num_threads(4)
  alone <- conv_get_num_threads() == 1
  alone && all(are_same(4)) && running_threads(are_same(2)) == 1
}

# Whether `code` gives TRUE in each of two children.
in_two <- function(code) {
  found <- parallel::mclapply(1:2, function(i) code(), mc.cores = 2)
  identical(found, list(TRUE, TRUE))
}

children <- list(
  computes = function() in_two(in_child),
  `forks again` = function() in_two(function() in_two(in_child) && in_child()),
  `ends by quit()` = function() {
    done <- tempfile("done", "build/trust")
    on.exit(unlink(done))
    job <- parallel::mcparallel({
      if (in_child()) file.create(done)
      quit("no")
    })
    suppressWarnings(parallel::mccollect(job))
    dir.create(tempdir(), showWarnings = FALSE)  # R's quit() has removed it
    file.exists(done)
  }
)

options(nnconv.threads = 2)
counter <- new_counter()
slowest <- 0
for (round in seq_len(how_many(100, 6))) {
  options(nnconv.threads = 2)
  counter$check(all(are_same(2)), "round", round, "the parent has other bits")
  # On a busy machine one may have done all before the other woke up.
  for (attempt in 1:5) if ((threads <- running_threads(are_same(2))) == 2) break
  counter$check(threads == 2 && conv_get_num_threads() == 2, "round", round, threads, "threads")
  for (what in names(children)) {
    found <- in_time(children[[what]]())
    slowest <- max(slowest, found$seconds)
    counter$check(found$value, "round", round, what, found$value)
  }
}
counter$report("children of a parent with threads", sprintf("the slowest took %.1f s", slowest))

# Another package's threads wait in the parent, and this one is loaded in the child.
others <- new_counter()
for (threads in how_many(2:6, 4)) {
  said <- run_session(bquote({
    dyn.load(.(preload_library))
    invisible(.C("use_openmp", .(threads)))
    job <- parallel::mcparallel({
      library(nnconv)
      conv_set_num_threads(2)
      x <- array(as.numeric(1:9), c(16, 64, 14, 14))
      y <- nnf_conv2d(x, x[1:2, , 1:7, 1:7])
      c(conv_get_num_threads(), y[1] == sum(x[1, , 1:7, 1:7]^2))
    })
    cat("one thread, right:", parallel::mccollect(job)[[1]], "\n")
  }), limit = limit)
  others$check(identical(said, "one thread, right: 1 1 "), threads, "threads", said)
}
others$report("loaded in a child whose parent uses OpenMP")
