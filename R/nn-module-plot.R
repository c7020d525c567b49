# The kernels of a module as a picture. Not on the way of a call.

#' @rdname nnconv_module
#' @param main The plot's title.
#' @export
plot.nnconv_module <- function(x, main = format(x), ...) {
  weight <- Re(x$weight)
  colours <- kernel_colours(kernel_mosaic(weight))
  height <- nrow(colours)
  width <- ncol(colours)
  old <- graphics::par(mar = c(2, 3, 4, 1))
  on.exit(graphics::par(old))
  graphics::plot.new()
  graphics::plot.window(c(0, width), c(0, height), asp = 1)
  picture <- grDevices::as.raster(colours)
  graphics::rasterImage(picture, 0, 0, width, height, interpolate = FALSE)
  # White cells at the edge would melt into the page.
  graphics::rect(0, 0, width, height, border = gap_colour)
  channels <- c("output channels", "input channels")
  if (inherits(x, "nnconv_conv_transpose")) {
    channels <- rev(channels)
  }
  limit <- max_modulus(weight)
  graphics::title(main = main, line = 2, cex.main = fitting_cex(main))
  graphics::text(0, height / 2, channels[[1L]], srt = 90, adj = c(0.5, -1), xpd = NA)
  graphics::mtext(channels[[2L]], side = 3)
  graphics::mtext(sprintf("blue %.3g, white 0, red %.3g", -limit, limit), side = 1)
  invisible(x)
}

# The usual size of a title, or less where it would not fit the page.
fitting_cex <- function(main) {
  usual <- graphics::par("cex.main")
  needed <- max(graphics::strwidth(main, units = "inches", cex = usual, font = 2))
  usual * min(1, 0.95 * graphics::par("din")[[1L]] / needed)
}

gap_colour <- "#D9D9D9"

# One matrix of all kernels, NA between them: a row of tiles for each extent of the weight's first
# dimension, a column for each of its second; the slices of a 3d kernel side by side, and a 1d
# kernel as a strip.
kernel_mosaic <- function(weight) {
  channels <- dim(weight)[1:2]
  kernel <- utils::tail(c(1L, 1L, dim(weight)[-(1:2)]), 3L)
  tiles <- array(weight, c(channels, kernel))
  mosaic <- aperm(tiles, c(4L, 1L, 5L, 3L, 2L))
  padded <- array(NA_real_, dim(mosaic) + c(1L, 0L, 1L, 0L, 0L))
  padded[seq_len(kernel[[2L]]), , seq_len(kernel[[3L]]), , ] <- mosaic
  height <- dim(padded)[[1L]] * dim(padded)[[2L]]
  width <- length(padded) / height
  matrix(padded, height)[-height, -width, drop = FALSE]
}

# Blue below 0, white at 0, red above, to the same limits on both sides. What is not finite is grey,
# as the gaps are.
kernel_colours <- function(mosaic) {
  palette <- grDevices::colorRampPalette(c("#2166AC", "#FFFFFF", "#B2182B"))(255L)
  mosaic[!is.finite(mosaic)] <- NA
  level <- round(127 * mosaic / max_modulus(mosaic)) + 128
  colours <- palette[level]
  colours[is.na(colours)] <- gap_colour
  matrix(colours, nrow(mosaic))
}

# 1 where nothing but zeros is there to be scaled.
max_modulus <- function(x) {
  largest <- max(0, abs(x[is.finite(x)]))
  if (largest > 0) largest else 1
}
