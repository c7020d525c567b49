# What a layer makes of an input as a picture: the input beside the output's channels.

#' Plot the feature maps of a layer
#'
#' Draws one sample of an input beside what a layer makes of it, a tile for each channel.
#'
#' Images have row 1 at the top and square pixels. Of volumes one slice is drawn, the one in the
#' middle of the depth, which the caption names. Series are drawn as lines. All maps share one
#' scale, and so do all channels of the input, in grey. Maps on both sides of 0 are drawn blue below
#' 0, white at 0, red above; others from dark to bright. What is not finite is grey, in the input
#' orange: a pixel of an image, a band behind the gap in a series. Of complex numbers the modulus is
#' drawn. Arrays with more pixels than can be told apart are drawn as means of blocks, long series
#' as the range of each stretch.
#'
#' @param m A layer.
#' @param x An input of the layer, with or without a batch.
#' @param sample Which sample of a batch: a whole number.
#' @param main The plot's title: a string, an expression, or `NULL` for none.
#' @return The output of the sample, invisibly: an array `(out_channels, spatial...)`.
#' @section Errors:
#' `r rd_errors()`
#' @seealso `plot()` of a layer in [nnconv_module], which draws its kernels
#' @examples
#' # Slopes of the volcano to the south and to the east
#' m <- nn_conv2d(1, 2, kernel_size = 3, padding = "same", padding_mode = "reflect", bias = FALSE)
#' sobel <- outer(c(-1, 0, 1), c(1, 2, 1))
#' m$weight <- aperm(array(c(sobel, t(sobel)), dim = c(3, 3, 1, 2)), c(4, 3, 1, 2))
#' maps <- plot_feature_maps(m, array(volcano, dim = c(1, 87, 61)))
#' dim(maps)
#' #> [1]  2 87 61
#' @export
plot_feature_maps <- function(m, x, sample = 1, main = format(m)) {
  if (missing(m)) raise_missing("m")
  if (missing(x)) raise_missing("x")
  check_module(m, "m")
  check_title(main)
  ndim <- length(m$kernel_size)
  sample <- check_count_(sample, "sample", 1L)
  output <- with_argument_renamed(stats::predict(m, x), from = "newdata", to = "x")
  if (length(dim(x)) == ndim + 2L) {
    if (sample > dim(x)[[1L]]) {
      raise_fault("value", "sample", paste("one of the", dim(x)[[1L]], "samples of `x`"), sample)
    }
    x <- sample_of(x, sample)
    output <- sample_of(output, sample)
  } else if (sample > 1L) {
    raise_fault("value", "sample", "1 where `x` has no batch", sample)
  }
  draw_page(main, function(box) {
    if (ndim == 1L) {
      boxes <- split_down(box, c(1, 2))
      line_panel(x, "input", boxes[[1L]], input_missing)
      line_panel(output, "output", boxes[[2L]], missing_colour)
    } else {
      boxes <- split_across(box, c(1, 2))
      tile_panel(x, "input", boxes[[1L]], input_scale)
      tile_panel(output, "output", boxes[[2L]], map_scale)
    }
  })
  invisible(output)
}

# Sample `i` of a batch, without the batch.
sample_of <- function(x, i) {
  array(matrix(x, dim(x)[[1L]])[i, ], dim(x)[-1L])
}

# What grey would not stand out from.
input_missing <- "#E69F00"

input_scale <- function(values) {
  range_scale(values, grDevices::grey.colors(255L, 0, 1, gamma = 1), na_colour = input_missing)
}

map_scale <- function(values) {
  finite <- values[is.finite(values)]
  if (any(finite < 0) && any(finite > 0)) {
    signed_scale(values)
  } else {
    range_scale(values, grDevices::hcl.colors(255L, "Viridis"))
  }
}

real_numbers <- function(x) {
  if (is.complex(x)) Mod(x) else x + 0
}

# Channels as tiles: of an array (channels, height, width), or of the middle of a volume.
tile_panel <- function(x, name, box, scale_of) {
  title <- panel_title(name, x)
  x <- real_numbers(x)
  if (length(dim(x)) == 4L) {
    slice <- ceiling(dim(x)[[2L]] / 2)
    title <- paste0(title, ", slice ", slice)
    x <- array(x[, slice, , ], dim(x)[-2L])
  }
  scale <- scale_of(x)
  draw_bar(scale, box)
  box <- take_bottom(box, bar_height() + 0.08)
  draw_sheet(1L, dim(x)[[1L]], dim(x)[3:2], box, c("", title), function(row, column, tile) {
    channel <- array(x[column, , ], dim(x)[-1L])
    draw_raster(colours_of(shrink(channel), scale), tile)
  })
}

panel_title <- function(name, x) {
  paste0(name, ", ", format_extents(x))
}

# Means of blocks of a matrix that has more rows or columns than can be told apart.
shrink <- function(x, most = 1024L) {
  for (side in 1:2) {
    if (nrow(x) > most) {
      block <- ceiling(seq_len(nrow(x)) / ceiling(nrow(x) / most))
      x <- rowsum(x, block, reorder = FALSE) / tabulate(block)
    }
    x <- t(x)
  }
  x
}

# Channels as lines: of an array (channels, length).
line_panel <- function(x, name, box, na_colour) {
  title <- panel_title(name, x)
  x <- real_numbers(x)
  scale <- range_scale(x, NULL)
  if (any(is.finite(x))) {
    range <- vapply(range(scale$marks), format, "", digits = 3L)
    title <- paste0(title, ", from ", range[[1L]], " to ", range[[2L]])
  }
  n <- dim(x)[[1L]]
  draw_sheet(1L, n, line_extent(n, box), box, c("", title), function(row, column, tile) {
    draw_line(x[column, ], scale$limits, tile, na_colour)
  })
}

# Such that `n` of them fill the box, above each other rather than side by side.
line_extent <- function(n, box) {
  width <- box$right - box$left
  height <- box$top - box$bottom
  across <- max(1, round(sqrt(n * width / height / 6)))
  down <- ceiling(n / across)
  labels <- line_height(1) + if (n > 1L) down * line_height(0.7) else 0
  c(width / across, max(height - labels, 0.1) / down / 1.15)
}

draw_line <- function(y, limits, box, na_colour) {
  points <- thin_series(y)
  unit <- (box$right - box$left) / length(y)
  x <- box$left + unit * (points$x - 0.5)
  height <- function(y) {
    box$bottom + (box$top - box$bottom) * (0.05 + 0.9 * (y - limits[[1L]]) / diff(limits))
  }
  missing <- !is.finite(points$y)
  if (any(missing)) {
    reach <- 0.5 * unit * max(1, diff(points$x))
    right <- pmin(x[missing] + reach, box$right)
    # The border makes single ones of a long series seen.
    graphics::rect(
      x[missing] - reach, box$bottom, right, box$top, col = na_colour, border = na_colour, lwd = 0.7
    )
  }
  if (limits[[1L]] <= 0 && limits[[2L]] >= 0) {
    graphics::segments(box$left, height(0), box$right, height(0), col = frame_colour)
  }
  points$y[missing] <- NA
  graphics::lines(x, height(points$y), col = line_colour)
  alone <- !missing & c(TRUE, missing[-length(missing)]) & c(missing[-1L], TRUE)
  graphics::points(x[alone], height(points$y[alone]), pch = 20L, cex = 0.3, col = line_colour)
}

line_colour <- "#2166AC"

# The least and the largest value of each stretch of a series that is too long to be drawn whole.
thin_series <- function(y, most = 2000L) {
  stretch <- ceiling(length(y) / most)
  if (stretch == 1) {
    return(list(x = seq_along(y), y = y))
  }
  parts <- split(y, ceiling(seq_along(y) / stretch))
  ranges <- vapply(parts, range, c(0, 0))
  x <- stretch * (seq_along(parts) - 0.5)
  list(x = rep(x, each = 2L), y = as.vector(ranges))
}
