# The figures of vignettes/speed.Rmd and README.md are those of the last stored runs.
again <- tempfile()
dir.create(again)
said <- system2("Rscript", c("bench/summary.R", again), stdout = TRUE, stderr = TRUE)
files <- c("speed-torch.csv", "speed-peers.csv")
stored <- lapply(file.path("vignettes", files), readLines)
if (length(said) || !identical(lapply(file.path(again, files), readLines), stored)) {
  writeLines(c(said, "Not those of the last stored runs: run `Rscript bench/summary.R`."))
  quit(status = 1)
}

# A row of the README for each class, and one for all with gradients: PyTorch's time over nnconv's
torch <- subset(read.csv(file.path(again, files[[1]])), threads == 2)
torch$class[torch$class == "all" & torch$what == "training"] <- "all, with gradients"
torch <- subset(torch, what == "forward" | class == "all, with gradients")
ratios <- torch[c("f64_vs_f64", "f64_vs_f32", "f32_vs_f32")]
two_digits <- function(x) {
  sub("[.]$", "", formatC(ifelse(x >= 100, round(x), x), digits = 2, format = "fg", flag = "#"))
}
ratios <- do.call(paste, c(lapply(ratios, two_digits), sep = " | "))
rows <- paste("|", torch$class, "|", ratios, "|")
missing <- setdiff(rows, readLines("README.md"))
if (length(missing)) {
  writeLines(c(missing, "README.md says something else of these."))
  quit(status = 1)
}
