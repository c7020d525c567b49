# Row 13: memory. What a call takes at its peak beyond its input and its result, over all shapes of
# bench/shapes.csv: at most 64 MiB a thread, and in single precision the copies of what it reads.
#
# Each call is the first of its process, so that it finds nothing that an earlier one left for it.
# Blocks that wait between calls (dev/notes/0012-blocks.md) are not of a call: they have a limit of
# their own, a 32nd of the machine's memory, and 512 MiB.

source("dev/trust/row.R")
source("dev/trust/calls.R")

ceiling <- 64
shapes <- utils::read.csv("bench/shapes.csv", colClasses = "character", check.names = FALSE)

# A shape's calls: forward and all gradients, of this precision, under each algorithm that plans
# something else.
calls_of <- function(shape, dtype) {
  case <- parse_case(c(shape, padding_mode = "zeros", data = "", bias = "1", dtype = dtype))
  case <- c(case, name = shape$id, long = list(case$size))
  x <- kind_operands(case)
  module <- case_module(case, x)
  algorithms <- c("auto", if (is_full) c("direct", "fast"))
  plans <- lapply(algorithms, function(algorithm) {
    options(nnconv.algorithm = algorithm)
    nnconv:::why(module, x$input)$kernel
  })
  calls <- expand.grid(
    algorithm = algorithms[!duplicated(plans)], operation = c("forward", "all"),
    stringsAsFactors = FALSE
  )
  lapply(seq_len(nrow(calls)), function(i) c(case, as.list(calls[i, ])))
}

# Megabytes that a run takes at its peak beyond what the process has before, and beyond its result.
peak_of <- function(kind, threads) {
  status <- function(field) {
    line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
    as.numeric(gsub("[^0-9]", "", line)) / 1024
  }
  options(nnconv.threads = threads)
  nnf_conv1d(array(1, c(1, 5)), array(1, c(1, 1, 3)))
  call <- new_call(kind)
  call$prepare()
  gc()
  writeLines("5", "/proc/self/clear_refs")
  before <- status("VmRSS")
  result <- call$run()
  status("VmHWM") - before - as.numeric(utils::object.size(result)) / 2^20
}

# In a child of this process, which has made no call itself.
peak_in_child <- function(kind) {
  parallel::mccollect(parallel::mcparallel(peak_of(kind, 1)))[[1]]
}

# Children have no threads, so those take a session.
peak_in_session <- function(kind, threads) {
  said <- run_session(bquote({
    source("dev/trust/row.R")
    source("dev/trust/calls.R")
    cat("peak", (.(peak_of))(.(kind), .(threads)), "\n")
  }))
  as.numeric(sub("peak ", "", grep("^peak ", said, value = TRUE)))
}

# Copies of what is read, in single precision.
copies <- function(kind) {
  if (!is_single(kind$dtype)) return(0)
  read <- prod(input_dim(kind)) + prod(weight_dim(kind)) +
    if (kind$operation == "all") prod(output_dim(kind)) else 0
  4 * read / 2^20
}

worst <- list(share = 0, text = "")
check_peak <- function(counter, kind, threads) {
  peak <- if (threads == 1) peak_in_child(kind) else peak_in_session(kind, threads)
  label <- sprintf(
    "%s, %s, %s, %s, %d threads: %.1f MiB", kind$name, if (kind$operation == "all") "gradients" else
      "forward", kind$dtype, kind$algorithm, threads, peak
  )
  share <- (peak - copies(kind)) / (threads * ceiling)
  if (isTRUE(share > worst$share)) worst <<- list(share = share, text = label)
  counter$check(is.numeric(peak) && share <= 1, label)
}

peaks <- new_counter()
for (threads in 1:2) {
  tried <- if (is_full) seq_len(nrow(shapes)) else if (threads == 1) 1:3 * 10 else 7
  for (i in tried) {
    for (dtype in c("float64", "float32")) {
      for (kind in calls_of(as.list(shapes[i, ]), dtype)) check_peak(peaks, kind, threads)
    }
  }
}
peaks$report("peaks", sprintf("at most %s", worst$text))
