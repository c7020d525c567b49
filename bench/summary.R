# The figures of vignettes/speed.Rmd and of README.md, from the last stored runs of bench/run.R:
# speed-torch.csv has means over the shapes of each class, speed-peers.csv a row for each image and
# peer.
# From the root of the repository: Rscript bench/summary.R [folder]

folder <- c(commandArgs(TRUE), "vignettes")[[1]]

class_names <- c(
  `3x3` = "3x3, stride 1", dense2d = "other dense 2d", `1x1` = "1x1",
  stem = "first layers of 1 to 3 channels", conv1d = "1d", conv3d = "3d", depthwise = "depthwise",
  image = "image filters", transposed = "transposed", tiny = "tiny"
)
machine <- c("date", "processor", "cores", "isa", "commit", "torch", "torch_blas")

# The last run that has the whole of a part. The names of runs begin with their date.
last_run <- function(part, is_whole) {
  files <- list.files("bench/results", paste0("-", part, "[.]csv$"), full.names = TRUE)
  for (file in rev(sort(files))) {
    run <- utils::read.csv(file)
    if (is_whole(run)) return(run)
  }
  stop("no whole run of ", part, " in bench/results", call. = FALSE)
}

geometric_mean <- function(x) exp(mean(log(x)))

# Means of each class, then over all classes, of the columns that are ratios of times.
summarise_torch <- function(run) {
  run$class <- factor(class_names[run$class], class_names)
  run$single_gain <- run$nnconv_f64 / run$nnconv_f32
  run$threads_gain <- run$speedup_nnconv_f64
  columns <- c("f64_vs_f64", "f64_vs_f32", "f32_vs_f32", "single_gain", "threads_gain")
  groups <- run[c("class", "threads", "what")]
  means <- stats::aggregate(run[columns], groups, geometric_mean)
  overall <- stats::aggregate(means[columns], means[c("threads", "what")], geometric_mean)
  rbind(means, cbind(class = "all", overall))
}

summarise_peers <- function(run) {
  run$ms <- 1e3 * run$seconds
  run[c("id", "peer", "ms", "vs_nnconv")]
}

store <- function(summary, run, name) {
  numbers <- vapply(summary, is.double, TRUE)
  summary[numbers] <- lapply(summary[numbers], signif, 6)
  file <- file.path(folder, paste0(name, ".csv"))
  utils::write.csv(cbind(summary, run[1, machine], row.names = NULL), file, row.names = FALSE)
}

torch <- last_run("shapes", function(run) {
  all(c("forward", "training") %in% run$what) && all(names(class_names) %in% run$class)
})
store(summarise_torch(torch), torch, "speed-torch")
peers <- last_run("peers", function(run) "terra::focal" %in% run$peer)
store(summarise_peers(peers), peers, "speed-peers")
