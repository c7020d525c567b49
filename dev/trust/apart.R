# Cases that may end their process.

# Tries cases 1 to n in forked processes of limited memory, so that one that ends its process, or
# does not end itself, is counted and named: `try_case(i, note)` gives NULL or what is wrong, and
# may note where it is. After a process that died another goes on with the next case. The problems
# by number, "crashed" or "hung" and the last note among them; NA where there is none.
try_apart <- function(n, try_case, seconds = 20, bytes = 2^31) {
  problems <- rep(NA_character_, n)
  path <- sprintf("build/trust/cases-%d", Sys.getpid())
  dir.create(dirname(path), recursive = TRUE, showWarnings = FALSE)
  parent <- Sys.getpid()
  on.exit(if (Sys.getpid() == parent) unlink(path))
  done <- 0
  while (done < n) {
    writeLines(character(), path)
    job <- parallel::mcparallel(try_in_child((done + 1):n, try_case, path, bytes), silent = TRUE,
      mc.set.seed = FALSE)
    how <- wait_for_child(job, path, seconds)
    # R removes the directory of temporary files, also its parent's, as it aborts.
    tempdir(check = TRUE)
    lines <- utils::read.delim(path, header = FALSE, quote = "", comment.char = "",
      col.names = c("case", "what", "text"), colClasses = c("integer", "character", "character"))
    ended <- lines[lines$what == "end", ]
    problems[ended$case] <- ended$text
    last <- lines[nrow(lines), ]
    done <- last$case
    if (last$what != "end") problems[done] <- paste(how, last$text)
  }
  problems[problems == ""] <- NA
  problems
}

try_in_child <- function(cases, try_case, path, bytes) {
  # The address sanitizer needs terabytes of addresses, and limits allocations itself.
  if (!nzchar(Sys.getenv("ASAN_OPTIONS"))) {
    system2("prlimit", c(sprintf("--as=%.0f", bytes), "--pid", Sys.getpid()))
  }
  file <- file(path, "a")
  say <- function(i, what, text) {
    text <- gsub("[[:cntrl:]]", " ", iconv(text, "", "ASCII", sub = "byte"))
    cat(i, what, text, sep = "\t", file = file)
    cat("\n", file = file)
    flush(file)
  }
  for (i in cases) {
    say(i, "begin", "")
    note <- function(where) say(i, "note", where)
    problem <- tryCatch(try_case(i, note), error = conditionMessage)
    say(i, "end", paste(problem, collapse = "; "))
  }
}

# How the child ended, where it left a case unfinished.
wait_for_child <- function(job, path, seconds) {
  seen <- -1
  since <- Sys.time()
  how <- "crashed"
  repeat {
    ended <- suppressWarnings(parallel::mccollect(job, wait = FALSE, timeout = 0.2))
    if (!is.null(ended)) return(how)
    size <- file.size(path)
    if (size != seen) {
      seen <- size
      since <- Sys.time()
    } else if (how != "hung" && Sys.time() - since > seconds) {
      how <- "hung"
      tools::pskill(job$pid, tools::SIGKILL)
    }
  }
}
