# Runs the rows of rows.csv, each in a process of its own, and prints risk by risk what was tried,
# what failed and the figure reached. A whole run is stored in dev/trust/results.
# Usage: Rscript dev/trust/run.R full|quick [names or numbers of rows]; the exit status is 1 when a
# row failed, did not come to its end, or tried less than it has to.

arguments <- commandArgs(TRUE)
mode <- match.arg(arguments[1], c("full", "quick"))
rows <- utils::read.csv("dev/trust/rows.csv", colClasses = "character")
only <- arguments[-1]
if (length(only)) {
  unknown <- setdiff(only, c(rows$number, rows$name))
  if (length(unknown)) stop("No such row: ", toString(unknown))
  rows <- rows[rows$number %in% only | rows$name %in% only, ]
}

script_of <- function(row) sprintf("dev/trust/rows/%02d-%s.R", as.integer(row$number), row$name)

logs <- file.path(getwd(), "build/trust/logs")
dir.create(logs, recursive = TRUE, showWarnings = FALSE)
path_of <- function(row, what) file.path(logs, paste0(row$name, ".", what))

# A row ends by its own limits; this one is for a row that hangs.
limit <- if (mode == "full") 90 * 60 else 600

# A process in the background; its exit status, seconds and reports go to files.
start_row <- function(row) {
  file.remove(Filter(file.exists, path_of(row, c("csv", "status", "log"))))
  command <- sprintf(
    "( %s NNCONV_TRUST=%s NNCONV_TRUST_REPORT=%s timeout -k 10 %d %s %s >%s 2>&1; %s )",
    "start=$(date +%s);", mode, path_of(row, "csv"), limit, file.path(R.home("bin"), "Rscript"),
    script_of(row), path_of(row, "log"),
    sprintf("echo $? $(($(date +%%s) - start)) >%s", path_of(row, "status"))
  )
  system(command, wait = FALSE)
}

has_ended <- function(row) {
  path <- path_of(row, "status")
  file.exists(path) && length(readLines(path)) == 1
}

# The figures of the parts; of those that are a share of a bound the largest.
summarise_figures <- function(figures) {
  share <- "^at most ([^ ]+) of the bound *$"
  shares <- as.numeric(sub(share, "\\1", grep(share, figures, value = TRUE)))
  if (length(shares)) shares <- sprintf("at most %.2g of the bound", max(shares))
  c(shares, grep(share, figures, value = TRUE, invert = TRUE))
}

# What a row reported: its parts summed, and whether it stands.
outcome <- function(row) {
  ended <- scan(path_of(row, "status"), quiet = TRUE)
  parts <- if (file.exists(path_of(row, "csv"))) {
    utils::read.csv(path_of(row, "csv"), header = FALSE,
      col.names = c("part", "tried", "failed", "figure"),
      colClasses = c(part = "character", figure = "character"), na.strings = "")
  }
  tried <- sum(parts$tried)
  failed <- sum(parts$failed)
  enough <- tried >= if (mode == "full") as.numeric(row$least) else 1
  stands <- ended[1] == 0 && failed == 0 && enough
  problem <- if (ended[1] == 124) {
    "did not end"
  } else if (ended[1] != 0 && failed == 0) {
    paste("exit status", ended[1])
  } else if (!enough) {
    "tried too little"
  }
  notes <- summarise_figures(parts$figure[!is.na(parts$figure)])
  data.frame(
    row = row$number, risk = row$risk, promise = row$figure, tried = tried, failed = failed,
    figure = paste(c(problem, notes), collapse = "; "), seconds = ended[2],
    stands = if (stands) "yes" else "NO"
  )
}

print_outcome <- function(found) {
  cat(sprintf(
    "%2s  %-26s %-4s %9s tried %5s failed %6s s  %s\n", found$row, found$risk, found$stands,
    format(found$tried, scientific = FALSE), found$failed, found$seconds, found$figure
  ))
}

# Two rows at a time, for two cores; those that watch the clock or fill the memory alone, and last.
run_rows <- function(rows) {
  results <- list()
  waiting <- split(rows, seq_len(nrow(rows)))
  waiting <- waiting[order(vapply(waiting, `[[`, "", "alone"))]
  running <- list()
  while (length(waiting) || length(running)) {
    while (length(waiting)) {
      shares <- waiting[[1]]$alone == "no" && all(vapply(running, `[[`, "", "alone") == "no")
      if (length(running) >= if (shares) 2 else 1) break
      start_row(waiting[[1]])
      running <- c(running, waiting[1])
      waiting <- waiting[-1]
    }
    ended <- vapply(running, has_ended, NA)
    for (row in running[ended]) {
      results <- c(results, list(outcome(row)))
      print_outcome(results[[length(results)]])
    }
    running <- running[!ended]
    Sys.sleep(0.2)
  }
  results <- do.call(rbind, results)
  results[order(as.integer(results$row)), ]
}

store <- function(results) {
  processor <- sub(".*: *", "", grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)[1])
  commit <- system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE)
  name <- sprintf(
    "dev/trust/results/%s-%s-%s.csv", format(Sys.time(), "%Y-%m-%dT%H%M", tz = "UTC"),
    gsub("[^A-Za-z0-9]+", "-", processor), commit
  )
  utils::write.csv(results, name, row.names = FALSE)
  cat("Stored in ", name, "\n", sep = "")
}

results <- run_rows(rows)
broken <- results$stands != "yes"
cat(sprintf("\n%d of %d rows stand\n", sum(!broken), nrow(results)))
for (row in split(rows, seq_len(nrow(rows)))[match(results$row[broken], rows$number)]) {
  cat(sprintf("\n== row %s, the end of %s\n", row$number, path_of(row, "log")))
  writeLines(utils::tail(readLines(path_of(row, "log"), warn = FALSE), 20))
}
if (mode == "full") store(results)
quit(status = as.integer(any(broken)))
