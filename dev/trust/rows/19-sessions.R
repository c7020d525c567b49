# Row 19: several sessions at once. Two R processes, clusters of package parallel, forked and not,
# and, where package future is there, its sessions compute at the same time, each on two threads
# where it may; each gives the bits of a session alone on one.

source("dev/trust/row.R")
source("dev/trust/calls.R")

set.seed(19)
names <- names(kinds)[if (is_full) seq_along(kinds) else pick(seq_along(kinds), 8)]
tried <- kinds_with_large(names)
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
  lapply(seq_len(rounds), function(round) hashes_of(kinds_with_large(names), threads = 2))
}

in_cluster <- function(work, arguments, type) {
  cluster <- parallel::makeCluster(2, type)
  on.exit(parallel::stopCluster(cluster))
  parallel::clusterCall(cluster, do.call, work, arguments)
}

in_futures <- function() {
  old <- future::plan(future::multisession, workers = 2)
  on.exit(future::plan(old))
  globals <- list(work = work, arguments = arguments)
  futures <- lapply(1:2, function(i) future::future(do.call(work, arguments), globals = globals))
  future::value(futures)
}

# The value of a call in a session of its own.
in_session <- function(call) {
  file <- tempfile()
  cat(run_session(bquote(saveRDS(.(call), .(file))), limit = 900), sep = "\n")
  readRDS(file)
}

ways <- list(
  process = function() in_session(bquote(list(do.call(.(work), .(arguments))))),
  `another process` = function() ways$process(),
  cluster = function() in_cluster(work, arguments, "PSOCK"),
  # In a session, for R does not let a child of mcparallel() have such children; it computes before,
  # so that they inherit what waits for the next call.
  `forked cluster` = function() in_session(bquote({
    (.(work))(.(arguments[[1]]), 1, tempdir(), 0)
    (.(in_cluster))(.(work), .(arguments), "FORK")
  }))
)
if (requireNamespace("future", quietly = TRUE)) ways$futures <- in_futures
sessions <- ifelse(grepl("process", names(ways)), 1, 2)
arguments <- list(names, rounds, meeting, sum(sessions))

# All at once, each from a child of this process, which only waits for it.
jobs <- lapply(names(ways), function(name) parallel::mcparallel(ways[[name]](), name = name))
found <- parallel::mccollect(jobs)

for (i in seq_along(ways)) {
  name <- names(ways)[i]
  counter <- new_counter()
  counter$check(length(found[[name]]) == sessions[i], name, "said", toString(found[[name]]))
  for (hashes in Filter(is.character, unlist(found[[name]], FALSE))) {
    for (kind in names(tried)) {
      counter$check(identical(hashes[[kind]], alone[[kind]]), name, kind, "has other bits")
    }
  }
  counter$report(name)
}
