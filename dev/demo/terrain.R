# Slope, hillshade and smoothing of datasets::volcano by two layers.
# From the root of the repository, with nnconv installed: Rscript dev/demo/terrain.R [folder]

library(nnconv)
source("dev/picture.R")

folder <- c(commandArgs(TRUE), "build/demo")[[1]]
cell <- 10 # metres between the points of the grid

# Heights in metres as an image of one channel: (channel, rows, columns)
height <- array(volcano, c(1, dim(volcano)))

# A layer whose output channels are the given square kernels
kernel_bank <- function(...) {
  size <- dim(..1)
  layer <- nn_conv2d(1, ...length(), size, padding = "same", padding_mode = "reflect", bias = FALSE)
  layer$weight <- aperm(array(c(...), c(size, 1, ...length())), c(4, 3, 1, 2))
  layer
}

# 5x5: a Gaussian
offset <- -2:2
gaussian <- outer(dnorm(offset), dnorm(offset))
gaussian <- gaussian / sum(gaussian)
smoothing <- kernel_bank(gaussian)

# 3x3: metres gained per metre along the rows and along the columns (Sobel)
sobel <- outer(c(-1, 0, 1), c(1, 2, 1)) / (8 * cell)
gradient <- kernel_bank(sobel, t(sobel))

smoothed <- smoothing(height)
ground <- smoothed[1, , ]
gain <- gradient(smoothed)
slope <- sqrt(gain[1, , ]^2 + gain[2, , ]^2)
degrees <- atan(slope) * 180 / pi

# Light from the upper left, 45 degrees above the horizon, on a ground twice as steep
towards <- 2 * (gain[1, , ] - gain[2, , ]) * sqrt(0.5)
hillshade <- pmax((1 + towards) * sqrt(0.5) / sqrt(1 + 4 * slope^2), 0)

# The same slope by loops of base R: a layer is nothing but these sums
mirrored <- function(n) c(2, seq_len(n), n - 1)
framed <- ground[mirrored(nrow(ground)), mirrored(ncol(ground))]
looped <- ground
for (i in seq_len(nrow(ground))) {
  for (j in seq_len(ncol(ground))) {
    window <- framed[i + 0:2, j + 0:2]
    looped[i, j] <- sqrt(sum(window * sobel)^2 + sum(window * t(sobel))^2)
  }
}

size <- paste(dim(volcano), collapse = " x ")
top <- which(ground == max(ground), arr.ind = TRUE)
cli::cli_h1("Terrain: volcano through 5x5 and 3x3 kernels")
print(smoothing)
print(gradient)
cli::cli_ul(c(
  "{size} heights, {cell} m apart; the border is reflected, so the maps keep that size.",
  "Smoothed heights {round(min(ground))} to {round(max(ground))} m, the top at row {top[1]},
    column {top[2]}.",
  "Slope: median {round(median(degrees))}, steepest {round(max(degrees))} degrees.",
  "Largest difference from a slope by loops of base R: {signif(max(abs(slope - looped)), 2)}."
))

file <- open_picture(folder, "terrain", 1000, 260, rows = 1, columns = 3)
palette <- hcl.colors(128, "Terrain 2")
draw_map(volcano, cell, "Heights, as measured", palette, "metres")
draw_map(degrees, cell, "Slope", hcl.colors(128, "YlOrBr", rev = TRUE), "degrees",
  c(0, max(degrees)))
draw_map(ground, cell, "Shaded relief", palette, "metres", brightness = hillshade)
invisible(dev.off())
cli::cli_alert_success("Picture: {.file {file}}")
