# A map four times as fine: datasets::volcano through a transposed convolution, bilinear kernel.
# From the root of the repository, with nnconv installed: Rscript dev/demo/upsampling.R [folder]

library(nnconv)
source("dev/picture.R")

folder <- c(commandArgs(TRUE), "build/demo")[[1]]
cell <- 10 # metres between the points of the grid
times <- 4

# Each height spreads over 8 x 8 points of the finer grid, as a tent. One cell is repeated all round
# first, and cut off the result again by `padding`, so that the border has neighbours too.
tent <- 1 - abs(seq_len(2 * times) - times - 0.5) / times
upsample <- nn_conv_transpose2d(1, 1, 2 * times, stride = times, padding = times / 2 + times,
  bias = FALSE)
upsample$weight <- array(outer(tent, tent), c(1, 1, 2 * times, 2 * times))

height <- nnf_pad(array(volcano, c(1, dim(volcano))), c(1, 1, 1, 1), mode = "replicate")
fine <- upsample(height)[1, , ]

# The same by stats::approx(), along the rows and then along the columns
at <- function(n) (seq_len(n * times) - 0.5) / times + 0.5
along <- function(z) apply(z, 2, function(v) approx(v, xout = at(length(v)), rule = 2)$y)
interpolated <- t(along(t(along(volcano))))

cli::cli_h1("Upsampling: volcano on a grid {times} times as fine")
print(upsample)
cli::cli_ul(c(
  "{paste(dim(volcano), collapse = ' x ')} heights became {paste(dim(fine), collapse = ' x ')},
    {cell / times} m apart.",
  "Largest difference from bilinear interpolation by approx():
    {signif(max(abs(fine - interpolated)), 2)} m."
))

# Shaded relief before and after; the finer map is smoothed over half a cell of the coarser one
filter_map <- function(z, ...) {
  weight <- aperm(array(c(...), c(dim(..1), 1, ...length())), c(4, 3, 1, 2))
  nnf_conv2d(array(z, c(1, dim(z))), weight, padding = "same", padding_mode = "reflect")
}
hillshade <- function(z, cell) {
  sobel <- outer(c(-1, 0, 1), c(1, 2, 1)) / (8 * cell)
  gain <- filter_map(z, sobel, t(sobel))
  slope <- sqrt(gain[1, , ]^2 + gain[2, , ]^2)
  pmax((1 + (gain[1, , ] - gain[2, , ]) * sqrt(0.5)) * sqrt(0.5) / sqrt(1 + slope^2), 0)
}
gaussian <- dnorm(seq(-times, times), sd = times / 2)
smooth <- filter_map(fine, outer(gaussian, gaussian) / sum(gaussian)^2)[1, , ]
palette <- hcl.colors(128, "Terrain 2")

file <- open_picture(folder, "upsampling", 1090, 400, rows = 1, columns = 2)
draw_map(volcano, cell, "Shaded relief, as measured", palette, "metres",
  brightness = hillshade(volcano, cell))
draw_map(smooth, cell / times, "Upsampled by 4 and smoothed", palette, "metres",
  brightness = hillshade(smooth, cell / times))
invisible(dev.off())
cli::cli_alert_success("Picture: {.file {file}}")
