float_names <- c("float64", "float32", "float16", "bfloat16")

# ---- what PyTorch wrote ----

# The network of dev/safetensors-fixture.py with the weights of a state.
network <- function(state, dtype = "float64") {
  conv <- nn_conv2d(4, 6, c(5, 3), stride = 4, padding = c(2, 1), dtype = dtype)
  up <- nn_conv_transpose2d(6, 2, 4, stride = 2, padding = 1, groups = 2, dtype = dtype)
  conv$load_state_dict(state, prefix = "features.0.")
  up$load_state_dict(state, prefix = "up.")
  norm <- state[startsWith(names(state), "features.1.")]
  names(norm) <- sub("features.1.", "", names(norm), fixed = TRUE)
  function(x) {
    x <- sweep(conv(x), 2, norm$running_mean)
    x <- sweep(x, 2, norm$weight / sqrt(norm$running_var + 1e-5), "*")
    x <- sweep(x, 2, norm$bias, "+")
    up(pmax(x, 0))
  }
}

# As (1, 4, 76, 100).
logo <- function() {
  image <- png::readPNG(system.file("img", "Rlogo.png", package = "png"))
  array(aperm(image, c(3, 1, 2)), c(1, dim(image)[c(3, 1, 2)]))
}

test_that("a checkpoint of PyTorch makes of R's logo what PyTorch makes of it", {
  skip_unless_safetensors()
  skip_if_not_installed("png")
  image <- logo()
  expect_identical(dim(image), c(1L, 4L, 76L, 100L))
  for (dtype in float_names) {
    state <- conv_read_safetensors(safetensors_fixture(paste0(dtype, ".safetensors")))
    file <- safetensors_fixture(paste0(dtype, ".bin"))
    expected <- array(readBin(file, "double", 1e5, 4, endian = "little"), c(1, 2, 38, 50))
    expect_close(network(state)(image), expected, 1e-6, dtype)
    expect_close(network(state, "float32")(image), expected, 1e-6, paste(dtype, "in single"))
    stored <- c(attr(state, "dtype"))
    expect_identical(stored[["features.1.num_batches_tracked"]], "int64")
    expect_identical(unique(stored[names(stored) != "features.1.num_batches_tracked"]), dtype)
    expect_identical(attr(state, "metadata"), c(format = "pt"))
  }
})

test_that("the types differ by no more than their rounding, and they do", {
  skip_unless_safetensors()
  read <- function(dtype) {
    state <- conv_read_safetensors(safetensors_fixture(paste0(dtype, ".safetensors")))
    unlist(lapply(state, c))
  }
  exact <- read("float64")
  for (dtype in float_names[-1]) {
    unit <- 2^-(float_types[[dtype]][["digits"]] + 1)
    error <- max(abs(read(dtype) - exact) / pmax(abs(exact), 2^-14))
    expect_lte(error, unit, label = dtype)
    expect_gt(error, unit / 2, label = dtype)
  }
})

test_that("every type and shape that PyTorch wrote is read", {
  skip_unless_safetensors()
  state <- conv_read_safetensors(safetensors_fixture("types.safetensors"))
  expected <- list(
    int64 = rbind(c(1 - 2^53, -1, 0), c(1, 2^32, 2^53 - 1)), int32 = c(-2^31, -1, 0, 2^31 - 1),
    int16 = c(-2^15, -1, 0, 2^15 - 1), int8 = c(-128, -1, 0, 127), uint8 = c(0, 255),
    bool = matrix(c(1, 0, 1), 1), float16 = c(0, -0, 2^-24, 65504, Inf, -Inf, NaN),
    bfloat16 = c(171 / 512, -226 * 2^120, 2^-133, Inf, NaN), scalar = 2.5, empty = matrix(0, 0, 3),
    cube = aperm(array(0:23 + 0, 4:2)), "gr\u00f6\u00dfe/\u540d" = 1
  )
  expect_identical(names(state), names(expected))
  for (name in names(state)) {
    expect_same_bits(state[[name]], expected[[name]], name)
  }
  expect_identical(attr(state, "metadata"), c(author = "M\u00fcller", empty = ""))
})

test_that("only what a prefix names is read", {
  skip_unless_safetensors()
  file <- safetensors_fixture("float32.safetensors")
  all <- conv_read_safetensors(file)
  some <- conv_read_safetensors(file, prefix = "features.0.")
  expect_identical(names(some), c("features.0.weight", "features.0.bias"))
  expect_identical(some$features.0.weight, all$features.0.weight)
  expect_identical(names(attr(some, "dtype")), names(some))
  m <- nn_conv2d(4, 6, c(5, 3))
  expect_identical(m$load_state_dict(some, prefix = "features.0.")$weight, all$features.0.weight)
  expect_length(conv_read_safetensors(file, "features.2."), 0)
})

# ---- what R wrote ----

some_state <- function() {
  withr::local_seed(1)
  c(
    nn_conv3d(3, 4, c(2, 3, 4))$state_dict("a."), nn_conv_transpose1d(3, 2, 5)$state_dict("b."),
    list(empty = array(0, c(2, 0)), one = 7, "with \"{quotes}\"\n" = matrix(1:6 + 0, 2))
  )
}

test_that("what was written is read, in the order and with the shapes of the state", {
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  state <- some_state()
  expect_identical(withVisible(conv_write_safetensors(state, path)),
    list(value = path, visible = FALSE))
  read <- conv_read_safetensors(path)
  expect_identical(read, state, ignore_attr = "dtype")
  expect_identical(unname(attr(read, "dtype")), rep("float64", length(state)))
  conv_write_safetensors(read, path)
  expect_identical(conv_read_safetensors(path), read)
  for (dtype in float_names) {
    conv_write_safetensors(state, path, dtype)
    read <- conv_read_safetensors(path)
    expect_identical(unique(attr(read, "dtype")), dtype)
    expect_identical(lapply(read, dim), lapply(state, dim), ignore_attr = "dtype")
    unit <- 2^-(float_types[[dtype]][["digits"]] + 1)
    expect_close(unlist(lapply(read, c)), unlist(lapply(state, c)), unit, dtype)
  }
})

test_that("the file has the bytes of the format", {
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  state <- list(w = array(c(1, -2, 3, 4, 5, 6), c(1, 2, 3)), b = 0.5)
  conv_write_safetensors(state, path, "float32", c(format = "pt"))
  bytes <- readBin(path, "raw", 1000)
  length <- as.integer(bytes[[1]])
  expect_identical(bytes[2:8], raw(7))
  expect_identical(
    rawToChar(bytes[8 + seq_len(length)]),
    paste0(
      '{"w":{"shape":[1,2,3],"dtype":"F32","data_offsets":[0,24]},',
      '"b":{"shape":[1],"dtype":"F32","data_offsets":[24,28]},"__metadata__":{"format":"pt"}}'
    )
  )
  numbers <- readBin(bytes[-seq_len(8 + length)], "double", 100, 4, endian = "little")
  expect_identical(numbers, c(1, 3, 5, -2, 4, 6, 0.5))
})

test_that("integers and logicals are written as numbers, NA as no number", {
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  state <- list(i = c(1L, NA, -3L), l = matrix(c(TRUE, FALSE, NA), 1))
  conv_write_safetensors(state, path)
  expect_identical(
    conv_read_safetensors(path), list(i = c(1, NA, -3), l = matrix(c(1, 0, NA), 1)),
    ignore_attr = "dtype"
  )
  conv_write_safetensors(state, path, "float16")
  expect_identical(conv_read_safetensors(path)$i, c(1, NaN, -3))
})

test_that("names and metadata of any script come back", {
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  latin <- "caf\xe9"
  Encoding(latin) <- "latin1"
  metadata <- list(a = "\u540d \"{x}\"\n", "\u540d" = latin)
  conv_write_safetensors(stats::setNames(list(1, 2), c("\u540d.weight", latin)), path,
    metadata = metadata)
  read <- conv_read_safetensors(path)
  expect_identical(names(read), c("\u540d.weight", "caf\u00e9"))
  expect_identical(attr(read, "metadata"), unlist(metadata))
  conv_write_safetensors(list(), path, metadata = list())
  expect_identical(names(conv_read_safetensors(path)), character())
})

# ---- nothing half done ----

test_that("what cannot be written is refused, and what was there stays", {
  skip_unless_safetensors()
  folder <- withr::local_tempdir()
  path <- file.path(folder, "weights.safetensors")
  conv_write_safetensors(list(a = 1), path)
  before <- readBin(path, "raw", 1000)
  refuse <- function(state, kind, argument, ..., at = path) {
    fault <- expect_fault(conv_write_safetensors(state, at, ...), kind, argument)
    expect_identical(readBin(path, "raw", 1000), before)
    expect_identical(list.files(folder, all.files = TRUE, no.. = TRUE), basename(path))
    conditionMessage(fault)
  }
  good <- list(a = c(0, 0), b = array(1:8, c(2, 2, 2)))
  expect_match(refuse(c(good, c = 1i), "type", "state$c"), "`Re\\(\\)` and `Im\\(\\)`")
  date <- as.Date("2024-01-01")
  for (x in list("a", list(1), factor(1), date, mean, as.raw(1), data.frame(a = 1))) {
    refuse(c(good, list(c = x)), "type", "state$c")
  }
  refuse(c(good, list(c = NULL)), "type", "state$c")
  expect_match(refuse(c(good, "__metadata__" = 1), "value", "state"), "argument `metadata`")
  refuse(c(good, a = 1), "value", "state")
  refuse(list(1), "value", "state")
  refuse(stats::setNames(good, c("a", "\xff")), "value", "state")
  expect_match(refuse(c(good, c = 1e5), "value", "state$c", "float16"), "float16, not 100000")
  expect_match(refuse(c(good, c = 1e39), "value", "state$c", "float32"), "wider range")
  refuse(good, "value", "dtype", "int8")
  for (metadata in list("a", c(a = "x", a = "y"), c(a = NA_character_), list(a = c("x", "y")))) {
    refuse(good, "value", "metadata", metadata = metadata)
  }
  for (metadata in list(1, c(a = 1), list(a = 1), list(a = list("x")), TRUE, numeric())) {
    refuse(good, "type", "metadata", metadata = metadata)
  }
  refuse(good, "value", "metadata", metadata = c(a = "\xff"))
  refuse(good, "value", "path", at = folder)
  refuse(good, "value", "path", at = file.path(folder, "none", "file"))
  refuse(good, "value", "path", at = "")
})

test_that("a folder that takes no file is told", {
  skip_on_os("windows")
  skip_unless_safetensors()
  skip_if_not(dir.exists("/proc/self"), "no folder that takes no file here")
  fault <- expect_fault(conv_write_safetensors(list(a = 1), "/proc/self/a"), "value", "path")
  expect_match(conditionMessage(fault), "cannot open file")
})

test_that("without room for all of a file the old one stays", {
  skip_on_cran()
  skip_on_os(c("windows", "mac"))
  skip_unless_safetensors()
  folder <- withr::local_tempdir()
  path <- file.path(folder, "weights.safetensors")
  conv_write_safetensors(list(a = 1), path)
  code <- bquote({
    said <- tryCatch(
      conv_write_safetensors(list(a = rnorm(1e5)), .(path)),
      nnconv_value_error = conditionMessage
    )
    cat(said)
  })
  # Blocks of 512 bytes; more is an error of the write, as on a full disk.
  said <- said_in_session(code, before = "trap '' XFSZ; ulimit -f 200;")
  expect_match(paste(said, collapse = " "), "`path` must be the path of a file that can be written")
  expect_identical(conv_read_safetensors(path)$a, 1)
  expect_identical(list.files(folder), basename(path))
})

test_that("a link keeps pointing to the file that is written anew", {
  skip_on_os("windows")
  skip_unless_safetensors()
  folder <- withr::local_tempdir()
  file <- file.path(folder, "file")
  link <- file.path(folder, "link")
  conv_write_safetensors(list(a = 1), file)
  file.symlink(file, link)
  conv_write_safetensors(list(a = 2), link)
  expect_identical(conv_read_safetensors(file)$a, 2)
  expect_identical(Sys.readlink(link), file)
})

test_that("paths that name no file are refused", {
  skip_unless_safetensors()
  none <- file.path(tempdir(), "none")
  for (path in c("", tempdir(), none, "https://nnconv.example/a", "stdin")) {
    expect_fault(conv_read_safetensors(path), "value", "path", path)
  }
})

test_that("reading and writing leave the session as it was", {
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  state <- some_state()
  given <- deep_copy(state)
  before <- session_state()
  connections <- nrow(showConnections())
  conv_write_safetensors(state, path, "bfloat16")
  conv_read_safetensors(path)
  catch_fault(conv_read_safetensors(local_safetensors(raw(9))))
  catch_fault(conv_read_safetensors(local_safetensors(safetensors_bytes("x"))))
  expect_identical(session_state(), before)
  expect_identical(nrow(showConnections()), connections)
  expect_identical(state, given)
})

# ---- where something is missing ----

test_that("without the package safetensors an error says what to install", {
  skip_on_cran()
  code <- quote({
    said <- function(code) cat(tryCatch(code, nnconv_value_error = conditionMessage), "\n")
    said(conv_read_safetensors(tempdir()))
    said(conv_write_safetensors(list(a = 1), tempfile()))
  })
  said <- said_in_session(code, libraries = local_bare_library())
  expect_match(said[[1]], "`path` must be")
  expect_match(said[[2]], "`safetensors` must be installed, version 0.3.0 or newer")
  expect_match(said[[3]], "install.packages(\"safetensors\")", fixed = TRUE)
})

test_that("a session that is not of UTF-8 is told to be", {
  skip_on_cran()
  skip_on_os(c("windows", "mac"))
  skip_unless_safetensors()
  fixture <- function(name) normalizePath(safetensors_fixture(name))
  code <- bquote({
    said <- function(code) cat(tryCatch(code, nnconv_value_error = conditionMessage), "\n")
    said(conv_read_safetensors(.(fixture("types.safetensors"))))
    said(conv_write_safetensors(setNames(list(1), "\u540d"), tempfile()))
    cat(length(conv_read_safetensors(.(fixture("float16.safetensors")))))
  })
  said <- said_in_session(code, c(LC_ALL = "C"))
  expect_match(said[c(1, 3)], "in ASCII where the locale is not UTF-8")
  expect_match(said[c(2, 4)], "Sys.setlocale")
  expect_identical(said[[5]], "9")
})

test_that("a file that is written anew keeps its mode", {
  skip_on_os("windows")
  skip_if_not_installed("safetensors")
  path <- withr::local_tempfile()
  conv_write_safetensors(list(a = 1), path)
  Sys.chmod(path, "600", use_umask = FALSE)
  conv_write_safetensors(list(a = 2), path)
  expect_identical(format(file.mode(path)), "600")
})
