# What the command line says, as the list `settings`.

read_settings <- function(arguments) {
  settings <- list(
    parts = "shapes,scaling,peers", only = ".", what = "forward,training", threads = "1,2",
    rounds = "5", seconds = "0.1", python = "/usr/bin/python3", to = NULL
  )
  # `make bench with="..."` gives all in one, so that the shell leaves a regular expression alone.
  for (argument in unlist(strsplit(arguments, " +(?=[a-z]+=)", perl = TRUE))) {
    name <- sub("=.*", "", argument)
    if (!name %in% c(names(settings), "to")) stop("unknown setting ", name, call. = FALSE)
    settings[[name]] <- sub("^[^=]*=", "", argument)
  }
  if (is.null(settings$to)) {
    settings$to <- if (settings$only == ".") "bench/results" else "build/bench"
  }
  several <- c("parts", "what", "threads")
  settings[several] <- strsplit(unlist(settings[several]), ",")
  settings$parts <- match.arg(settings$parts, c("shapes", "scaling", "peers"), several.ok = TRUE)
  settings$what <- match.arg(settings$what, c("forward", "training"), several.ok = TRUE)
  settings$threads <- as.integer(settings$threads)
  settings$rounds <- as.integer(settings$rounds)
  settings$seconds <- as.numeric(settings$seconds)
  settings
}

settings <- read_settings(commandArgs(TRUE))

is_wanted <- function(text) grepl(settings$only, text)
