# Speed of the installed nnconv beside PyTorch's, shape by shape, in turn in one run.
#
#   Rscript bench/run.R [only=REGEX] [what=forward,training] [threads=1,2] [rounds=3]
#                       [seconds=0.1] [python=/usr/bin/python3]
#
# Each round gives every contender in turn `seconds` of calls and takes the median of them; the
# figure is the median over rounds. Prints a table a number of threads and kind of work, with
# geometric means by class, and stores everything in bench/results, with a picture.
library(nnconv)

settings <- list(
  only = ".", what = "forward,training", threads = "2", rounds = "3", seconds = "0.1",
  python = "/usr/bin/python3"
)
for (argument in commandArgs(TRUE)) {
  parts <- regmatches(argument, regexpr("=", argument), invert = TRUE)[[1]]
  if (!parts[1] %in% names(settings)) stop("unknown setting ", parts[1])
  settings[[parts[1]]] <- parts[2]
}
threads <- as.integer(strsplit(settings$threads, ",")[[1]])
rounds <- as.integer(settings$rounds)
seconds <- as.numeric(settings$seconds)

# ---- shapes ----

shapes <- utils::read.csv("bench/shapes.csv", colClasses = "character", check.names = FALSE)
shapes <- shapes[grepl(settings$only, paste(shapes$class, shapes$id)), ]

numbers <- function(text) as.integer(strsplit(text, "x")[[1]])

geometry <- function(shape) {
  fields <- c("stride", "padding", "dilation", "groups", "output_padding")
  if (!is_transposed(shape)) fields <- setdiff(fields, "output_padding")
  lapply(stats::setNames(nm = fields), function(field) numbers(shape[[field]]))
}

is_transposed <- function(shape) grepl("transpose", shape$layer)

weight_dim <- function(shape) {
  channels <- as.integer(c(shape$c_out, shape$c_in))
  if (is_transposed(shape)) channels <- rev(channels)
  n <- as.integer(sub(".*([123])d$", "\\1", shape$layer))
  c(channels[1], channels[2] %/% as.integer(shape$groups), rep_len(numbers(shape$kernel), n))
}

# Billions of operations of a forward call.
gflop <- function(shape, output_dim) {
  weight <- weight_dim(shape)
  positions <- if (is_transposed(shape)) numbers(shape$`in`) else output_dim[-(1:2)]
  2e-9 * as.numeric(shape$batch) * prod(weight) * prod(positions)
}

# ---- contenders: each a function of a budget in seconds, giving the median time of a call ----

median_seconds <- function(call, budget) {
  call()
  times <- numeric()
  # A few calls at least, but for very slow ones.
  while ((sum(times) < budget && length(times) < 1000) ||
    (length(times) < 3 && sum(times) < 10 * budget)) {
    start <- now()
    call()
    times <- c(times, now() - start)
  }
  stats::median(times)
}

now <- function() unclass(Sys.time())

nnconv_call <- function(shape, dtype, what) {
  arguments <- c(geometry(shape), dtype = dtype)
  input_dim <- c(as.integer(shape$batch), as.integer(shape$c_in), numbers(shape$`in`))
  x <- array(stats::rnorm(1e5), input_dim)
  w <- array(stats::rnorm(1e5), weight_dim(shape))
  b <- stats::rnorm(as.integer(shape$c_out))
  forward <- getExportedValue("nnconv", paste0("nnf_", shape$layer))
  backward <- getExportedValue("nnconv", paste0("nnf_", shape$layer, "_backward"))
  # Calls as a user writes them: the arguments are values, not promises to build.
  forward_call <- as.call(c(forward, list(x, w, b), arguments))
  if (what == "forward") return(function() eval(forward_call))
  ones <- array(1, dim(eval(forward_call)))
  backward_call <- as.call(c(backward, list(ones, x, w), arguments))
  function() {
    eval(forward_call)
    eval(backward_call)
  }
}

start_torch <- function() {
  if (system2(settings$python, c("-c", shQuote("import torch")), stderr = FALSE) != 0) {
    stop(settings$python, " has no torch; on Debian: apt-get install python3-torch", call. = FALSE)
  }
  for (port in sample(20000:60000, 20)) {
    server <- tryCatch(serverSocket(port), error = function(e) NULL)
    if (!is.null(server)) break
  }
  on.exit(close(server))
  system2(settings$python, c("bench/torch_times.py", port), wait = FALSE)
  socketAccept(server, blocking = TRUE, open = "r+", timeout = 600)
}

torch_seconds <- function(torch, shape, dtype, what, n_threads, budget) {
  fields <- c(
    "layer", "batch", "c_in", "c_out", "groups", "in", "kernel", "stride", "padding", "dilation",
    "output_padding"
  )
  request <- c(budget, dtype, n_threads, what, unlist(shape[fields]))
  writeLines(paste(request, collapse = ","), torch)
  as.numeric(readLines(torch, 1))
}

measure <- function(shape, what, n_threads, torch) {
  options(nnconv.threads = n_threads)
  calls <- list(
    nnconv_f64 = nnconv_call(shape, "float64", what),
    nnconv_f32 = nnconv_call(shape, "float32", what)
  )
  one_round <- function(round) {
    c(
      vapply(calls, median_seconds, 0, budget = seconds),
      torch_f64 = torch_seconds(torch, shape, "float64", what, n_threads, seconds),
      torch_f32 = torch_seconds(torch, shape, "float32", what, n_threads, seconds)
    )
  }
  apply(vapply(seq_len(rounds), one_round, numeric(4)), 1, stats::median)
}

# ---- the machine ----

peak <- function(n_threads) {
  program <- file.path(tempdir(), "peak")
  if (!file.exists(program)) {
    system2("g++", c("-O3", "-march=native", "-fopenmp", "bench/peak.cpp", "-o", program))
  }
  as.numeric(strsplit(system2(program, n_threads, stdout = TRUE), " ")[[1]])
}

first_line <- function(command, arguments) {
  tryCatch(system2(command, arguments, stdout = TRUE, stderr = FALSE)[1], error = function(e) NA)
}

processor <- function() {
  lines <- tryCatch(readLines("/proc/cpuinfo"), error = function(e) "model name : unknown")
  sub(".*: ", "", grep("^model name", lines, value = TRUE)[1])
}

# ---- the run ----

run_all <- function() {
  torch <- start_torch()
  on.exit(close(torch))
  rows <- list()
  for (n_threads in threads) {
    peaks <- peak(n_threads)
    for (what in strsplit(settings$what, ",")[[1]]) for (i in seq_len(nrow(shapes))) {
      shape <- as.list(shapes[i, ])
      times <- measure(shape, what, n_threads, torch)
      output_dim <- dim(nnconv_call(shape, "float64", "forward")())
      rows[[length(rows) + 1]] <- data.frame(
        class = shape$class, id = shape$id, what = what, threads = n_threads,
        gflop = gflop(shape, output_dim) * if (what == "forward") 1 else 3,
        as.list(times), peak_f64 = peaks[1], peak_f32 = peaks[2]
      )
      shown <- paste(signif(1e3 * times, 3), collapse = " ")
      message(sprintf("%-8s %-34s %s", what, shape$id, shown))
    }
  }
  do.call(rbind, rows)
}

with_ratios <- function(results) {
  within(results, {
    f32_vs_f32 <- torch_f32 / nnconv_f32
    f64_vs_f32 <- torch_f32 / nnconv_f64
    f64_vs_f64 <- torch_f64 / nnconv_f64
    of_peak <- gflop / nnconv_f64 / peak_f64
    gflops <- gflop / nnconv_f64
    ms <- 1e3 * nnconv_f64
  })
}

geometric_mean <- function(x) exp(mean(log(x)))

ratios <- c("f64_vs_f64", "f64_vs_f32", "f32_vs_f32")

print_results <- function(results) {
  shown <- results[c("class", "id", "ms", "gflops", "of_peak", ratios)]
  shown[-(1:2)] <- lapply(shown[-(1:2)], signif, 3)
  print(shown, row.names = FALSE)
  classes <- factor(results$class, unique(results$class))
  by_class <- function(ratio) tapply(results[[ratio]], classes, geometric_mean)
  means <- vapply(ratios, by_class, numeric(nlevels(classes)))
  means <- rbind(matrix(means, ncol = 3, dimnames = list(levels(classes), ratios)))
  cat("\nGeometric means by class (PyTorch's time / nnconv's):\n")
  print(signif(rbind(means, `over all` = apply(means, 2, geometric_mean)), 3))
}

draw <- function(results, file) {
  grDevices::png(file, width = 1100, height = 120 + 22 * nrow(results), res = 110)
  on.exit(grDevices::dev.off())
  graphics::par(mar = c(4, 14, 3, 1), las = 1, cex.axis = 0.7)
  results <- results[rev(seq_len(nrow(results))), ]
  colours <- grDevices::hcl.colors(3, "Dark 3")
  at <- seq_len(nrow(results))
  range <- range(results[ratios])
  plot(NULL, xlim = range, ylim = range(at), log = "x", yaxt = "n", ylab = "",
    xlab = "PyTorch's time / nnconv's",
    main = paste(results$what[1], "on", results$threads[1], "threads"))
  graphics::abline(v = 1, h = NULL, col = "grey40")
  graphics::abline(h = at, col = "grey92")
  graphics::axis(2, at, results$id)
  for (i in 1:3) graphics::points(results[[ratios[i]]], at, pch = 19, col = colours[i])
  graphics::legend("bottomright", c("double vs double", "double vs single", "single vs single"),
    pch = 19, col = colours, bg = "white", cex = 0.7)
}

options(width = 140)
results <- with_ratios(run_all())
stamp <- format(Sys.time(), "%Y-%m-%d")
machine <- gsub("[^A-Za-z0-9]+", "-", processor())
results$date <- stamp
results$processor <- processor()
results$isa <- nnconv:::isa_()
results$commit <- first_line("git", c("rev-parse", "--short", "HEAD"))
name <- file.path("bench/results", paste0(stamp, "-", machine))
dir.create("bench/results", showWarnings = FALSE)
utils::write.csv(results, paste0(name, ".csv"), row.names = FALSE)
for (part in split(results, list(results$what, results$threads))) {
  cat("\n====", part$what[1], "on", part$threads[1], "threads\n")
  print_results(part)
  draw(part, paste0(name, "-", part$what[1], "-", part$threads[1], ".png"))
}
