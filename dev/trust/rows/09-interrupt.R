# Row 9: a signal, or a time limit, at random moments of calls of every kind. The call ends within a
# quarter of a second, as R's own condition; no block and no vector is lost, a module is as it was,
# and the next calls give the same bits. Calling handlers may compute, or let the call go on.

source("dev/trust/row.R")
source("dev/trust/preload.R")
preload()
source("dev/trust/calls.R")

bound <- 0.25
starved <- watch(nnf_pad(array(0, 1), c(0, 1)), fail = 1)
kept <- live_blocks()

# Now, and for how long this thread waited for a processor so far, in seconds: what other processes
# take is not the package's. On an idle machine it is nothing.
moment <- function() {
  waited <- scan("/proc/self/schedstat", quiet = TRUE)[2] / 1e9
  c(now = unclass(Sys.time()), waited = waited)
}
seconds_between <- function(from, to) {
  passed <- to - from
  c(all = passed[["now"]], own = passed[["now"]] - passed[["waited"]])
}

# Notes the moment after so many seconds, in the background, and may send this process an interrupt.
note_after <- function(after, note, signals) {
  steps <- sprintf(
    "sleep %f; read _ w _ < /proc/%d/schedstat; echo $EPOCHREALTIME $w >> %s",
    after, Sys.getpid(), note
  )
  if (signals) steps <- paste0(steps, "; kill -INT ", Sys.getpid())
  system2("bash", c("-c", shQuote(steps)), wait = FALSE)
}
noted <- function(note) {
  found <- scan(note, quiet = TRUE)
  c(now = found[1], waited = found[2] / 1e9)
}

# Runs the call with a signal after so many seconds. A list: whether it came within the call, how
# long the condition took, and its class.
interrupt <- function(call, after) {
  note <- tempfile()
  on.exit(unlink(note))
  ended <- FALSE
  note_after(after, note, signals = TRUE)
  found <- tryCatch(
    {
      watch(call$run())
      ended <- TRUE
      Sys.sleep(60)
    },
    interrupt = function(condition) list(at = moment(), class = class(condition))
  )
  list(within = !ended, took = seconds_between(noted(note), found$at), class = found$class)
}

# The same for a limit on elapsed time; its message is the class.
limit <- function(call, after) {
  note <- tempfile()
  on.exit(unlink(note))
  start <- moment()
  note_after(after, note, signals = FALSE)
  on.exit(setTimeLimit(), add = TRUE)
  setTimeLimit(elapsed = after, transient = TRUE)
  ended <- FALSE
  tried <- watch({
    call$run()
    ended <- TRUE
    setTimeLimit()
  })
  at <- moment()
  while (!file.exists(note) || !length(readLines(note))) Sys.sleep(0.01)
  from <- c(start["now"] + after, noted(note)["waited"])
  list(within = !ended, took = seconds_between(from, at), class = tried$message)
}

worst <- c(all = 0, own = 0)
vector_bytes <- function() sum(gc()["Vcells", "used"]) * 8

# Runs of a kind that may be ended: a long call and a short one, with the bits that they give.
new_runs <- function(kind) {
  options(nnconv.threads = 1)
  calls <- list(long = new_call(kind, long = TRUE), short = new_call(kind))
  run <- function(which) {
    calls[[which]]$prepare()
    calls[[which]]$run()
  }
  bits <- lapply(stats::setNames(nm = names(calls)), run)
  duration <- system.time(run("long"))[["elapsed"]]
  list(
    kind = kind, call = calls$long, duration = duration, expected = bits$long,
    goes_on = function(which) identical(run(which), bits[[which]])
  )
}

# A moment within a call on so many threads.
some_moment <- function(runs, threads) stats::runif(1, 0.01, max(0.02, runs$duration / threads))

# Ends `count` of them by `end(call, after)`, each as `class` says. Many attempts come too late: R
# looks at its limits at every sixth poll.
end_runs <- function(counter, runs, count, end, class) {
  runs$call$prepare()
  before <- vector_bytes()
  within <- 0
  for (attempt in seq_len(12 * count)) {
    threads <- 1 + attempt %% 2
    options(nnconv.threads = threads)
    runs$call$prepare()
    after <- some_moment(runs, threads)
    found <- end(runs$call, after)
    if (!found$within) next
    within <- within + 1
    worst <<- pmax(worst, found$took)
    counter$check(
      identical(found$class, class) && found$took[["own"]] <= bound && !runs$call$changed() &&
        runs$goes_on("short") && (within %% 10 > 0 || runs$goes_on("long")),
      runs$kind$name, "after", after, "s:", toString(found$took), toString(found$class)
    )
    if (within == count) break
  }
  runs$call$prepare()
  lost <- c(live_blocks() - kept, vector_bytes() - before)
  counter$check(lost[1] == 0 && lost[2] < 2^20, runs$kind$name, "lost", lost, "blocks, bytes")
  counter$check(within >= count / 2, runs$kind$name, "was ended", within, "times only")
}

# A handler may compute, and the call ends then; or it lets the call go on, with the same bits.
handle_signals <- function(counter, runs) {
  for (threads in how_many(1:2, 2)) {
    options(nnconv.threads = threads)
    within <- FALSE
    runs$call$prepare()
    found <- tryCatch(
      withCallingHandlers(interrupt_within(runs, threads), interrupt = function(condition) {
        within <<- runs$goes_on("short")
      }),
      interrupt = function(condition) "ended"
    )
    counter$check(within && identical(found, "ended"), runs$kind$name, "a handler that computes")

    runs$call$prepare()
    seen <- 0
    found <- withCallingHandlers(interrupt_within(runs, threads), interrupt = function(condition) {
      seen <<- seen + 1
      invokeRestart("resume")
    })
    counter$check(seen == 1 && identical(found, runs$expected), runs$kind$name, "goes on", seen)
  }
}

# The call, with a signal early in it.
interrupt_within <- function(runs, threads) {
  note <- tempfile()
  note_after(runs$duration / threads / 4, note, signals = TRUE)
  value <- runs$call$run()
  # A signal that came late.
  while (!file.exists(note)) Sys.sleep(0.01)
  Sys.sleep(0.1)
  value
}

set.seed(9)
tried <- if (is_full) kinds else kinds[pick(seq_along(kinds), 3)]
signals <- new_counter()
limits <- new_counter()
handlers <- new_counter()
for (kind in tried) {
  runs <- new_runs(kind)
  end_runs(signals, runs, how_many(50, 4), interrupt, c("interrupt", "condition"))
  end_runs(limits, runs, how_many(6, 1), limit, "reached elapsed time limit")
  handle_signals(handlers, runs)
}
signals$report("signals", sprintf(
  "at most %.0f ms, %.0f of them its own", 1e3 * worst[["all"]], 1e3 * worst[["own"]]
))
limits$report("limits on elapsed time")
handlers$report("calling handlers")
