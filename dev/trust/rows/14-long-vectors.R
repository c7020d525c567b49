# Row 14: more than 2^31 elements, in and out, against R's arithmetic on sampled elements; all
# numbers are whole, so that equal is equal. A sample of this row reads a file of holes that R maps,
# which takes no memory, and asks for results that memory refuses. A whole run also reads and writes
# arrays of 16 GiB, one at a time, where so much memory is free.

source("dev/trust/row.R")
source("dev/trust/preload.R")
options(nnconv.threads = 2)

n <- 2^31 + 2^15  # elements, as 2^15 * (2^16 + 1)
whole_numbers <- function(count) sample.int(19, count, replace = TRUE) - 10
set.seed(14)

# ---- in, without memory ----

# An array of n numbers that are 0 but at these places, numbered from 0. It has no name before it
# has its dim, for R would copy it then.
in_file <- function(places, dim) {
  path <- tempfile("long", "build/trust")
  file <- file(path, "w+b")
  for (place in c(places, n - 1)) {
    seek(file, 8 * place, rw = "write")
    writeBin(as.numeric(whole_numbers(1)), file)
  }
  close(file)
  on.exit(unlink(path))
  `dim<-`(.Internal(mmap_file(path, "double", TRUE, TRUE, FALSE)), dim)
}

# Where windows stand that begin at pixels `first` and reach over the pixels `taps` from there, of
# `channels` that are neighbours: a column for each window.
window_places <- function(first, taps, channels) {
  outer(c(outer(seq_len(channels) - 1, channels * taps, "+")), channels * first, "+")
}

# The pixels where windows begin, the first dimension first; those of the taps of one.
first_pixels <- function(size, kernel, stride) {
  at <- Map(function(size, kernel, stride) seq(0, size - kernel, stride), size, kernel, stride)
  pixel <- 0
  for (i in rev(seq_along(size))) pixel <- outer(at[[i]], size[i] * pixel, "+")
  c(pixel)
}
tap_pixels <- function(size, kernel) first_pixels(size, size - kernel + 1, 1)

form <- function(layer, ndim, suffix = "") get(sprintf("nnf_%s%dd%s", layer, ndim, suffix))

# A layer without padding, of one sample and one output channel, and what is transposed to it: each
# direction that reads x and makes something short.
reads <- function(counter, x, kernel, stride, windows) {
  channels <- dim(x)[2]
  size <- dim(x)[-(1:2)]
  ndim <- length(size)
  check <- function(actual, expected, what) {
    counter$check(identical(c(actual), c(expected)), what, "of size", size)
  }
  weight <- array(whole_numbers(nrow(windows)), c(1, channels, kernel))
  out <- c(1, 1, (size - kernel) %/% stride + 1)
  g <- array(whole_numbers(prod(out)), out)
  y <- c(weight) %*% windows
  gradient <- windows %*% c(g)
  check(form("conv", ndim)(x, weight, stride = stride), y, "forward")
  back <- form("conv", ndim, "_backward")
  check(back(g, x, weight, stride, needs = "weight")$weight, gradient, "gradient of the weight")
  back <- function(needs) {
    spare <- size - kernel - stride * (out[-(1:2)] - 1)
    arguments <- list(x, g, weight, stride, output_padding = spare, needs = needs)
    do.call(form("conv_transpose", ndim, "_backward"), arguments)
  }
  check(back("input")$input, y, "transposed, gradient of the input")
  check(back("weight")$weight, gradient, "transposed, gradient of the weight")
  last <- 3 * n / size[ndim]
  check(nnf_pad(x, c(3 - size[ndim], 0)), x[seq(n - last + 1, n)], "nnf_pad")
}

layers <- list(
  list(size = n / 2, channels = 2, kernel = 4, stride = 2^20 + 3),
  list(size = n / 4, channels = 4, kernel = 1, stride = 2^19 - 9),
  list(size = c(2^15, 2^16 + 1), channels = 1, kernel = c(2, 3), stride = c(1021, 2039)),
  list(size = c(2^4, 2^11, 2^16 + 1), channels = 1, kernel = c(2, 2, 2), stride = c(7, 203, 9001))
)
reading <- new_counter()
for (layer in layers) {
  places <- with(layer, window_places(
    first_pixels(size, kernel, stride), tap_pixels(size, kernel), channels
  ))
  x <- in_file(places, c(1, layer$channels, layer$size))
  reads(reading, x, layer$kernel, layer$stride, matrix(x[1 + places], nrow(places)))
}
reading$report("reading a file of 2^31 numbers")

# ---- out, without memory ----

# Results that are refused: R's error names their size, which no product of extents may have
# wrapped.
refused <- function(counter, code, dim) {
  message <- tryCatch({
    force(code)
    "no error"
  }, error = conditionMessage)
  size <- sprintf("cannot allocate vector of size %.1f Gb", 8 * prod(dim) / 2^30)
  counter$check(identical(message, size), message, "instead of", size)
}

long <- 2^31 - 1
try_refusals <- function(counter, x) {
  ones <- function(...) array(1, c(...))
  line <- ones(1, 1, 2^20)
  refused(counter, nnf_conv1d(line, ones(2056, 1, 1)), c(2056, 2^20))
  refused(counter, nnf_conv2d(ones(1, 1, 1), ones(1, 1, 1, 1), padding = 2^16), rep(2^17 + 1, 2))
  refused(
    counter, nnf_conv1d(ones(1, 1), ones(2^16, 1, 1), padding = list(c(0, long - 1))),
    c(2^16, long)
  )
  refused(
    counter, nnf_conv_transpose1d(line, ones(1, 3, 1), stride = 1024), c(3, (2^20 - 1) * 1024 + 1)
  )
  refused(counter, nnf_pad(ones(7, 1), c(0, long - 1)), c(7, long))
  stride <- n / 2 - 1
  refused(
    counter, nnf_conv1d_backward(ones(1, 1, 2), x, ones(1, 2, 1), stride, needs = "input"), dim(x)
  )
}

refusals <- new_counter()
empty <- in_file(0, c(1, 2, n / 2))
set_ceiling(4000)
try_refusals(refusals, empty)
set_ceiling(NULL)
refusals$report("results that memory refuses")

# ---- in and out, whole ----

available <- function() {
  line <- grep("^MemAvailable", readLines("/proc/meminfo"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 2^20
}

# Waits until an array of 16 GiB, and a little more, leaves others some memory.
wait_for_memory <- function() {
  gc()
  for (minute in 1:60) {
    if (available() > 20) return()
    Sys.sleep(60)
  }
  stop("20 GiB of memory have to be free")
}

# Every number is read: windows stand side by side. A sample of them, and the first and last ones.
read_all <- function(counter) {
  kernel <- 32
  count <- n / 2 / kernel
  wait_for_memory()
  x <- numeric(n)
  for (first in seq(0, n - 1, 2^24)) {
    places <- seq(first + 1, min(n, first + 2^24))
    x[places] <- (places %% 8191) %% 19 - 9
    gc()  # beside so much R would let gigabytes wait
  }
  dim(x) <- c(1, 2, n / 2)
  weight <- array(whole_numbers(2 * kernel), c(1, 2, kernel))
  for (algorithm in c("direct", "auto", "fast")) {
    options(nnconv.algorithm = algorithm)
    y <- nnf_conv1d(x, weight, stride = kernel)
    q <- c(0:9, count - 1:9, floor(stats::runif(2000, 0, count)))
    windows <- matrix(x[1 + window_places(kernel * q, seq_len(kernel) - 1, 2)], 2 * kernel)
    counter$check(identical(y[1 + q], c(c(weight) %*% windows)), "forward of all", algorithm)
    rm(y)
    gc()
  }
  g <- array(whole_numbers(2^10), c(1, 1, count))
  gradient <- nnf_conv1d_backward(g, x, weight, kernel, needs = "weight")$weight
  expected <- 0
  for (first in seq(0, count - 1, 2^18)) {
    q <- seq(first, min(count, first + 2^18) - 1)
    part <- x[seq(2 * kernel * first + 1, 2 * kernel * (max(q) + 1))]
    expected <- expected + matrix(part, 2 * kernel) %*% g[1 + q]
    gc()
  }
  counter$check(identical(c(gradient), c(expected)), "gradient of the weight, of all")
}

# A result of more than 2^31 numbers, which `expected(i)` tells of elements numbered from 0: some of
# them, with the first and the last.
writes <- function(counter, what, dim, compute, expected, tolerance = 0) {
  wait_for_memory()
  y <- compute()
  i <- c(0:999, prod(dim) - 1:999, floor(stats::runif(20000, 0, prod(dim))))
  counter$check(prod(dim) > 2^31 && all(base::dim(y) == dim), what, "has the dim", base::dim(y))
  counter$check(max(abs(y[1 + i] - expected(i))) <= tolerance, what, "has other numbers")
}

write_all <- function(counter) {
  numbers <- function(...) array(whole_numbers(prod(...)), c(...))

  line <- numbers(1, 1, 2^20)
  weight <- numbers(2056, 1, 1)
  bias <- whole_numbers(2056)
  for (dtype in c("float64", "float32")) {
    writes(
      counter, paste("forward in", dtype), c(1, 2056, 2^20),
      function() nnf_conv1d(line, weight, bias, dtype = dtype),
      function(i) weight[1 + i %% 2056] * line[1 + i %/% 2056] + bias[1 + i %% 2056]
    )
  }

  # Pixel p of the longer side meets pixel p %/% 64 of the shorter one, by tap p %% 64.
  count <- n / 128
  g <- numbers(1, 1, count)
  weight <- numbers(1, 2, 64)
  from_short <- function(i) {
    p <- i %/% 2
    g[1 + p %/% 64] * weight[1 + i %% 2 + 2 * (p %% 64)]
  }
  writes(
    counter, "forward, transposed", c(1, 2, n / 2),
    function() nnf_conv_transpose1d(g, weight, stride = 64), from_short
  )
  x <- in_file(0, c(1, 2, n / 2))
  writes(
    counter, "gradient of the input", c(1, 2, n / 2),
    function() nnf_conv1d_backward(g, x, weight, 64, needs = "input")$input, from_short
  )

  few <- numbers(1, 2, 3)
  writes(
    counter, "nnf_pad", c(1, 2, n / 2),
    function() nnf_pad(few, c(0, n / 2 - 3), "replicate"),
    function(i) few[1 + i %% 2 + 2 * pmin(i %/% 2, 2)]
  )

  # Windows of 3x3 pixels of an image with a border of zeros.
  of_image <- function(image, weight) {
    channels <- dim(weight)[1]
    size <- dim(image)[3]
    padded <- nnf_pad(image, c(1, 1, 1, 1))
    function(i) {
      h <- i %/% channels %% size
      w <- i %/% channels %/% size
      sum <- 0
      for (c in seq_len(dim(image)[2])) for (a in 1:3) for (b in 1:3) {
        pixels <- padded[cbind(1, c, h + a, w + b)]
        sum <- sum + weight[cbind(1 + i %% channels, c, a, b)] * pixels
      }
      sum
    }
  }
  image <- numbers(1, 1, 8200, 8200)
  weight <- numbers(33, 1, 3, 3)
  of_weight <- function() nnf_conv2d(image, weight, padding = 1)
  dim <- c(1, 33, 8200, 8200)
  writes(counter, "filters", dim, of_weight, of_image(image, weight))
  weight[] <- outer(weight[, 1, 1, 1], c(outer(1:3, c(1, 5, 2))))
  options(nnconv.algorithm = "fast")
  writes(counter, "passes", dim, of_weight, of_image(image, weight), 1e-9)
  options(nnconv.algorithm = "auto")

  image <- numbers(1, 16, 1024, 1024)
  weight <- numbers(2056, 16, 3, 3)
  dim <- c(1, 2056, 1024, 1024)
  writes(counter, "Winograd", dim, of_weight, of_image(image, weight))
}

if (is_full) {
  whole <- new_counter()
  read_all(whole)
  whole$report("reading 16 GiB")
  whole <- new_counter()
  write_all(whole)
  whole$report("writing 16 GiB")
}
