# The header of a safetensors file: eight bytes that say how long it is, then JSON that says of each
# tensor its type, its shape, and where its bytes lie among those that follow. Nothing of a file is
# believed before all of it fits: https://huggingface.co/docs/safetensors

# As other readers have it. The sizes are doubles: none of a file's own can overflow.
most_header_bytes <- 100e6

# A reader of the package safetensors whose header is sound. `connection` stands at the beginning of
# a file of so many bytes.
open_safetensors <- function(connection, bytes) {
  text <- read_header(connection, bytes)
  check_json(text)
  seek(connection, 0)
  reader <- tryCatch(
    safetensors::safetensors$new(connection, framework = "nnconv"),
    error = function(condition) raise_damaged("one whose header is no JSON")
  )
  check_header(reader$metadata, bytes - 8 - nchar(text, "bytes"))
  reader
}

raise_damaged <- function(found, fix = "") {
  raise_fault("value", "path", "the path of a sound safetensors file", found, fix)
}

# ---- before it is parsed ----

read_header <- function(connection, bytes) {
  words <- readBin(connection, "integer", 4, size = 2, signed = FALSE, endian = "little")
  length <- sum(words * 65536^(seq_along(words) - 1))
  if (length(words) < 4L || length > bytes - 8) {
    raise_damaged(
      "one that is shorter than its header, or of another format",
      "Python writes such files by `safetensors.torch.save_file(model.state_dict(), path)`."
    )
  }
  if (length > most_header_bytes) {
    raise_damaged("one with a header of more than 100 MB")
  }
  header <- readBin(connection, "raw", length)
  if (length(header) < length || any(header == 0)) {
    raise_damaged("one whose header is no JSON")
  }
  rawToChar(header)
}

# What the parser would take but should not see: other than an object, deep nesting, strings that it
# cuts short, bytes that are no text.
check_json <- function(text) {
  if (!startsWith(text, "{") || !validUTF8(text)) {
    raise_damaged("one whose header is no JSON")
  }
  check_text(text, "path", "the path of a safetensors file")
  outside <- gsub('"(?:[^"\\\\]++|\\\\.)*+"', "", text, perl = TRUE, useBytes = TRUE)
  too_deep <- "\\[[^][{]*+[[{]|\\{[^{}]*+\\{[^{}]*+\\{"
  if (grepl(too_deep, outside, perl = TRUE, useBytes = TRUE)) {
    raise_damaged("one with a header of more than two levels")
  }
  if (grepl("\\u0000", gsub("\\\\", "", text, fixed = TRUE), fixed = TRUE)) {
    raise_damaged("one whose header has strings with zero bytes")
  }
}

# ---- after it was parsed ----

# The tensors fill the rest of the file, `bytes`, one after the other.
check_header <- function(header, bytes) {
  twice <- anyDuplicated(names(header))
  if (twice) {
    raise_damaged(paste("one with two entries", quoted(names(header)[[twice]])))
  }
  check_metadata(header[["__metadata__"]])
  entries <- header[names(header) != "__metadata__"]
  Map(check_entry, entries, names(entries))
  offsets <- vapply(entries, function(entry) as.double(entry$data_offsets), c(0, 0))
  offsets <- offsets[, order(offsets[1L, ], offsets[2L, ]), drop = FALSE]
  if (!all(c(offsets[1L, ], bytes) == c(0, offsets[2L, ]))) {
    raise_damaged("one whose tensors overlap, leave holes, or end elsewhere than the file")
  }
}

check_metadata <- function(metadata) {
  sound <- is.null(metadata) ||
    is.list(metadata) && rlang::is_dictionaryish(metadata) && !is.null(names(metadata)) &&
      all(vapply(metadata, rlang::is_string, NA))
  if (!sound) {
    raise_damaged("one whose `__metadata__` is not strings by their names")
  }
}

check_entry <- function(entry, name) {
  refuse <- function(found) {
    raise_damaged(paste0("one whose tensor ", quoted(name), " has ", found))
  }
  fields <- c("dtype", "shape", "data_offsets")
  if (!is.list(entry) || length(entry) != 3L || !setequal(names(entry), fields)) {
    refuse("other fields than dtype, shape and data_offsets, each once")
  }
  if (!rlang::is_string(entry$dtype, names(type_bytes))) {
    refuse(paste("a dtype other than", enumerate(names(type_bytes))))
  }
  shape <- if (identical(entry$shape, list())) integer() else entry$shape
  if (!is_sizes(shape) || any(shape > .Machine$integer.max)) {
    refuse("a shape that is not whole numbers from 0 up to 2147483647")
  }
  offsets <- entry$data_offsets
  bytes <- prod(shape) * type_bytes[[entry$dtype]]
  if (!is_sizes(offsets) || length(offsets) != 2L || !isTRUE(diff(offsets) == bytes)) {
    refuse("data_offsets that do not fit its shape and dtype")
  }
}

is_sizes <- function(x) {
  is.numeric(x) && is.null(dim(x)) && all(is.finite(x) & x >= 0 & x == trunc(x))
}

# As it is shown in messages.
quoted <- function(name) {
  encodeString(strtrim(name, 60L), quote = "\"")
}
