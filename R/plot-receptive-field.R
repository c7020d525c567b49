# The receptive field of a stack of layers as a picture.

#' Plot the receptive field of a stack of layers
#'
#' Draws which part of the input one output of several layers, one after the other, depends on.
#'
#' Of layers of one dimension all positions are drawn as a pyramid, the input at the bottom and
#' each layer's output above, with the connections that lead to the output `at`. Of layers of two
#' dimensions the input is drawn as a grid, with the receptive fields of the first layer, of the
#' first two and so on as nested frames, numbered by the layer: each is that of the middle one of
#' the outputs on the way to the output `at`. The darker a position, the more ways lead from there
#' to the output; white ones are not seen, as dilation leaves some out. What padding repeats by
#' `padding_mode` is not counted as seen.
#'
#' `r rd_field_picture()`
#'
#' @inheritParams receptive_field
#' @param input_size The spatial size of the input: whole numbers, one for all dimensions or one
#'   each. `NULL` is one that is a little larger than the receptive field.
#' @param at Which position of the output: whole numbers, one for all dimensions or one each. `NULL`
#'   is the one whose receptive field is nearest to the middle of the input.
#' @param main The plot's title: a string, an expression, or `NULL` for one that says how many
#'   layers there are.
#' @return What [receptive_field()] returns, invisibly.
#' @section Errors:
#' `r rd_errors()`
#' @seealso [receptive_field()], [plot_conv()] for a single layer
#' @examples
#' # Causal layers of two taps each, the dilation doubled from one to the next
#' layers <- lapply(c(1, 2, 4, 8), function(dilation) {
#'   nn_conv1d(1, 1, kernel_size = 2, dilation = dilation, padding = "causal")
#' })
#' plot_receptive_field(layers)
#'
#' # Dilated by 2 again and again: three quarters of the pixels are never seen
#' dilated <- nn_conv2d(1, 1, kernel_size = 3, dilation = 2, padding = "same")
#' plot_receptive_field(dilated, dilated, dilated)
#' @export
plot_receptive_field <- function(..., input_size = NULL, at = NULL, main = NULL) {
  layers <- check_layers(...)
  check_title(main)
  stack <- lapply(layers, module_axes)
  ndim <- nrow(stack[[1L]])
  if (ndim == 3L) {
    raise_fault(
      "value", "...", "layers of 1 or 2 spatial dimensions", "of 3",
      "`receptive_field()` gives the numbers, and each dimension is like that of 1d layers."
    )
  }
  field <- stack_field(stack)
  if (is.null(input_size)) {
    input_size <- field$size + 2 * ceiling(field$stride)
  }
  sizes <- layer_sizes(layers, check_spatial_(input_size, "input_size", ndim, 1L))
  output_size <- sizes[[length(sizes)]]
  if (is.null(at)) {
    at <- middle_output(field, sizes[[1L]], output_size)
  }
  at <- check_at(at, output_size)
  traces <- lapply(seq_len(ndim), function(i) {
    trace_back(axis_stack(stack, i), at[[i]], vapply(sizes, `[[`, 0L, i))
  })
  if (is.null(main)) {
    n <- length(layers)
    main <- paste("Receptive field of", n, if (n == 1L) "layer" else "layers")
  }
  draw_page(main, function(box) {
    # Of transposed layers the outputs differ.
    size <- if (any(is_transposed_axes(stack))) "size at most" else "size"
    draw_caption(box, box$bottom, paste(size, field_words(field)), -0.3)
    box <- take_bottom(box, 1.5 * line_height(0.8))
    if (ndim == 1L) {
      draw_pyramid(axis_stack(stack, 1L), unlist(sizes), traces[[1L]], box)
    } else {
      draw_frames(stack, sizes[[1L]], traces, box)
    }
  })
  invisible(field)
}

# Of the input and of each layer's output.
layer_sizes <- function(layers, input_size) {
  Reduce(function(size, layer) output_size_for(layer, size), layers, input_size, accumulate = TRUE)
}

# The output whose field is nearest to the middle of the input.
middle_output <- function(field, input_size, output_size) {
  first <- field$start + (field$size - 1) / 2
  at <- round(((input_size + 1) / 2 - first) / field$stride) + 1
  as.integer(pmin(pmax(at, 1), output_size))
}

# White to blue, by the share of the largest number of paths.
path_colours <- function(paths) {
  palette <- grDevices::hcl.colors(255L, "Blues 3", rev = TRUE)[-(1:40)]
  palette[1 + round((length(palette) - 1) * paths / max(0, paths))]
}

# ---- one dimension ----

# Where the outputs of each layer stand, `first + (q - 1) * step` in positions of the input: above
# the middle of their windows, but as far to a side as their padding is.
pyramid_columns <- function(axes) {
  columns <- list(list(first = 1, step = 1))
  for (axis in axes) {
    below <- columns[[length(columns)]]
    padding <- axis$before + axis$after
    share <- if (padding > 0 && !axis$transposed) axis$before / padding else 0.5
    aside <- share * (axis$span - 1) - axis$before
    column <- if (axis$transposed) {
      list(first = below$first - below$step * aside / axis$stride, step = below$step / axis$stride)
    } else {
      list(first = below$first + below$step * aside, step = below$step * axis$stride)
    }
    columns <- c(columns, list(column))
  }
  columns
}

# `sizes` and `traces` are of the input and of each layer's output: the levels.
draw_pyramid <- function(axes, sizes, traces, box) {
  words <- c("input", vapply(axes, layer_words, ""))
  margin <- min(text_width(words, 0.65), 0.4 * (box$right - box$left))
  view <- pyramid_view(axes, sizes, take_left(box, margin + 0.15))
  graphics::text(
    box$left + margin, view$heights, words, adj = c(1, 0.5),
    cex = fitting_cex(words, margin, 0.65), col = faint_text
  )
  for (level in seq_along(axes)) {
    axis <- axes[[level]]
    # More would fill the page.
    if (sizes[[level + 1L]] * axis$kernel <= 1500) {
      links <- links_to(seq_len(sizes[[level + 1L]]), axis, sizes[[level]])
      draw_links(view, level, links, col = "#E3E3E3", lwd = 0.7)
    }
    outputs <- traces[[level + 1L]]$position
    if (length(outputs) * axis$kernel <= 5000) {
      links <- links_to(outputs, axis, sizes[[level]])
      lwd <- if (view$unit > 0.05) 1.2 else 0.4
      draw_links(view, level, links, col = conv_colours$tap, lwd = lwd)
    } else {
      ends <- c(range(traces[[level]]$position), rev(range(outputs)))
      graphics::polygon(
        c(view$x(level, ends[1:2]), view$x(level + 1L, ends[3:4])),
        rep(view$heights[level + 0:1], each = 2L), col = conv_colours$tap, border = NA
      )
    }
  }
  for (level in seq_along(sizes)) {
    seen <- traces[[level]]
    draw_nodes(view, level, seq_len(sizes[[level]]), bg = "white", fg = frame_colour)
    draw_nodes(view, level, seen$position, bg = path_colours(seen$paths), fg = conv_colours$edge)
  }
  inputs <- traces[[1L]]$position
  inputs <- unique(inputs[c(1L, length(inputs))])
  outputs <- traces[[length(traces)]]$position
  draw_positions(view, 1L, inputs, view$heights[[1L]] - view$radius, 1.5)
  draw_positions(view, length(sizes), outputs, max(view$heights) + view$radius, -0.5)
}

# Where positions of each level lie on the page.
pyramid_view <- function(axes, sizes, box) {
  columns <- pyramid_columns(axes)
  ends <- range(Map(function(column, size) {
    column$first + column$step * c(0, size - 1)
  }, columns, sizes))
  unit <- (box$right - box$left) / max(diff(ends) + 1, 4)
  radius <- min(0.35 * unit * min(1, vapply(columns, `[[`, 0, "step")), 0.12)
  edge <- line_height(0.65) + radius
  list(
    unit = unit, radius = radius,
    heights = seq(box$bottom + edge, box$top - edge, length.out = length(sizes)),
    x = function(level, positions) {
      column <- columns[[level]]
      at <- column$first + column$step * (positions - 1)
      (box$left + box$right) / 2 + unit * (at - mean(ends))
    }
  )
}

draw_links <- function(view, level, links, ...) {
  if (nrow(links)) {
    graphics::segments(
      view$x(level, links$input), view$heights[[level]],
      view$x(level + 1L, links$output), view$heights[[level + 1L]], ...
    )
  }
}

draw_nodes <- function(view, level, positions, ...) {
  n <- length(positions)
  if (n && view$radius > 0.015) {
    graphics::symbols(
      view$x(level, positions), rep(view$heights[[level]], n), circles = rep(view$radius, n),
      inches = FALSE, add = TRUE, ...
    )
  }
}

draw_positions <- function(view, level, positions, y, rise) {
  if (length(positions)) {
    graphics::text(view$x(level, positions), y, positions, adj = c(0.5, rise), cex = 0.65)
  }
}

layer_words <- function(axis) {
  paste0(
    "kernel ", axis$kernel, if (axis$dilation > 1) paste(", dilation", axis$dilation),
    if (axis$stride > 1) paste(", stride", axis$stride), if (axis$transposed) ", transposed"
  )
}

# ---- two dimensions ----

draw_frames <- function(stack, input_size, traces, box) {
  seen <- lapply(traces, `[[`, 1L)
  frames <- list()
  if (all(vapply(seen, nrow, 0L) > 0L)) {
    frames <- lapply(seq_along(stack), function(n) layer_frame(stack[seq_len(n)], traces, n + 1L))
  }
  rows <- range(0, input_size[[1L]], lapply(frames, `[[`, "height"))
  columns <- range(0, input_size[[2L]], lapply(frames, `[[`, "width"))
  unit <- min((box$top - box$bottom) / diff(rows), (box$right - box$left) / diff(columns))
  x_of <- function(column) (box$left + box$right) / 2 + unit * (column - mean(columns))
  y_of <- function(row) (box$bottom + box$top) / 2 - unit * (row - mean(rows))
  if (length(frames)) {
    draw_paths(seen[[1L]], seen[[2L]], x_of, y_of)
  }
  row_edges <- c(0, input_size[[1L]])
  column_edges <- c(0, input_size[[2L]])
  if (unit > 0.04) {
    y <- y_of(seq(0, input_size[[1L]]))
    x <- x_of(seq(0, input_size[[2L]]))
    graphics::segments(x[[1L]], y, x[[length(x)]], y, col = frame_colour, lwd = 0.7)
    graphics::segments(x, y[[1L]], x, y[[length(y)]], col = frame_colour, lwd = 0.7)
  }
  draw_frame <- function(rows, columns, ...) {
    graphics::rect(
      x_of(columns[[1L]]), y_of(rows[[2L]]), x_of(columns[[2L]]), y_of(rows[[1L]]), ...
    )
  }
  draw_frame(row_edges, column_edges, border = faint_text)
  for (i in seq_along(frames)) {
    frame <- frames[[i]]
    lwd <- if (i == length(frames)) 2.5 else 1.2
    draw_frame(frame$height, frame$width, border = conv_colours$following, lwd = lwd)
  }
  if (unit > 0.5 * line_height(0.65)) {
    label_frames(frames, x_of, y_of)
  }
}

# In their upper left corners; frames that share one share a label.
label_frames <- function(frames, x_of, y_of) {
  left <- vapply(frames, function(frame) x_of(frame$width[[1L]]), 0)
  top <- vapply(frames, function(frame) y_of(frame$height[[1L]]), 0)
  for (same in split(seq_along(frames), paste(left, top))) {
    indent <- 0.5 * graphics::strwidth("1", cex = 0.65, font = 2L)
    graphics::text(
      left[[same[[1L]]]] + indent, top[[same[[1L]]]], paste(same, collapse = ", "),
      adj = c(0, 1.4), cex = 0.65, col = conv_colours$following, font = 2L
    )
  }
}

# The input's pixels by the number of paths, which is that of the rows times that of the columns.
draw_paths <- function(rows, columns, x_of, y_of) {
  spread <- function(step) {
    positions <- seq(min(step$position), max(step$position))
    paths <- step$paths[match(positions, step$position)]
    list(edges = range(positions) - c(1, 0), paths = replace(paths, is.na(paths), 0))
  }
  rows <- spread(rows)
  columns <- spread(columns)
  paths <- outer(rows$paths, columns$paths)
  colours <- path_colours(paths)
  colours[paths == 0] <- "#FFFFFF"
  dim(colours) <- dim(paths)
  draw_raster(colours, box_of(
    x_of(columns$edges[[1L]]), y_of(rows$edges[[2L]]),
    x_of(columns$edges[[2L]]), y_of(rows$edges[[1L]])
  ))
}

# The edges of the field of the first layers: that of the middle one of their outputs on the way to
# the output that is drawn. Some outputs of a transposed layer see nothing.
layer_frame <- function(stack, traces, level) {
  edges <- lapply(seq_along(traces), function(i) {
    outputs <- traces[[i]][[level]]$position
    outputs <- outputs[order(abs(outputs - mean(range(outputs))))]
    for (output in outputs) {
      ends <- field_ends(axis_stack(stack, i), output)
      if (length(ends)) {
        return(ends - c(1, 0))
      }
    }
  })
  stats::setNames(edges, rownames(stack[[1L]]))
}
