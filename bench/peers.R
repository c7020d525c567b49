# R's own peers, on the shapes that they can do: one channel, one sample, stride 1. Each gets its
# data in a form of its own, made ready before the clock starts, and must give nnconv's numbers away
# from the border.

# What a peer is: the package, the dimensions it can do, the call on an image `x` and a kernel `w`
# of odd size that is the same from all sides, and where needed how these are made ready and how
# its value is made an array.
peers <- list(
  `stats::filter` = list(1, quote(stats::filter(x, w))),
  `stats::convolve` = list(1, quote(stats::convolve(x, w, type = "filter"))),
  `RcppRoll::roll_sum` = list(1, quote(RcppRoll::roll_sum(x, weights = w, normalize = FALSE))),
  `terra::focal` = list(
    2, quote(terra::focal(x, w, fillvalue = 0)),
    ready = quote(x <- terra::rast(x)),
    read = function(value) terra::as.matrix(value, wide = TRUE)
  ),
  `imager::correlate` = list(
    2:3, quote(imager::correlate(x, w)),
    ready = quote({
      x <- imager::as.cimg(array(x, c(dim(x), 1, 1)[1:4]))
      w <- imager::as.cimg(array(w, c(dim(w), 1, 1)[1:4]))
    }),
    read = function(value) drop(unclass(value))
  ),
  `mmand::morph` = list(1:3, quote(mmand::morph(x, w, operator = "*", merge = "sum"))),
  `OpenImageR::convolution` = list(2, quote(OpenImageR::convolution(x, w, mode = "same"))),
  `magick::image_convolve` = list(
    2, quote(magick::image_convolve(x, w)),
    ready = quote(x <- magick::image_read(array(x, c(dim(x), 1)))),
    read = function(value) as.integer(magick::image_data(value, "gray"))[, , 1] / 255
  )
)

run_peers <- function() {
  shapes <- read_shapes()
  single <- c("batch", "c_in", "c_out", "stride", "dilation")
  single <- rowSums(shapes[single] != "1") == 0 & !is_transposed(shapes)
  shapes <- shapes[single & is_wanted(paste("peers", shapes$class, shapes$id)), ]
  if (!nrow(shapes)) return()
  installed <- installed_peers()
  rows <- lapply(seq_len(nrow(shapes)), function(i) peers_on(as.list(shapes[i, ]), installed))
  results <- do.call(rbind, rows)
  store(results, "peers")
  cat("\n==== R's own peers (differs: from nnconv's numbers, of the largest of them)\n")
  print_table(with(results, data.frame(
    check.names = FALSE, shape = id, by = peer, ms = 1e3 * seconds,
    `time / nnconv's` = vs_nnconv, differs = deviation
  )))
  draw_peers(results)
}

installed_peers <- function() {
  packages <- sub("::.*", "", names(peers))
  missing <- !vapply(packages, requireNamespace, TRUE, quietly = TRUE)
  for (package in packages[missing]) message("R package ", package, " is not there: left out.")
  peers[!missing]
}

# A row for nnconv on each number of threads, and for each peer.
peers_on <- function(shape, peers) {
  data <- image_data(shape)
  ours <- lapply(settings$threads, function(n) {
    nnconv_contender(shape, data, "float64", "forward", "functional", n)
  })
  names(ours) <- paste("nnconv,", vapply(settings$threads, threads_text, ""))
  peers <- Filter(function(peer) n_dim(shape) %in% peer[[1]], peers)
  envs <- lapply(peers, peer_data, data)
  differs <- vapply(seq_along(peers), function(i) {
    deviation(peers[[i]], envs[[i]], shape, data)
  }, 0)
  theirs <- Map(function(peer, env) contender(repeated(peer[[2]], env)), peers, envs)
  times <- in_turn(c(ours, theirs))
  message(paste0(shape$id, "  ", names(times), " ", signif(1e3 * times, 3), " ms", collapse = "\n"))
  data.frame(
    class = shape$class, id = shape$id, peer = names(times), seconds = times,
    vs_nnconv = times / times[1], deviation = c(rep(NA, length(ours)), differs), row.names = NULL
  )
}

# An image of numbers in [0, 1] and a Gaussian kernel, as nnconv takes them.
image_data <- function(shape) {
  data <- shape_data(shape)
  data$x[] <- stats::runif(length(data$x))
  bells <- lapply(dim(data$w)[-(1:2)], function(k) stats::dnorm(seq(-2, 2, length.out = k)))
  data$w[] <- Reduce(outer, bells) / sum(Reduce(outer, bells))
  data$b[] <- 0
  data
}

# The same as a peer takes them.
peer_data <- function(peer, data) {
  env <- list2env(list(x = drop(data$x), w = drop(data$w)), parent = globalenv())
  eval(peer$ready, env)
  env
}

# The largest difference from nnconv's numbers away from the border, of the largest number.
deviation <- function(peer, env, shape, data) {
  value <- eval(peer[[2]], env)
  if (!is.null(peer$read)) value <- peer$read(value)
  inside <- get(paste0("nnf_", shape$layer))(data$x, data$w)
  size <- dim(inside)[-(1:2)]
  border <- (dim(data$w)[-(1:2)] - 1) / 2
  if (length(value) != length(inside)) {
    kept <- Map(function(before, n) before + seq_len(n), border, size)
    value <- do.call(`[`, c(list(value), unname(kept)))
  }
  max(abs(value - c(inside))) / max(inside)
}

# ---- the picture ----

# A row for each way to do a shape, under a heading each shape.
draw_peers <- function(results) {
  shapes <- unique(results$id)
  at <- -(seq_len(nrow(results)) + 1.6 * match(results$id, shapes))
  ms <- 1e3 * results$seconds
  mark <- marks[ifelse(grepl("^nnconv", results$peer), 1, 2), ]
  open_picture("-peers.png", 900, 170 - round(18 * min(at)), 1)
  on.exit(grDevices::dev.off())
  graphics::par(mar = c(3.2, 14, 1.4, 4.5))
  plot(NULL, xlim = range(ms), ylim = c(min(at) - 1, -1), log = "x", yaxs = "i", axes = FALSE,
    ann = FALSE)
  graphics::abline(h = at, col = "grey93")
  graphics::points(ms, at, pch = mark$pch, col = mark$colour, cex = 1.2)
  log_axis(1, range(ms))
  graphics::title(xlab = "ms a call", line = 1.6)
  graphics::axis(2, at, results$peer, lwd = 0)
  graphics::axis(4, at, vapply(signif(results$vs_nnconv, 2), format, ""), lwd = 0)
  graphics::mtext("time /\nnnconv's", 4, at = -1, line = 0.4, cex = 0.65, col = "grey25")
  headings <- at[match(shapes, results$id)] + 1
  graphics::mtext(shapes, 2, at = headings, font = 2, cex = 0.7, line = 0.4, col = "grey10")
  caption("")
}
