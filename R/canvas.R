# What all pictures are drawn with: a page in inches, palettes with their bars, and sheets of tiles.
# Everything is inside one plot, so that pictures are panels of par(mfrow) and layout() as others
# are, and inside its region, so that no margin is too large for a small device.

missing_colour <- "#8C8C8C"
frame_colour <- "#BFBFBF"
faint_text <- "#595959"

# ---- the page ----

# Boxes are c(left, bottom, right, top) in inches.
box_of <- function(left, bottom, right, top) {
  list(left = left, bottom = bottom, right = right, top = top)
}

# Opens a plot with `main` as its title and has `draw(box)` fill the box that is left.
draw_page <- function(main, draw) {
  old <- graphics::par(mar = c(0, 0, 0, 0))
  on.exit(graphics::par(old))
  graphics::plot.new()
  size <- graphics::par("fin")
  graphics::plot.window(c(0, size[[1L]]), c(0, size[[2L]]), asp = 1, xaxs = "i", yaxs = "i")
  edge <- 0.04 * min(size)
  box <- box_of(edge, edge, size[[1L]] - edge, size[[2L]] - edge)
  draw(take_top(box, draw_title(box, main)))
}

# What is left below something of this height; at least a little.
take_top <- function(box, height) {
  box$top <- max(box$top - height, box$bottom + 0.05)
  box
}

take_bottom <- function(box, height) {
  box$bottom <- min(box$bottom + height, box$top - 0.05)
  box
}

take_left <- function(box, width) {
  box$left <- min(box$left + width, box$right - 0.05)
  box
}

# Parts side by side, of these shares of the width, and a gap between.
split_across <- function(box, shares, gap = 0.2) {
  gap <- min(gap, 0.05 * (box$right - box$left))
  width <- box$right - box$left - gap * (length(shares) - 1)
  right <- box$left + cumsum(width * shares / sum(shares)) + gap * (seq_along(shares) - 1)
  left <- right - width * shares / sum(shares)
  Map(function(left, right) box_of(left, box$bottom, right, box$top), left, right)
}

split_down <- function(box, shares, gap = 0.15) {
  gap <- min(gap, 0.05 * (box$top - box$bottom))
  height <- box$top - box$bottom - gap * (length(shares) - 1)
  bottom <- box$top - cumsum(height * shares / sum(shares)) - gap * (seq_along(shares) - 1)
  top <- bottom + height * shares / sum(shares)
  Map(function(bottom, top) box_of(box$left, bottom, box$right, top), bottom, top)
}

# ---- text ----

line_height <- function(cex) {
  1.5 * graphics::strheight("X", cex = cex)
}

text_width <- function(text, cex) {
  if (length(text)) max(graphics::strwidth(text, cex = cex)) else 0
}

# This size, or less where the text is wider than that.
fitting_cex <- function(text, width, usual, font = 1L) {
  usual * min(1, 0.95 * width / max(graphics::strwidth(text, cex = usual, font = font)))
}

# Draws it at the top of the box and returns its height.
draw_title <- function(box, main, usual = 1.1, font = 2L, ...) {
  if (is.null(main) || identical(main, "")) {
    return(0)
  }
  title <- fitting_title(main, box, usual, font)
  graphics::text(
    (box$left + box$right) / 2, box$top, title$text, adj = c(0.5, 1), cex = title$cex,
    font = font, ...
  )
  title_height(title$text, title$cex, font)
}

# In one line where that takes no more than a fifth of its size, otherwise in several, which are
# smaller only where a word is too wide or the box too low.
fitting_title <- function(text, box, usual, font) {
  width <- box$right - box$left
  cex <- fitting_cex(text, width, usual, font)
  least <- 0.8 * usual
  if (cex < least && is.character(text)) {
    fits <- function(line) graphics::strwidth(line, cex = least, font = font) <= 0.95 * width
    lines <- unlist(lapply(strsplit(text, "\n")[[1L]], break_lines, fits))
    text <- paste(lines, collapse = "\n")
    cex <- fitting_cex(text, width, least, font)
  }
  room <- 0.4 * (box$top - box$bottom)
  list(text = text, cex = cex * min(1, room / title_height(text, cex, font)))
}

title_height <- function(text, cex, font) {
  1.3 * graphics::strheight(text, cex = cex, font = font) + 0.3 * line_height(cex)
}

# In the middle of the box, above (`rise` below 0) or below the height `y`.
draw_caption <- function(box, y, text, rise) {
  cex <- fitting_cex(text, box$right - box$left, 0.8)
  graphics::text((box$left + box$right) / 2, y, text, adj = c(0.5, rise), cex = cex)
}

# Which of `n` labels are written where each is `pitch` from the next and needs `room`.
label_choice <- function(n, pitch, room) {
  steps <- c(outer(c(1, 2, 5), 10^(0:8)))
  step <- steps[steps * pitch >= room][1L]
  chosen <- seq_len(n) %% step == 0
  if (step > 2) {
    chosen[[1L]] <- TRUE
  }
  which(chosen)
}

# ---- colours ----

# Blue below 0, white at 0, red above, to the same limits on both sides.
signed_scale <- function(values) {
  limit <- max_modulus(values)
  list(
    limits = c(-limit, limit), marks = c(-limit, 0, limit),
    palette = grDevices::colorRampPalette(c(
      "#2166AC", "#4393C3", "#92C5DE", "#D1E5F0", "#FFFFFF",
      "#FDDBC7", "#F4A582", "#D6604D", "#B2182B"
    ))(255L),
    missing = any(!is.finite(values)), na_colour = missing_colour
  )
}

# From the least value to the largest.
range_scale <- function(values, palette, na_colour = missing_colour) {
  finite <- values[is.finite(values)]
  limits <- if (length(finite)) range(finite) else c(0, 0)
  marks <- unique(limits)
  if (length(marks) == 1L) {
    limits <- marks + c(-0.5, 0.5) * max_modulus(marks)
  }
  list(
    limits = limits, marks = marks, palette = palette,
    missing = any(!is.finite(values)), na_colour = na_colour
  )
}

# 1 where nothing but zeros is there to be scaled.
max_modulus <- function(x) {
  largest <- max(0, abs(x[is.finite(x)]))
  if (largest > 0) largest else 1
}

# Colours in the shape of `values`.
colours_of <- function(values, scale) {
  share <- (values - scale$limits[[1L]]) / diff(scale$limits)
  colours <- scale$palette[round(share * (length(scale$palette) - 1)) + 1]
  colours[!is.finite(values)] <- scale$na_colour
  dim(colours) <- dim(values)
  colours
}

bar_height <- function() {
  0.12 + line_height(0.7)
}

# The scale at the bottom of the box, and a patch of what is not finite, where there is such.
draw_bar <- function(scale, box) {
  middle <- (box$left + box$right) / 2
  width <- min(2.4, 0.8 * (box$right - box$left))
  left <- middle - width / 2
  top <- box$bottom + bar_height()
  bottom <- top - 0.1
  graphics::rasterImage(
    grDevices::as.raster(matrix(scale$palette, 1L)), left, bottom, left + width, top,
    interpolate = FALSE
  )
  graphics::rect(left, bottom, left + width, top, border = frame_colour)
  at <- left + width * (scale$marks - scale$limits[[1L]]) / diff(scale$limits)
  labels <- vapply(scale$marks, function(mark) format(signif(mark, 3L)), "")
  cex <- fitting_cex(paste(labels, collapse = "  "), 1.2 * width, 0.7)
  graphics::text(at, bottom, labels, adj = c(0.5, 1.4), cex = cex, col = faint_text)
  if (scale$missing) {
    right <- left + width + 0.3
    graphics::rect(right, bottom, right + 0.1, top, col = scale$na_colour, border = frame_colour)
    graphics::text(right + 0.05, bottom, "NA", adj = c(0.5, 1.4), cex = cex, col = faint_text)
  }
}

# ---- sheets of tiles ----

# Where the tiles of `rows` x `columns` lie in the box, each of `extent` c(width, height), as large
# as fits: many rows are cut into strips side by side, many columns into bands below each other.
# `margin` is c(width, height) of the labels that stand left of each strip and above each band.
# Returns the size of a tile and, as matrices, the left and the top of each and whether it is the
# first of a strip's column or of a band's row.
sheet_of <- function(rows, columns, extent, box, margin) {
  tall <- rows > columns
  parts <- seq_len(max(rows, columns))
  strips <- if (tall) parts else 1
  bands <- if (tall) 1 else parts
  across <- if (tall) parts * columns else ceiling(columns / parts)
  down <- if (tall) ceiling(rows / parts) else parts * rows
  pitch <- extent + 0.15 * min(extent)
  apart <- if (min(rows, columns) > 1L) 0.3 * min(extent) else 0
  room <- c(box$right - box$left, box$top - box$bottom)
  scales <- pmin(
    (room[[1L]] - strips * margin[[1L]]) / (across * pitch[[1L]] + strips * apart),
    (room[[2L]] - bands * margin[[2L]]) / (down * pitch[[2L]] + bands * apart)
  )
  best <- which.max(scales)
  scale <- max(scales[[best]], 1e-4)

  row <- rep(seq_len(rows) - 1, columns)
  column <- rep(seq_len(columns) - 1, each = rows)
  strip <- if (tall) row %/% down[[best]] else 0
  band <- if (tall) 0 else column %/% across[[best]]
  row <- row - strip * down[[best]]
  column <- column - band * across[[best]]
  left <- (strip + 1) * margin[[1L]] +
    scale * ((column + strip * columns) * pitch[[1L]] + strip * apart)
  top <- (band + 1) * margin[[2L]] + scale * ((row + band * rows) * pitch[[2L]] + band * apart)

  size <- scale * extent
  spare <- pmax(room - c(max(left), max(top)) - size, 0)
  sheet <- list(
    left = box$left + left + spare[[1L]] / 2, top = box$top - top - spare[[2L]] / 2,
    tops = row == 0, starts = column == 0
  )
  c(lapply(sheet, matrix, rows, columns), list(size = size))
}

# Has `draw(row, column, box)` fill each tile of a sheet. Rows and columns are numbered where there
# are several; `words` say what they are, or are empty.
draw_sheet <- function(rows, columns, extent, box, words, draw) {
  cex <- 0.7
  word_cex <- 0.8
  margin <- c(
    if (rows > 1L) text_width(rows, cex) + 0.06 else 0,
    if (columns > 1L) line_height(cex) else 0
  )
  word <- 1.2 * line_height(word_cex) * nzchar(words)
  sheet <- sheet_of(rows, columns, extent, take_left(take_top(box, word[[2L]]), word[[1L]]), margin)
  size <- sheet$size
  left <- sheet$left
  top <- sheet$top
  for (column in seq_len(columns)) {
    for (row in seq_len(rows)) {
      x <- left[row, column]
      y <- top[row, column]
      draw(row, column, box_of(x, y - size[[2L]], x + size[[1L]], y))
    }
  }
  # Around smaller tiles there would be more frame than tile.
  if (min(size) > 0.06) {
    graphics::rect(
      left, top - size[[2L]], left + size[[1L]], top, border = frame_colour, lwd = 0.7
    )
  }
  if (rows > 1L) {
    shown <- label_choice(rows, 1.15 * size[[2L]], 0.8 * line_height(cex))
    shown <- sheet$starts & row(left) %in% shown
    graphics::text(
      left[shown] - 0.03, top[shown] - size[[2L]] / 2, row(left)[shown],
      adj = c(1, 0.5), cex = cex, col = faint_text
    )
  }
  if (columns > 1L) {
    shown <- label_choice(columns, 1.15 * size[[1L]], 1.3 * text_width(columns, cex))
    shown <- sheet$tops & col(left) %in% shown
    graphics::text(
      left[shown] + size[[1L]] / 2, top[shown], col(left)[shown],
      adj = c(0.5, -0.4), cex = cex, col = faint_text
    )
  }
  middle <- c(min(left) + max(left) + size[[1L]], min(top) + max(top) - size[[2L]]) / 2
  beside <- min(left) - margin[[1L]]
  above <- max(top) + margin[[2L]]
  graphics::text(beside, middle[[2L]], words[[1L]], srt = 90, adj = c(0.5, -0.5), cex = word_cex)
  graphics::text(middle[[1L]], above, words[[2L]], adj = c(0.5, -0.5), cex = word_cex)
}

draw_raster <- function(colours, box) {
  graphics::rasterImage(
    grDevices::as.raster(colours), box$left, box$bottom, box$right, box$top, interpolate = FALSE
  )
}
