# Row 19: several sessions at once. Two R processes, a cluster of package parallel and, where
# package future is there, its sessions compute at the same time, each on two threads; each gives
# the bits of a session alone on one.

source("dev/trust/row.R")
source("dev/trust/calls.R")

set.seed(19)
tried <- if (is_full) kinds else kinds[pick(seq_along(kinds), 10)]
rounds <- how_many(10, 2)
alone <- hashes_of(tried, threads = 1)

# What each session does, over and over, once all have met: a list of hashes, by round.
meeting <- tempfile("meeting")
dir.create(meeting)
work <- function(names, rounds, meeting, sessions) {
  source("dev/trust/row.R")
  source("dev/trust/calls.R")
  file.create(tempfile("session", meeting))
  while (length(list.files(meeting)) < sessions) Sys.sleep(0.01)
  lapply(seq_len(rounds), function(round) hashes_of(kinds[names], threads = 2))
}
arguments <- list(names(tried), rounds, meeting)

in_cluster <- function() {
  cluster <- parallel::makePSOCKcluster(2)
  on.exit(parallel::stopCluster(cluster))
  parallel::clusterCall(cluster, do.call, work, arguments)
}

in_futures <- function() {
  old <- future::plan(future::multisession, workers = 2)
  on.exit(future::plan(old))
  futures <- lapply(1:2, function(i) {
    future::future(do.call(work, arguments), globals = list(work = work, arguments = arguments))
  })
  future::value(futures)
}

in_process <- function() {
  file <- tempfile()
  code <- bquote(saveRDS(list(do.call(.(work), .(arguments))), .(file)))
  cat(run_session(code, limit = 900), sep = "\n")
  readRDS(file)
}

ways <- list(process = in_process, `another process` = in_process, cluster = in_cluster)
if (requireNamespace("future", quietly = TRUE)) ways$futures <- in_futures

arguments$sessions <- 2 * length(ways) - 2

# All at once, each from a child of this process, which only waits for it.
jobs <- lapply(names(ways), function(name) parallel::mcparallel(ways[[name]](), name = name))
found <- parallel::mccollect(jobs)

for (name in names(ways)) {
  counter <- new_counter()
  sessions <- if (grepl("process", name)) 1 else 2
  for (hashes in unlist(found[[name]][seq_len(sessions)], FALSE)) {
    for (kind in names(tried)) {
      counter$check(identical(hashes[[kind]], alone[[kind]]), name, kind, "has other bits")
    }
  }
  counter$check(length(found[[name]]) == sessions, name, "said", toString(found[[name]]))
  counter$report(name)
}
