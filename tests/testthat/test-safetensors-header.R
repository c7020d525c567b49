# What a damaged or hostile file may do: nothing but be refused.

eight <- as.raw(c(0, 0, 128, 63, 0, 0, 0, 64))  # 1 and 2 in single precision

# That reading this file is refused, by a fault that says `why`.
expect_damaged <- function(bytes, why) {
  fault <- expect_fault(conv_read_safetensors(local_safetensors(bytes)), "value", "path", why)
  expect_match(conditionMessage(fault), why, fixed = TRUE, label = why)
}

expect_bad_header <- function(header, why, data = eight) {
  expect_damaged(safetensors_bytes(header, data), why)
}

expect_bad_entry <- function(..., why) expect_bad_header(header_of(a = entry_of(...)), why)

test_that("the file that all others are made from is sound", {
  skip_unless_safetensors()
  path <- local_safetensors(safetensors_bytes(header_of(a = entry_of()), eight))
  expect_identical(c(conv_read_safetensors(path)), list(a = c(1, 2)), ignore_attr = "dtype")
})

test_that("a file shorter than it says is refused", {
  skip_unless_safetensors()
  bytes <- safetensors_bytes(header_of(a = entry_of()), eight)
  for (length in seq_along(bytes) - 1) {
    path <- local_safetensors(bytes[seq_len(length)])
    expect_fault(conv_read_safetensors(path), "value", "path", length)
  }
  expect_damaged(raw(), "shorter than its header")
  expect_damaged(as.raw(c(rep(255, 8), 1)), "shorter than its header")
  expect_damaged(as.raw(c(0, 0, 0, 0, 0, 0, 0, 128)), "shorter than its header")
  expect_damaged(safetensors_bytes("{}", length = 3), "shorter than its header")
  expect_damaged(safetensors_bytes(""), "no JSON")
})

test_that("a header of more than 100 MB is refused before it is read", {
  skip_on_cran()
  skip_unless_safetensors()
  path <- withr::local_tempfile()
  connection <- file(path, "wb")
  writeBin(safetensors_bytes("{", length = 100000001), connection)
  seek(connection, 3e8, rw = "write")
  writeBin(raw(1), connection)
  close(connection)
  before <- gc(reset = TRUE)["Vcells", 2]
  fault <- expect_fault(conv_read_safetensors(path), "value", "path")
  expect_match(conditionMessage(fault), "100 MB")
  expect_lt(gc()["Vcells", 6] - before, 50)
})

test_that("a header that is no JSON, or no object, is refused", {
  skip_unless_safetensors()
  good <- header_of(a = entry_of())
  for (header in list(
    "x", "[]", "\"a\"", "null", "{", "{\"a\":", "{'a':1}", paste0(good, "x"), paste0(good, good),
    paste0(" ", good), paste0("\ufeff", good), sub("F32", "F\\3", good, fixed = TRUE),
    sub("[2]", "[02]", good, fixed = TRUE), sub("[2]", "[2,]", good, fixed = TRUE),
    sub("[2]", "[NaN]", good, fixed = TRUE)
  )) {
    expect_bad_header(header, "no JSON")
  }
  expect_bad_header(c(charToRaw(good), as.raw(0)), "no JSON")
  expect_bad_header(charToRaw(sub("a", "\xff", good, useBytes = TRUE)), "no JSON")
  expect_bad_header(charToRaw(sub("a", "\xc3", good, useBytes = TRUE)), "no JSON")
  expect_bad_header(charToRaw(sub("a", "\xed\xa0\x80", good, useBytes = TRUE)), "no JSON")
})

test_that("a header padded with blanks is read, in any order of its fields", {
  skip_unless_safetensors()
  header <- '{"a":{"shape" : [2], "data_offsets":[0, 8],"dtype":"F32"} }    '
  path <- local_safetensors(safetensors_bytes(header, eight))
  expect_identical(conv_read_safetensors(path)$a, c(1, 2))
})

test_that("deep nesting is refused before it is parsed", {
  skip_unless_safetensors()
  for (header in c(
    paste0("{\"a\":", strrep("[", 1e6), strrep("]", 1e6), "}"),
    paste0(strrep("{\"a\":", 1e5), "1", strrep("}", 1e5)),
    header_of(a = entry_of(shape = "[[2]]")), header_of(a = entry_of(shape = "[{}]")),
    header_of(a = entry_of(shape = "{\"b\":[2]}"))
  )) {
    expect_bad_header(header, "more than two levels")
  }
  brackets <- header_of("[[{{\\\"{" = entry_of())
  path <- local_safetensors(safetensors_bytes(brackets, eight))
  expect_identical(names(conv_read_safetensors(path)), "[[{{\"{")
})

test_that("names with zero bytes and names twice are refused", {
  skip_unless_safetensors()
  expect_bad_header(header_of("a\\u0000b" = entry_of()), "zero bytes")
  expect_bad_header(header_of("a\\\\\\u0000b" = entry_of()), "zero bytes")
  expect_bad_header(header_of(a = entry_of(), a = entry_of()), "two entries \"a\"")
  expect_bad_header(header_of(a = entry_of(), "\\u0061" = entry_of()), "two entries \"a\"")
  half <- function(offsets) entry_of(shape = "[1]", offsets = offsets)
  halves <- list(half("[0,4]"), half("[4,8]"))
  expect_bad_header(do.call(header_of, stats::setNames(halves, c("a", "a"))), "two entries \"a\"")
  expect_bad_header(do.call(header_of, stats::setNames(halves, c("", ""))), "two entries \"\"")
  path <- local_safetensors(safetensors_bytes(header_of("a\\\\u0000b" = entry_of()), eight))
  expect_identical(names(conv_read_safetensors(path)), "a\\u0000b")
})

test_that("an entry that is not dtype, shape and data_offsets is refused", {
  skip_unless_safetensors()
  good <- entry_of()
  for (entry in c(
    "1", "null", "\"a\"", "[]", "[1,2,3]", "{}", sub("dtype", "type", good),
    sub("}", ",\"more\":1}", good), sub("}", ",\"dtype\":\"F32\"}", good),
    sub("\"shape\":[2]", "\"dtype\":\"F32\"", good, fixed = TRUE)
  )) {
    expect_bad_header(header_of(a = entry), "tensor \"a\" has other fields")
  }
})

test_that("an unknown dtype is refused", {
  skip_unless_safetensors()
  for (dtype in c("", "f32", "F33", "F8_E4M3", "C64", "float32", " F32")) {
    expect_bad_entry(dtype = dtype, why = "a dtype other than F64")
  }
  for (dtype in c("1", "null", "[]", "true", "[\"F32\",\"F32\"]")) {
    entry <- sub("\"F32\"", dtype, entry_of(), fixed = TRUE)
    expect_bad_header(header_of(a = entry), "a dtype other than F64")
  }
})

test_that("a shape that is not whole numbers is refused", {
  skip_unless_safetensors()
  for (shape in c(
    "[-2]", "[-1,-2]", "[2.5]", "[null]", "[true]", "[\"2\"]", "[2,null]", "null", "\"2\"",
    "[1e999]", "[2147483648,0]", "[18446744073709551616]", "[4294967296,4294967296]"
  )) {
    expect_bad_entry(shape = shape, why = "a shape that is not whole numbers")
  }
})

test_that("offsets that do not fit shape and dtype are refused, whatever wraps", {
  skip_unless_safetensors()
  why <- "data_offsets that do not fit"
  for (shape in c(
    "[1]", "[3]", "[2,0]", "[]", "[65536,65536]", "[1073741824,4,1073741824,4]",
    paste0("[", toString(rep(2147483647, 600)), "]"),
    paste0("[", toString(c(rep(2147483647, 600), 0)), "]")
  )) {
    expect_bad_entry(shape = shape, why = why)
  }
  for (offsets in c(
    "[8,0]", "[0,7]", "[-8,0]", "[0]", "[]", "[0,4,8]", "0", "null", "[0,\"8\"]", "[0.5,8.5]",
    "[0,1e999]", "[1e999,1e999]", "[0,18446744073709551624]", "[null,null]"
  )) {
    expect_bad_entry(offsets = offsets, why = why)
  }
  expect_bad_entry(dtype = "F64", why = why)
})

test_that("overlaps, holes and ends elsewhere than the file's are refused", {
  skip_unless_safetensors()
  why <- "overlap, leave holes, or end elsewhere"
  one <- function(offsets) entry_of(shape = "[1]", offsets = offsets)
  expect_bad_entry(offsets = "[8,16]", why = why)
  expect_bad_header(header_of(a = one("[0,4]")), why)
  expect_bad_header(header_of(a = one("[4,8]")), why)
  expect_bad_header(header_of(a = one("[0,4]"), b = one("[0,4]")), why)
  expect_bad_header(header_of(a = entry_of(), b = one("[4,8]")), why)
  expect_bad_header(header_of(a = one("[0,4]"), b = one("[5,9]")), why, c(eight, as.raw(0)))
  expect_bad_header(header_of(a = one("[18446744073709551600,18446744073709551604]")),
    "data_offsets that do not fit")
  expect_bad_header(header_of(a = entry_of()), why, c(eight, as.raw(0)))
  expect_bad_header(header_of(a = entry_of()), why, eight[-1])
  expect_bad_header("{}", why)
  expect_bad_header(header_of(a = entry_of(), b = entry_of(shape = "[0]", offsets = "[4,4]")), why)
})

test_that("tensors may lie in any order, be empty, or have no dimension", {
  skip_unless_safetensors()
  header <- header_of(
    b = entry_of(shape = "[1,1]", offsets = "[4,8]"), a = entry_of(shape = "[]", offsets = "[0,4]"),
    none = entry_of(shape = "[3,0,2]", offsets = "[8,8]"),
    flat = entry_of(shape = "[0]", offsets = "[4,4]")
  )
  state <- conv_read_safetensors(local_safetensors(safetensors_bytes(header, eight)))
  expect_identical(
    c(state), list(b = matrix(2), a = 1, none = array(0, c(3, 0, 2)), flat = double()),
    ignore_attr = "dtype"
  )
  empty <- conv_read_safetensors(local_safetensors(safetensors_bytes("{}")))
  expect_length(empty, 0)
  expect_identical(names(empty), character())
})

test_that("metadata other than strings by their names are refused", {
  skip_unless_safetensors()
  for (metadata in c(
    "1", "[]", "[\"a\"]", "\"a\"", "{\"a\":1}", "{\"a\":null}", "{\"a\":[\"b\",\"c\"]}",
    "{\"a\":\"b\",\"a\":\"c\"}"
  )) {
    header <- header_of("__metadata__" = metadata, a = entry_of())
    expect_bad_header(header, "`__metadata__` is not strings")
  }
  expect_bad_header(header_of("__metadata__" = "{}", "__metadata__" = "{}"), "two entries")
  header <- header_of(a = entry_of(), "__metadata__" = "{}")
  state <- conv_read_safetensors(local_safetensors(safetensors_bytes(header, eight)))
  expect_null(attr(state, "metadata"))
})

test_that("a message shows no more of a name than fits a line", {
  skip_unless_safetensors()
  header <- header_of("{x}\\n\\u001b" = "1")
  expect_bad_header(header, "tensor \"{x}\\n\\033\" has")
  path <- local_safetensors(safetensors_bytes(sub("a", strrep("n", 1e6), header_of(a = "1"))))
  fault <- expect_fault(conv_read_safetensors(path), "value", "path")
  expect_lt(nchar(conditionMessage(fault)), 300)
})

# ---- at random ----

# What a reader of a few lines makes of a file: every tensor in the header's order.
plain_reading <- function(bytes) {
  length <- sum(as.numeric(bytes[1:8]) * 256^(0:7))
  header <- jsonlite::fromJSON(rawToChar(bytes[8 + seq_len(length)]), simplifyVector = FALSE)
  header[["__metadata__"]] <- NULL
  lapply(header, function(entry) {
    at <- unlist(entry$data_offsets)
    data <- bytes[8 + length + at[[1]] + seq_len(at[[2]] - at[[1]])]
    list(extents = as.numeric(unlist(entry$shape)), values = decode(data, entry$dtype))
  })
}

same_reading <- function(state, plain) {
  same <- function(x, y) {
    in_file <- if (is.null(dim(x))) x else c(aperm(x))
    fits <- if (is.null(dim(x))) length(y$extents) < 2 else identical(c(dim(x) + 0), y$extents)
    fits && same_bits(in_file, y$values)
  }
  identical(names(state), names(plain)) && all(mapply(same, state, plain))
}

damage <- function(bytes) {
  at <- sample.int(length(bytes), sample.int(3, 1))
  switch(sample.int(5, 1),
    replace(bytes, at, as.raw(sample(0:255, length(at), TRUE))),
    replace(bytes, at, xor(bytes[at], as.raw(2^sample(0:7, length(at), TRUE)))),
    bytes[seq_len(at[[1]] - 1)],
    bytes[-at],
    append(bytes, as.raw(sample(0:255, length(at), TRUE)), at[[1]])
  )
}

test_that("a damaged file is an error or read right", {
  skip_unless_safetensors()
  withr::local_seed(1)
  withr::local_options("rlang:::disable_trace_capture" = TRUE)
  file <- safetensors_fixture("types.safetensors")
  sound <- readBin(file, "raw", file.size(file))
  path <- withr::local_tempfile()
  before <- gc(reset = TRUE)["Vcells", 2]
  wrong <- character()
  read <- 0
  for (i in seq_len(how_many(100, 1000))) {
    bytes <- damage(sound)
    writeBin(bytes, path)
    setTimeLimit(elapsed = 5, transient = TRUE)
    state <- tryCatch(conv_read_safetensors(path), error = identity)
    problem <- if (is.list(state) && !inherits(state, "error")) {
      read <- read + 1
      plain <- plain_reading(bytes)
      if (!same_reading(state, plain)) "other numbers"
    } else {
      fault_problem(state, "value", "path")
    }
    wrong <- c(wrong, if (length(problem)) paste0(i, ": ", problem))
  }
  setTimeLimit()
  expect_identical(wrong, character())
  expect_gt(read, how_many(2, 50))
  expect_lt(gc()["Vcells", 6] - before, 50)
})
