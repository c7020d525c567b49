# How time is taken. Contenders have their turns one after the other, once a round, in an order
# drawn anew; a turn is a loop of calls that fills `seconds`, between two readings of the clock, so
# that what a call leaves to the garbage collector is counted as a user meets it; and a figure is
# the median over the rounds. PyTorch's side, bench/torch_times.py, does the same.

now <- function() unclass(Sys.time())

# A function that makes `count` times the call, which finds its data in the environment `data`.
repeated <- function(call, data) {
  body <- bquote(for (i in seq_len(count)) .(call))
  compiler::cmpfun(as.function(c(alist(count = ), body), envir = data))
}

elapsed <- function(calls, count) {
  start <- now()
  calls(count)
  now() - start
}

# A function that takes a turn and gives the time of a call. A call that is longer than ten turns
# keeps the time of its first.
contender <- function(calls) {
  seconds <- settings$seconds
  took <- elapsed(calls, 1)
  if (took > 10 * seconds) return(function() took)
  count <- 1
  while ((took <- elapsed(calls, count)) < seconds / 10) count <- 2 * count
  count <- ceiling(count * seconds / took)
  function() elapsed(calls, count) / count
}

# The time of a call of each contender.
in_turn <- function(contenders) {
  times <- matrix(NA, length(contenders), settings$rounds, dimnames = list(names(contenders), NULL))
  for (round in seq_len(settings$rounds)) {
    for (i in sample(length(contenders))) times[i, round] <- contenders[[i]]()
  }
  apply(times, 1, stats::median)
}
