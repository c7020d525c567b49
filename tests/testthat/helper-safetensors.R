# Files of the safetensors format, sound and not.

safetensors_fixture <- function(name) {
  normalizePath(testthat::test_path("fixtures", "safetensors", name), mustWork = FALSE)
}

skip_unless_safetensors <- function() {
  testthat::skip_if_not_installed("safetensors", "0.3.0")
  testthat::skip_if_not(l10n_info()$`UTF-8`)
}

# The bytes of a file with this header, which says its own length, unless another is told.
safetensors_bytes <- function(header, data = raw(), length = base::length(header)) {
  if (is.character(header)) {
    header <- charToRaw(header)
  }
  c(writeBin(as.integer(c(length, 0)), raw(), endian = "little"), header, data)
}

local_safetensors <- function(bytes, envir = parent.frame()) {
  path <- withr::local_tempfile(fileext = ".safetensors", .local_envir = envir)
  writeBin(bytes, path)
  path
}

# The header of tensors: strings of JSON by their names.
header_of <- function(...) {
  entries <- list(...)
  paste0("{", paste0("\"", names(entries), "\":", entries, collapse = ","), "}")
}

entry_of <- function(dtype = "F32", shape = "[2]", offsets = "[0,8]") {
  sprintf("{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}", dtype, shape, offsets)
}
