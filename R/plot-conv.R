# The arithmetic of a layer as a picture: the cells of the input that make one cell of the output.

#' Plot the arithmetic of a layer
#'
#' Draws the input of a layer, its window, and the cell of the output that the window makes, from
#' the layer's own arguments.
#'
#' The input is blue, the output above it green, and dark cells belong to each other. Cells of
#' padding are dashed; where `padding_mode` is not `"zeros"`, they bear the number of the cell that
#' they repeat. Between the taps of the window lie `dilation - 1` cells. The window of the next
#' output is outlined in orange: it is `stride` cells on. Channels, groups and weights play no
#' part.
#'
#' A transposed layer is drawn as a convolution of stride 1 over its input spread out: `stride - 1`
#' zeros, dashed, stand between neighbouring cells, and `dilation * (kernel_size - 1) - padding`
#' around them.
#'
#' A layer of three spatial dimensions does along each what a layer of one dimension does, and is
#' not drawn.
#'
#' `r rd_arguments_picture()`
#'
#' `r rd_transposed_picture()`
#'
#' @param m A layer of one or two spatial dimensions.
#' @param input_size The spatial size of the input: whole numbers, one for all dimensions or one
#'   each. `NULL` is one that gives a few outputs.
#' @param at Which cell of the output: whole numbers, one for all dimensions or one each. `NULL` is
#'   the one whose window is nearest to the middle of the input.
#' @param main The plot's title: a string, an expression, or `NULL` for none.
#' @return A list, invisibly: `output_size`, `at`, and `reads`, a data frame of the positions in the
#'   input that this output is made of, a row for each tap; `NA` where a tap meets a zero, which is
#'   left out.
#' @section Errors:
#' `r rd_errors()`
#' @references `r rd_references("torch.nn.Conv2d")`
#' @seealso [plot_receptive_field()] for several layers, [conv_output_size()];
#'   `vignette("padding", package = "nnconv")`
#' @examples
#' m <- nn_conv2d(1, 1, kernel_size = 3, stride = 2, padding = 1)
#' plot_conv(m, input_size = 5, at = c(1, 2))
#'
#' m <- nn_conv1d(1, 1, kernel_size = 3, dilation = 2, padding = 3, padding_mode = "reflect")
#' drawn <- plot_conv(m, input_size = 8, at = 2)
#' drawn$reads
#' #>   length
#' #> 1      3
#' #> 2      1
#' #> 3      3
#'
#' plot_conv(nn_conv_transpose2d(1, 1, kernel_size = 3, stride = 2), input_size = 3, at = 4)
#' @export
plot_conv <- function(m, input_size = NULL, at = 1, main = format(m)) {
  if (missing(m)) raise_missing("m")
  check_module(m, "m")
  check_title(main)
  axes <- module_axes(m)
  ndim <- nrow(axes)
  if (ndim == 3L) {
    raise_fault(
      "value", "m", "a layer of 1 or 2 spatial dimensions", "one of 3",
      "Each dimension is like that of a 1d layer: draw one with the same arguments."
    )
  }
  if (is.null(input_size)) {
    input_size <- small_input(axes)
  }
  input_size <- check_spatial_(input_size, "input_size", ndim, 1L)
  output_size <- output_size_for(m, input_size)
  check_drawable(axes, input_size, output_size)
  sides <- lapply(seq_len(ndim), function(i) {
    window_side(axes[i, ], m$padding_mode, input_size[[i]], output_size[[i]])
  })
  names(sides) <- rownames(axes)
  at <- check_at(if (is.null(at)) middle_windows(sides) else at, output_size)
  draw_page(main, function(box) {
    view <- if (ndim == 1L) row_view(sides, box) else plane_view(sides, box)
    draw_windows(view, sides, at)
    following <- if (!is.null(next_output(sides, at))) "orange: the next window"
    words <- c(by_times(input_size), zero_words(sides), following)
    draw_caption(box, view$top, paste("output", by_times(output_size)), -0.5)
    draw_caption(box, view$bottom, paste("input", paste(words, collapse = "; ")), 1.5)
  })
  invisible(list(output_size = output_size, at = at, reads = window_reads(sides, at)))
}

check_drawable <- function(axes, input_size, output_size) {
  cells <- ifelse(axes$transposed, output_size + axes$span, input_size + axes$before + axes$after)
  if (max(cells, output_size) > 1e5) {
    raise_fault(
      "value", "input_size", "small enough to be drawn: at most 100000 cells in a dimension",
      by_times(input_size)
    )
  }
}

check_at <- function(at, output_size) {
  at <- check_spatial_(at, "at", length(output_size), 1L)
  if (any(at > output_size)) {
    raise_fault(
      "value", "at", paste("a cell of the output, which is", by_times(output_size)), by_times(at)
    )
  }
  at
}

# For four outputs in each dimension; of a transposed layer, three inputs.
small_input <- function(axes) {
  needed <- 3 * axes$stride + axes$span - axes$before - axes$after
  ifelse(axes$transposed, 3, pmax(needed, axes$before + 1, axes$after + 1))
}

zero_words <- function(sides) {
  zeros <- any(vapply(sides, function(side) anyNA(side$source), NA))
  padded <- any(vapply(sides, function(side) any(is_padding(side)), NA))
  if (zeros) "dashed: zeros" else if (padded) "dashed: repeated cells"
}

# ---- what the windows slide over ----

# Along one dimension: cells from `first` on, of which 1 to `size` are the input, which is spread
# out for a transposed layer. `source` is the input's position of each cell, NA for a zero;
# `starts` are the first cells of the windows, `taps` the others' distances from it.
window_side <- function(axis, mode, input_size, output_size) {
  if (axis$transposed) {
    source <- spread_input(input_size, axis$stride)
    step <- 1
    before <- axis$span - 1 - axis$before
    after <- output_size + axis$span - 1 - length(source) - before
    mode <- "zeros"
  } else {
    source <- seq_len(input_size)
    step <- axis$stride
    before <- axis$before
    after <- axis$after
  }
  list(
    size = length(source),
    first = 1 - max(before, 0),
    # Of a transposed layer with much padding windows leave out cells at the ends.
    source = pad_input(source, max(before, 0), max(after, 0), mode),
    starts = 1 - before + step * (seq_len(output_size) - 1),
    taps = taps_of(axis)
  )
}

spread_input <- function(size, stride) {
  spread <- rep(NA_real_, (size - 1) * stride + 1)
  spread[(seq_len(size) - 1) * stride + 1] <- seq_len(size)
  spread
}

pad_input <- function(source, before, after, mode) {
  mode <- if (mode == "zeros") "constant" else mode
  as.vector(nnf_pad(array(source, length(source)), c(before, after), mode, value = NA))
}

cells_of <- function(side) {
  side$first + seq_along(side$source) - 1
}

is_padding <- function(side) {
  cells <- cells_of(side)
  cells < 1 | cells > side$size
}

# The cells under the window of output `at`, the middles of all windows, and where the input has
# what these cells are.
window_cells <- function(side, at) {
  side$starts[[at]] + side$taps
}

window_middles <- function(side) {
  side$starts + max(side$taps) / 2
}

# In each dimension the output whose window is nearest to the middle of the input.
middle_windows <- function(sides) {
  vapply(sides, function(side) which.min(abs(window_middles(side) - (side$size + 1) / 2)), 0L)
}

source_of <- function(side, cells) {
  side$source[cells - side$first + 1]
}

window_reads <- function(sides, at) {
  reads <- Map(function(side, at) source_of(side, window_cells(side, at)), sides, at)
  reads <- expand.grid(reads, KEEP.OUT.ATTRS = FALSE)
  reads[rowSums(is.na(reads)) > 0, ] <- NA
  reads
}

# The next output along the last dimension that has one, or NULL.
next_output <- function(sides, at) {
  n_outputs <- vapply(sides, function(side) length(side$starts), 0L)
  free <- which(at < n_outputs)
  if (length(free)) {
    replace(at, max(free), at[[max(free)]] + 1L)
  }
}

# ---- drawing ----

conv_colours <- list(
  input = "#CFE2F3", repeated = "#EAF2FA", edge = "#3B6EA5", tap = "#4A86BF", zero_tap = "#B9CDE0",
  dashes = "#8C8C8C", output = "#CDEBE1", made = "#3FA08A", output_edge = "#2B7A68",
  ray = "#7F7F7F", following = "#E07B00"
)

# A view says where things lie on the page. Level 0 is the input, level 1 the output above it;
# `cells(positions, level)` and `outline(positions, level)` give the shapes of cells and the shape
# around them, positions being a list with a vector for each dimension; `rays(taps, at)` are the
# lines that join them; `size` is the c(width, height) of a cell.
draw_windows <- function(view, sides, at) {
  taps <- Map(window_cells, sides, at)
  draw_input(view, sides, taps)
  draw_output(view, sides, at)
  following <- next_output(sides, at)
  if (!is.null(following)) {
    draw_shapes(view$outline(following, 1), border = conv_colours$following, lwd = 2)
    following <- Map(window_cells, sides, following)
    draw_shapes(view$outline(following, 0), border = conv_colours$following, lwd = 2)
  }
  draw_shapes(view$outline(taps, 0), border = conv_colours$edge, lwd = 2)
  rays <- view$rays(taps, at)
  graphics::segments(rays[[1L]]$x, rays[[1L]]$y, rays[[2L]]$x, rays[[2L]]$y, col = conv_colours$ray)
}

# Cells from the input have whole edges, others dashed ones.
draw_input <- function(view, sides, taps) {
  padded <- view$outline(lapply(sides, cells_of), 0)
  inside <- view$outline(lapply(sides, function(side) c(1, side$size)), 0)
  if (!shows_cells(view)) {
    draw_shapes(padded, border = conv_colours$dashes, lty = 2)
    draw_shapes(inside, col = conv_colours$input, border = conv_colours$edge)
    draw_shapes(view$outline(taps, 0), col = conv_colours$tap)
    return()
  }
  source <- expand.grid(lapply(sides, `[[`, "source"))
  padding <- rowSums(expand.grid(lapply(sides, is_padding))) > 0
  known <- rowSums(is.na(source)) == 0
  tapped <- apply(expand.grid(Map(`%in%`, lapply(sides, cells_of), taps)), 1L, all)
  whole <- known & !padding
  fill <- ifelse(whole, conv_colours$input, ifelse(known, conv_colours$repeated, NA))
  fill[tapped] <- ifelse(known, conv_colours$tap, conv_colours$zero_tap)[tapped]
  shape <- view$cells(lapply(sides, cells_of), 0)
  draw_shapes(some_shapes(shape, !whole), col = fill[!whole], border = conv_colours$dashes, lty = 2)
  draw_shapes(some_shapes(shape, whole), col = fill[whole], border = conv_colours$edge)
  labels <- do.call(paste, c(source, sep = ","))
  draw_numbers(some_shapes(shape, known), labels[known], view$size, tapped[known])
}

draw_output <- function(view, sides, at) {
  positions <- lapply(sides, function(side) seq_along(side$starts))
  if (shows_cells(view)) {
    labels <- do.call(paste, c(expand.grid(positions), sep = ","))
    made <- labels == paste(at, collapse = ",")
    fill <- ifelse(made, conv_colours$made, conv_colours$output)
    shape <- view$cells(positions, 1)
    draw_shapes(shape, col = fill, border = conv_colours$output_edge)
    draw_numbers(shape, labels, view$size, made)
  } else {
    shape <- view$outline(positions, 1)
    draw_shapes(shape, col = conv_colours$output, border = conv_colours$output_edge)
    draw_shapes(view$outline(at, 1), col = conv_colours$made)
  }
}

# Whether single cells can be told apart.
shows_cells <- function(view) {
  min(view$size) > 0.03
}

# Closed shapes, one for each column of the matrices `shape$x` and `shape$y`.
draw_shapes <- function(shape, ...) {
  if (length(shape$x)) {
    graphics::polygon(rbind(shape$x, NA), rbind(shape$y, NA), ...)
  }
}

some_shapes <- function(shape, some) {
  lapply(shape, function(corners) corners[, some, drop = FALSE])
}

# In the middle of their cells, where there is room.
draw_numbers <- function(shape, labels, size, dark) {
  usual <- 0.65
  cex <- min(
    fitting_cex(labels, 0.8 * size[[1L]], usual),
    usual * 0.6 * size[[2L]] / graphics::strheight("1", cex = usual)
  )
  if (cex >= 0.3) {
    colour <- ifelse(dark, "white", faint_text)
    graphics::text(colMeans(shape$x), colMeans(shape$y), labels, cex = cex, col = colour)
  }
}

# What captions leave of the box.
inner_box <- function(box) {
  line <- 1.3 * line_height(0.8)
  take_bottom(take_top(box, line), line)
}

# 1d: a row of cells of the input below one of the output, each output above the middle of its
# window.
row_view <- function(sides, box) {
  box <- inner_box(box)
  room <- box$top - box$bottom
  middles <- window_middles(sides[[1L]])
  ends <- range(cells_of(sides[[1L]]), middles) + c(-0.5, 0.5)
  width <- min((box$right - box$left) / diff(ends), 0.35 * room)
  height <- min(max(width, 0.12), 0.3 * room, 0.5)
  lift <- min(3.5 * height + 0.3, room - height)
  floor <- (box$bottom + box$top - lift - height) / 2
  x_of <- function(positions, level) {
    at <- if (level == 1) middles[positions] else positions
    (box$left + box$right) / 2 + (at - mean(ends)) * width
  }
  shape_of <- function(first, last, level) {
    list(
      x = rbind(first, first, last, last),
      y = matrix(floor + level * lift + c(0, height, height, 0), 4L, length(first))
    )
  }
  list(
    size = c(width, height), top = floor + lift + height, bottom = floor,
    cells = function(positions, level) {
      x <- x_of(positions[[1L]], level)
      shape_of(x - width / 2, x + width / 2, level)
    },
    outline = function(positions, level) {
      x <- range(x_of(positions[[1L]], level)) + c(-0.5, 0.5) * width
      shape_of(x[[1L]], x[[2L]], level)
    },
    rays = function(taps, at) {
      list(
        list(x = x_of(taps[[1L]], 0), y = floor + height),
        list(x = x_of(at[[1L]], 1), y = floor + lift)
      )
    }
  )
}

# 2d: the plane of the output above the middle of the plane of the input, seen from the front: a row
# is so much lower and further left than the one behind it, in columns.
plane_view <- function(sides, box) {
  depth <- 0.55
  slant <- 0.35
  flat_x <- function(row, column) column - slant * row
  # Edges from the first to the last, rows and columns.
  input <- lapply(sides, function(side) range(cells_of(side)) + c(-1, 0))
  output <- lapply(sides, function(side) c(0, length(side$starts)))
  reach <- function(edges) {
    list(x = flat_x(rev(edges[[1L]]), edges[[2L]]), y = -depth * rev(edges[[1L]]))
  }
  below <- reach(input)
  above <- reach(output)
  shift <- mean(below$x) - mean(above$x)
  gap <- 0.5 + 0.15 * max(diff(input[[1L]]), diff(output[[1L]]))
  lift <- below$y[[2L]] + gap - above$y[[1L]]
  x <- range(below$x, above$x + shift)
  y <- range(below$y, above$y + lift)

  box <- inner_box(box)
  unit <- max(min((box$right - box$left) / diff(x), (box$top - box$bottom) / diff(y)), 1e-4)
  left <- (box$left + box$right - unit * sum(x)) / 2
  bottom <- (box$bottom + box$top - unit * sum(y)) / 2
  project <- function(row, column, level) {
    list(
      x = left + unit * (flat_x(row, column) + level * shift),
      y = bottom + unit * (level * lift - depth * row)
    )
  }
  outline <- function(positions, level) {
    edges <- lapply(positions, function(positions) range(positions) + c(-1, 0))
    shape <- project(edges[[1L]][c(1, 1, 2, 2)], edges[[2L]][c(1, 2, 2, 1)], level)
    lapply(shape, matrix)
  }
  list(
    size = unit * c(1, depth), top = bottom + unit * y[[2L]], bottom = bottom + unit * y[[1L]],
    cells = function(positions, level) {
      grid <- expand.grid(positions)
      row <- outer(c(-1, -1, 0, 0), grid[[1L]], "+")
      column <- outer(c(-1, 0, 0, -1), grid[[2L]], "+")
      project(row, column, level)
    },
    outline = outline,
    rays = function(taps, at) list(outline(taps, 0), outline(at, 1))
  )
}
