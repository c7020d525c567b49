# How the demos draw: maps of one look, in PNG files.

# Opens <folder>/<name>.png, in pixels, for `rows` x `columns` panels.
open_picture <- function(folder, name, width, height, rows, columns) {
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  file <- file.path(folder, paste0(name, ".png"))
  png(file, width = width, height = height, res = 112, type = "cairo")
  par(
    mfrow = c(rows, columns), mar = c(1.6, 2.2, 2, 4), mgp = c(1.4, 0.3, 0), tcl = -0.2, las = 1,
    cex = 0.8, cex.axis = 0.8, col.axis = "grey35", fg = "grey60", xpd = NA
  )
  file
}

# The colour of each value of the matrix `z`, in a palette that spans `limits`; under a light of
# `brightness` 0 to 1, where given.
colours_of <- function(z, palette, limits = range(z), brightness = NULL) {
  edges <- seq(limits[1], limits[2], length.out = length(palette) + 1)
  colours <- palette[findInterval(z, edges, all.inside = TRUE)]
  if (!is.null(brightness)) {
    lit <- pmin(col2rgb(colours) * rep(0.25 + 0.95 * c(brightness), each = 3), 255)
    colours <- rgb(t(lit), maxColorValue = 255)
  }
  matrix(colours, nrow(z))
}

# A map of the matrix `z`, `cell` metres between its values, with its palette as a bar at the right.
draw_map <- function(z, cell, title, palette, unit, limits = range(z), brightness = NULL) {
  right <- cell * nrow(z)
  top <- cell * ncol(z)
  plot(NA, xlim = c(0, right), ylim = c(0, top), asp = 1, xaxs = "i", yaxs = "i", axes = FALSE,
    ann = FALSE)
  text(0, top, title, adj = c(0, -0.6), cex = 1.05, col = "grey10")
  axis(1, at = seq(0, right, 200), pos = 0, lwd = 0, lwd.ticks = 1)
  axis(2, at = seq(0, top, 200), pos = 0, lwd = 0, lwd.ticks = 1)

  # a raster's rows run from the top down
  colours <- colours_of(z, palette, limits, brightness)
  rasterImage(t(colours)[ncol(z):1, ], 0, 0, right, top, interpolate = FALSE)
  rect(0, 0, right, top)

  bar <- right * c(1.03, 1.07)
  rasterImage(rev(palette), bar[1], 0, bar[2], top)
  rect(bar[1], 0, bar[2], top)
  text(bar[1], top, unit, adj = c(0, -0.6), cex = 0.8, col = "grey35")
  marks <- pretty(limits, 4)
  marks <- marks[marks >= limits[1] & marks <= limits[2]]
  at <- top * (marks - limits[1]) / diff(limits)
  text(bar[2], at, marks, pos = 4, offset = 0.3, cex = 0.8, col = "grey35")
}
