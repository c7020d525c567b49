# Cost against size: the time of an operation as samples, pixels or channels grow a thousandfold,
# the rest staying as it is. Where it is level, cost is linear.

base_shape <- list(
  class = "scaling", layer = "conv2d", batch = "4", c_in = "8", c_out = "8", groups = "1",
  `in` = "16x16", kernel = "3x3", stride = "1", padding = "1", dilation = "1", output_padding = "0"
)

grown <- list(
  samples = function(factor) list(batch = factor),
  pixels = function(factor) list(`in` = paste(rep(round(8 * sqrt(factor)), 2), collapse = "x")),
  channels = function(factor) list(c_in = factor)
)

run_scaling <- function() {
  axes <- names(grown)[is_wanted(paste("scaling", names(grown)))]
  if (!length(axes)) return()
  cases <- expand.grid(factor = 2^(0:10), axis = axes, what = settings$what,
    stringsAsFactors = FALSE)
  rows <- lapply(seq_len(nrow(cases)), function(i) {
    run_size(cases$axis[i], cases$factor[i], cases$what[i])
  })
  results <- do.call(rbind, rows)
  store(results, "scaling")
  draw_scaling(results)
}

# On the first number of threads.
run_size <- function(axis, factor, what) {
  shape <- utils::modifyList(base_shape, lapply(grown[[axis]](factor), as.character))
  data <- shape_data(shape)
  size <- switch(axis, samples = dim(data$x)[1], channels = dim(data$x)[2],
    pixels = prod(dim(data$x)[-(1:2)]))
  threads <- settings$threads[1]
  times <- times_of(shape, data, what, "functional", threads)
  message(sprintf("%-8s %5d %-8s %s ms", what, size, axis,
    paste(signif(1e3 * times, 3), collapse = " ")))
  data.frame(
    what = what, axis = axis, size = size, threads = threads, gflop = gflop(shape, data, what),
    times
  )
}

# ---- the picture ----

draw_scaling <- function(results) {
  names <- sides[!is.na(results[1, sides])]
  # Seconds per billion operations are nanoseconds per operation.
  results[names] <- results[names] / results$gflop
  limits <- range(results[names])
  panels <- unique(results[c("what", "axis")])
  columns <- length(unique(panels$axis))
  rows <- nrow(panels) / columns
  open_picture("-scaling.png", 60 + 400 * columns, 100 + 340 * rows, columns, rows)
  on.exit(grDevices::dev.off())
  graphics::par(mar = c(3.4, 3.8, 2.4, 0.8), cex = 0.8)
  for (i in seq_len(nrow(panels))) {
    scaling_panel(merge(results, panels[i, ]), names, limits)
    if (i == 1) legend_of(names)
  }
  caption("Where a line is level, cost is linear.")
}

# Colour is whose, shape and line the precision.
line_style <- data.frame(
  row.names = sides, name = c("nnconv, double", "nnconv, single", "PyTorch, double",
    "PyTorch, single"),
  colour = rep(marks$colour[1:2], each = 2), pch = c(19, 21, 17, 24), lty = c(1, 2, 1, 2)
)

scaling_panel <- function(rows, names, limits) {
  rows <- rows[order(rows$size), ]
  plot(NULL, xlim = range(rows$size), ylim = limits, log = "xy", axes = FALSE, ann = FALSE)
  graphics::abline(h = log_ticks(limits), col = "grey93")
  for (name in names) {
    style <- line_style[name, ]
    graphics::lines(rows$size, rows[[name]], type = "o", pch = style$pch, col = style$colour,
      lty = style$lty, bg = "white", lwd = 1.5)
  }
  log_axis(1, range(rows$size))
  log_axis(2, limits)
  panel_title(paste0(rows$what[1], " by ", rows$axis[1], ", ", threads_text(rows$threads[1])))
  graphics::title(xlab = rows$axis[1], line = 1.8)
  graphics::title(ylab = "ns per operation", line = 2.6)
}

legend_of <- function(names) {
  style <- line_style[names, ]
  graphics::legend("topright", style$name, pch = style$pch, col = style$colour, lty = style$lty,
    pt.bg = "white", lwd = 1.5, bty = "n", text.col = "grey25", cex = 0.9)
}
