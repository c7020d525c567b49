# The kernels of a module as a picture. Not on the way of a call.

#' @rdname nnconv_module
#' @param main The plot's title: a string, an expression, or `NULL` for none.
#' @export
plot.nnconv_module <- function(x, main = format(x), ...) {
  check_title(main)
  parts <- parts_of(x$weight)
  scale <- signed_scale(unlist(parts))
  draw_page(main, function(box) {
    draw_bar(scale, box)
    boxes <- split_across(take_bottom(box, bar_height() + 0.08), rep(1, length(parts)))
    Map(
      function(weight, title, box) {
        title <- draw_title(box, title, usual = 0.8, font = 1L)
        draw_kernels(weight, scale, take_top(box, title), channel_words(x))
      },
      parts, names(parts), boxes
    )
  })
  invisible(x)
}

# Real numbers as they are; complex ones as two parts.
parts_of <- function(x) {
  if (is.complex(x)) {
    list("real part" = Re(x), "imaginary part" = Im(x))
  } else {
    stats::setNames(list(x), "")
  }
}

# What the first two dimensions of a weight are.
channel_words <- function(m) {
  words <- c("output channels", "input channels")
  if (is_transposed(m)) rev(words) else words
}

# A row of tiles for each extent of the weight's first dimension, a column for each of its second;
# one dimension alone is read along lines, as text is.
draw_kernels <- function(weight, scale, box, words) {
  tiles <- kernel_tiles(weight)
  rows <- dim(tiles)[[3L]]
  columns <- dim(tiles)[[4L]]
  if (columns == 1L) {
    dim(tiles)[3:4] <- c(1L, rows)
    columns <- rows
    rows <- 1L
    words <- rev(words)
  }
  words[c(rows, columns) == 1L] <- ""
  edges <- slice_edges(weight)
  draw_sheet(rows, columns, tile_extent(dim(tiles)), box, words, function(row, column, box) {
    draw_raster(colours_of(slice_of(tiles, row, column), scale), box)
    if (length(edges)) {
      between <- box$left + (box$right - box$left) * edges
      graphics::segments(between, box$bottom, between, box$top, col = missing_colour, lwd = 1.5)
    }
  })
}

# Where one slice of a 3d kernel ends and the next begins, as shares of the tile's width.
slice_edges <- function(weight) {
  n_slices <- if (length(dim(weight)) == 5L) dim(weight)[[3L]] else 1L
  seq_len(n_slices - 1L) / n_slices
}

# Cells are square, but those of long strips higher than they are wide.
tile_extent <- function(dim) {
  c(dim[[2L]], max(dim[[1L]], dim[[2L]] / 8))
}

# The kernels as (height, width, first channels, second channels): a 1d kernel is one row, the
# slices of a 3d kernel lie side by side.
kernel_tiles <- function(weight) {
  channels <- dim(weight)[1:2]
  kernel <- utils::tail(c(1L, 1L, dim(weight)[-(1:2)]), 3L)
  tiles <- aperm(array(weight, c(channels, kernel)), c(4L, 5L, 3L, 1L, 2L))
  array(tiles, c(kernel[[2L]], kernel[[3L]] * kernel[[1L]], channels))
}

slice_of <- function(tiles, row, column) {
  matrix(tiles[, , row, column], dim(tiles)[[1L]])
}

# ---- ggplot2, where it is ----

#' @rdname nnconv_module
#' @importFrom rlang .data
#' @method autoplot nnconv_module
#' @rawNamespace S3method(ggplot2::autoplot, nnconv_module)
autoplot.nnconv_module <- function(object, ...) {
  check_no_more(...)
  cells <- kernel_cells(object$weight)
  scale <- signed_scale(cells$value)
  extent <- tile_extent(c(max(cells$row), max(cells$column)))
  words <- channel_words(object)
  title <- break_lines(format(object), function(line) nchar(line) <= 60L)
  columns <- ggplot2::vars(.data$part, .data$second)[if (is.complex(object$weight)) 1:2 else 2]
  n_tiles <- max(nlevels(cells$first), nlevels(cells$part) * nlevels(cells$second))
  ggplot2::ggplot(cells, ggplot2::aes(.data$column, .data$row, fill = .data$value)) +
    ggplot2::geom_tile() +
    ggplot2::geom_vline(
      xintercept = slice_edges(object$weight) * max(cells$column) + 0.5,
      colour = missing_colour, linewidth = 0.8
    ) +
    ggplot2::facet_grid(
      ggplot2::vars(.data$first), columns, switch = "y", labeller = strip_labels
    ) +
    ggplot2::scale_y_reverse() +
    ggplot2::scale_fill_gradientn(
      colours = scale$palette, limits = scale$limits, na.value = missing_colour
    ) +
    ggplot2::coord_cartesian(expand = FALSE) +
    ggplot2::labs(
      title = paste(title, collapse = "\n"), x = words[[2L]], y = words[[1L]], fill = "weight"
    ) +
    ggplot2::theme_minimal() +
    ggplot2::theme(
      aspect.ratio = extent[[2L]] / extent[[1L]],
      axis.text = ggplot2::element_blank(), panel.grid = ggplot2::element_blank(),
      panel.border = ggplot2::element_rect(fill = NA, colour = frame_colour),
      panel.spacing = ggplot2::unit(min(5.5, 44 / n_tiles), "pt"),
      plot.title = ggplot2::element_text(size = ggplot2::rel(1)), plot.title.position = "plot",
      strip.clip = "off", strip.text.y.left = ggplot2::element_text(angle = 0)
    )
}

# A row for each weight: its `value`, its `row` and `column` in the tile of its kernel, and the
# facet of that: `first` and `second` after the weight's first two dimensions, `part` of complex
# numbers.
kernel_cells <- function(weight) {
  parts <- parts_of(weight)
  cells <- Map(function(weight, part) {
    tiles <- kernel_tiles(weight)
    at <- arrayInd(seq_along(tiles), dim(tiles))
    data.frame(
      value = as.vector(tiles), row = at[, 1L], column = at[, 2L], first = factor(at[, 3L]),
      second = factor(at[, 4L]), part = factor(part, names(parts))
    )
  }, parts, names(parts))
  do.call(rbind, unname(cells))
}

# Of the strips along one side, which are `first` or `second`, below `part` for complex numbers: as
# many numbers as there is room for, and each part once, in its middle.
strip_labels <- function(labels) {
  channel <- as.integer(labels[[length(labels)]])
  n <- max(channel)
  shown <- channel %in% label_choice(n, pitch = 1 / length(channel), room = 1 / 20)
  numbers <- ifelse(shown, as.character(channel), "")
  if (length(labels) == 1L) {
    return(list(numbers))
  }
  list(ifelse(channel == ceiling(n / 2), as.character(labels$part), ""), numbers)
}
