# Every row of shapes.csv, nnconv beside PyTorch.

ratios <- c("f64_vs_f64", "f64_vs_f32", "f32_vs_f32")
speedups <- paste0("speedup_", sides)

read_shapes <- function() {
  utils::read.csv("bench/shapes.csv", colClasses = "character", check.names = FALSE)
}

run_shapes <- function() {
  shapes <- read_shapes()
  shapes <- shapes[is_wanted(paste(shapes$class, shapes$id)), ]
  if (!nrow(shapes)) return()
  peaks <- vapply(settings$threads, peak, numeric(2))
  results <- NULL
  for (what in settings$what) {
    rows <- lapply(seq_len(nrow(shapes)), function(i) run_shape(as.list(shapes[i, ]), what, peaks))
    rows <- with_ratios(do.call(rbind, rows))
    results <- rbind(results, rows)
    store(results, "shapes")
    for (part in split(rows, rows$threads)) print_shapes(part)
    draw_shapes(rows)
  }
}

# A row for each form of the call and number of threads. What a call costs beside its sums is seen
# in tiny shapes: these are called by a module too.
run_shape <- function(shape, what, peaks) {
  data <- shape_data(shape)
  rows <- lapply(c("functional", if (shape$class == "tiny") "module"), function(form) {
    times <- times_of(shape, data, what, form, settings$threads)
    shown <- paste(apply(signif(1e3 * times, 3), 1, paste, collapse = " "), collapse = " | ")
    message(sprintf("%-8s %-34s %-10s %s ms", what, shape$id, form, shown))
    data.frame(
      class = shape$class, id = shape$id, form = form, what = what, threads = settings$threads,
      gflop = gflop(shape, data, what), times, peak_f64 = peaks[1, ], peak_f32 = peaks[2, ]
    )
  })
  do.call(rbind, rows)
}

# Adds GFLOP/s, shares of the peak, PyTorch's times over nnconv's, and times on the first number of
# threads over those on this.
with_ratios <- function(rows) {
  rows$gflops_f64 <- rows$gflop / rows$nnconv_f64
  rows$gflops_f32 <- rows$gflop / rows$nnconv_f32
  rows$of_peak_f64 <- rows$gflops_f64 / rows$peak_f64
  rows$of_peak_f32 <- rows$gflops_f32 / rows$peak_f32
  rows$f64_vs_f64 <- rows$torch_f64 / rows$nnconv_f64
  rows$f64_vs_f32 <- rows$torch_f32 / rows$nnconv_f64
  rows$f32_vs_f32 <- rows$torch_f32 / rows$nnconv_f32
  first <- rows$threads == settings$threads[1]
  times <- rows[sub("speedup_", "", speedups)]
  base <- times[first, ][cumsum(first), ]
  rows[speedups] <- base / times
  rows
}

labels_of <- function(rows) paste0(rows$id, ifelse(rows$form == "module", " m(x)", ""))

# Geometric means by class, and of these over all.
class_means <- function(rows, columns) {
  by_class <- lapply(split(rows[columns], factor(rows$class, unique(rows$class))), function(part) {
    vapply(part, geometric_mean, 0)
  })
  means <- do.call(rbind, by_class)
  rbind(means, `over all` = apply(means, 2, geometric_mean))
}

print_shapes <- function(rows) {
  cat(sprintf(
    "\n==== %s, %s (peak: %s GFLOP/s double, %s single)\n", rows$what[1],
    threads_text(rows$threads[1]), rows$peak_f64[1], rows$peak_f32[1]
  ))
  times <- stats::setNames(1e3 * rows[sides], c("ms f64", "ms f32", "torch f64", "torch f32"))
  rates <- stats::setNames(rows[c("gflops_f64", "gflops_f32")], c("GFLOP/s f64", "GFLOP/s f32"))
  peaks <- 100 * rows[c("of_peak_f64", "of_peak_f32")]
  ratios <- cbind(
    stats::setNames(peaks, c("%peak f64", "%peak f32")),
    stats::setNames(rows[ratios], c("f64:f64", "f32:f64", "f32:f32"))
  )
  several <- rows$threads[1] != settings$threads[1]
  if (several) {
    gains <- c("gain f64", "gain f32", "torch gain f64", "torch gain f32")
    ratios <- cbind(ratios, stats::setNames(rows[speedups], gains))
  }
  print_table(cbind(shape = labels_of(rows), times, rates, ratios))
  cat(sprintf(
    "\nGeometric means. f32:f64 is PyTorch's time in single over nnconv's in double%s.\n",
    if (several) paste(", gain is over", threads_text(settings$threads[1])) else ""
  ))
  means <- class_means(cbind(rows["class"], ratios), names(ratios))
  print_table(data.frame(class = rownames(means), means, check.names = FALSE))
}

# ---- the picture ----

# For each number of threads PyTorch's times over nnconv's, and GFLOP/s as shares of the peak.
draw_shapes <- function(rows) {
  rows[c("peak_share_f64", "peak_share_f32")] <- 100 * rows[c("of_peak_f64", "of_peak_f32")]
  kinds <- list(
    list(columns = ratios, unit = "PyTorch's time / nnconv's", reference = 1, log = "x",
      names = c("double / double", "single / double", "single / single")),
    list(columns = c("peak_share_f64", "peak_share_f32"), unit = "% of the peak", log = "",
      reference = c(0, 100), names = c("double", "single"))
  )
  kinds <- Filter(function(kind) !anyNA(rows[kind$columns]), kinds)
  by_threads <- split(rows, rows$threads)
  n <- length(kinds) * length(by_threads)
  if (!n) return()
  bottom <- heights(by_threads[[1]])$overall
  open_picture(paste0("-shapes-", rows$what[1], ".png"), 240 + 330 * n, 190 - round(17 * bottom), n)
  on.exit(grDevices::dev.off())
  graphics::layout(t(seq_len(n)), widths = c(330 + 210, rep(330, n - 1)))
  graphics::par(cex = 0.68)
  labelled <- TRUE
  for (kind in kinds) {
    limits <- range(rows[kind$columns], kind$reference)
    for (part in by_threads) {
      shape_panel(part, kind, limits, labelled)
      labelled <- FALSE
    }
  }
  caption("Large marks: geometric means. Ratios: the precision of PyTorch / that of nnconv.")
}

# Where the rows stand, from the top down: each class under a heading, and after all their mean.
heights <- function(rows) {
  class <- match(rows$class, unique(rows$class))
  row <- -(seq_along(class) + 1.5 * class)
  list(row = row, heading = row[match(unique(class), class)] + 1, overall = min(row) - 1.5)
}

shape_panel <- function(rows, kind, limits, labelled) {
  at <- heights(rows)
  graphics::par(mar = c(3, if (labelled) 14 else 0.8, 3.4, 0.8))
  plot(NULL, xlim = limits, ylim = c(at$overall - 0.7, -0.7), log = kind$log, yaxs = "i",
    axes = FALSE, ann = FALSE)
  graphics::abline(h = at$row, col = "grey93")
  graphics::abline(v = kind$reference, col = "grey50")
  if (kind$log == "x") log_axis(1, limits) else graphics::axis(1, lwd = 0, lwd.ticks = 1)
  graphics::title(xlab = kind$unit, line = 1.6)
  panel_title(paste0(rows$what[1], ", ", threads_text(rows$threads[1])), 1.9)
  if (labelled) {
    headings <- c(unique(rows$class), "over all")
    graphics::axis(2, at$row, labels_of(rows), lwd = 0)
    graphics::mtext(headings, 2, at = c(at$heading, at$overall), font = 2, cex = 0.7, line = 0.4,
      col = "grey10")
  }
  means <- class_means(rows, kind$columns)
  for (i in seq_along(kind$columns)) {
    mark <- marks[i, ]
    graphics::points(rows[[kind$columns[i]]], at$row, pch = mark$pch, col = mark$colour)
    graphics::points(means[, i], c(at$heading, at$overall), pch = mark$pch, col = mark$colour,
      cex = 1.7)
  }
  graphics::legend("bottomleft", kind$names, pch = marks$pch, col = marks$colour, bty = "n",
    horiz = TRUE, inset = c(0, 1), xpd = NA, text.col = "grey25", x.intersp = 0.6, cex = 0.9)
}
