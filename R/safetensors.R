# Weights in files of the safetensors format, by the package of that name: the two functions, and
# what they give to it. It writes and reads R's numbers as a framework of its own, "nnconv".

#' Weights in safetensors files
#'
#' `conv_read_safetensors()` reads arrays from a file of the safetensors format, in which PyTorch
#' and others keep weights; `conv_write_safetensors()` writes them. Neither needs Python or torch,
#' both need the package safetensors.
#'
#' Arrays keep torch's order of dimensions: the weight of a convolution is
#' `(out_channels, in_channels / groups, kernel...)` in Python, in the file and here. So a layer of
#' a PyTorch checkpoint is loaded by its name, see the examples. In Python the file is written by
#' `safetensors.torch.save_file(model.state_dict(), path)`. Arrays of the torch package need no
#' file: `m$load_state_dict(lapply(model$state_dict(), as.array))`.
#'
#' Numbers of every type that is read become doubles without loss: float64, float32, float16,
#' bfloat16, integers of 8 to 64 bits (of 64 bits: below `2^53`) and booleans, as 0 and 1. There is
#' no complex type: store `Re()` and `Im()` under two names.
#'
#' Writing rounds to the nearest number of `dtype`, ties to even. `NaN` and infinite values stay
#' what they are, `NA` stays `NA` in float64 and is `NaN` in the others, and a finite number beyond
#' the range of `dtype` is an error. The file takes its place when it is complete: a call that fails
#' or is interrupted leaves what was there.
#'
#' A file is checked before anything of it is used, so one from anywhere can be tried: what is
#' damaged is an error and no more.
#'
#' @param path The path of the file, one string.
#' @param prefix Only arrays whose names start with this string are read.
#' @param state A list of numeric arrays (or vectors), each with a name, as `m$state_dict()` gives
#'   it.
#' @param dtype How numbers are stored: `"float64"`, `"float32"`, `"float16"` or `"bfloat16"`.
#' @param metadata Strings that are stored beside the arrays, each with a name: a character vector,
#'   or a list. Some Python programs want `c(format = "pt")`.
#' @return `conv_read_safetensors()`: a list of arrays with their names, in the order of the file's
#'   header; those of one dimension or none are vectors. Its attribute `dtype` says how each was
#'   stored, its attribute `metadata` is a character vector, or `NULL`.
#'   `conv_write_safetensors()`: `path`, invisibly.
#' @section Errors:
#' `r rd_errors()`
#' @references The format: <https://huggingface.co/docs/safetensors>
#' @seealso `m$state_dict()` and `m$load_state_dict()` of [nnconv_module]
#' @examples
#' if (requireNamespace("safetensors", quietly = TRUE)) {
#'   file <- tempfile(fileext = ".safetensors")
#'   conv1 <- nn_conv2d(3, 8, kernel_size = 3)
#'   conv2 <- nn_conv2d(8, 2, kernel_size = 1)
#'   state <- c(conv1$state_dict(prefix = "conv1."), conv2$state_dict(prefix = "conv2."))
#'   conv_write_safetensors(state, file, dtype = "float32")
#'
#'   m <- nn_conv2d(8, 2, kernel_size = 1)
#'   m$load_state_dict(conv_read_safetensors(file), prefix = "conv2.")
#'   print(all.equal(m$weight, conv2$weight, tolerance = 1e-6))
#'
#'   # What a file holds
#'   str(lapply(conv_read_safetensors(file), dim))
#' }
#' #> [1] TRUE
#' #> List of 4
#' #>  $ conv1.weight: int [1:4] 8 3 3 3
#' #>  $ conv1.bias  : NULL
#' #>  $ conv2.weight: int [1:4] 2 8 1 1
#' #>  $ conv2.bias  : NULL
#' @export
conv_read_safetensors <- function(path, prefix = "") {
  if (missing(path)) raise_missing("path")
  check_file(path)
  check_string(prefix, "prefix")
  check_safetensors()
  connection <- file(normalizePath(path), "rb")
  on.exit(close(connection))
  reader <- open_safetensors(connection, file.size(path))
  header <- reader$metadata
  wanted <- header[names(header) != "__metadata__" & startsWith(names(header), prefix)]
  # It goes through its whole header for each, so it is shown one entry at a time.
  read <- function(i) {
    reader$metadata <- wanted[i]
    reader$get_tensor(names(wanted)[[i]])
  }
  structure(
    stats::setNames(lapply(seq_along(wanted), read), names(wanted)),
    dtype = vapply(wanted, function(entry) names(which(tensor_types == entry$dtype)), ""),
    metadata = unlist(header[["__metadata__"]])
  )
}

#' @rdname conv_read_safetensors
#' @export
conv_write_safetensors <- function(state, path, dtype = "float64", metadata = NULL) {
  if (missing(state)) raise_missing("state")
  if (missing(path)) raise_missing("path")
  check_named_list(state, "state")
  check_new_file(path)
  check_choice(dtype, "dtype", names(float_types))
  metadata <- as_metadata(metadata)
  tensors <- as_tensors(state, dtype)
  check_safetensors()
  replace_file(path, function(file) safetensors::safe_save_file(tensors, file, metadata = metadata))
  invisible(path)
}

check_safetensors <- function() {
  check_installed("safetensors")
  framework <- list(constructor = tensor_from_file, packages = "nnconv")
  assign("nnconv", framework, envir = safetensors::safetensors_frameworks)
}

# ---- arrays from a file ----

# The file's index of the last dimension runs fastest, R's of the first.
tensor_from_file <- function(bytes, entry) {
  dim <- as.integer(entry$shape)
  if (length(bytes) != prod(dim) * type_bytes[[entry$dtype]]) {
    raise_damaged("one that gets shorter while it is read")
  }
  values <- decode(bytes, entry$dtype)
  if (length(dim) < 2L) values else aperm(array(values, rev(dim)))
}

# ---- arrays to a file ----

as_tensors <- function(state, dtype) {
  names <- rlang::names2(state)
  check_text(names, "state", "a list whose names are text")
  if ("__metadata__" %in% names) {
    raise_fault(
      "value", "state", "a list of arrays", "one with an element `__metadata__`",
      "The format keeps this name for the argument `metadata`."
    )
  }
  tensors <- Map(function(x, name) as_tensor(x, dtype, paste0("state$", name)), state, names)
  stats::setNames(tensors, enc2utf8(names))
}

# Encoded when it is written, one after the other.
as_tensor <- function(x, dtype, argument) {
  must <- "a numeric array or vector"
  if (is.complex(x)) {
    fix <- "The format knows no complex numbers: store `Re()` and `Im()` under two names."
    raise_fault("type", argument, must, describe_(x), fix)
  }
  if (!is.numeric(x) && !is.logical(x) || is.object(x)) {
    raise_fault("type", argument, must, describe_(x))
  }
  structure(list(values = x, dtype = dtype, argument = argument), class = "nnconv_tensor")
}

#' @exportS3Method safetensors::safe_tensor_meta
safe_tensor_meta.nnconv_tensor <- function(x) {
  list(shape = as.list(extents(x$values)), dtype = tensor_types[[x$dtype]])
}

#' @exportS3Method safetensors::safe_tensor_buffer
safe_tensor_buffer.nnconv_tensor <- function(x) {
  values <- if (is.null(dim(x$values))) x$values else aperm(x$values)
  encode(as.double(values), x$dtype, x$argument)
}

# What the package takes: a list of strings with names, or NULL.
as_metadata <- function(metadata) {
  must <- "strings with a name each, each name once"
  strings <- if (is.character(metadata)) as.list(metadata) else metadata
  is_strings <- is.null(strings) || is.list(strings) && all(vapply(strings, is.character, NA))
  if (!is_strings || is.object(metadata)) {
    kind <- if (is_bare_na(metadata)) "value" else "type"
    raise_fault(kind, "metadata", must, describe_(metadata))
  }
  names <- rlang::names2(strings)
  if (!all(nzchar(names), vapply(strings, rlang::is_string, NA)) || anyDuplicated(names)) {
    raise_fault("value", "metadata", must, describe_(metadata))
  }
  check_text(c(names, unlist(strings)), "metadata", "text")
  if (length(strings)) stats::setNames(lapply(strings, enc2utf8), enc2utf8(names))
}

# The package reads and writes text in the session's encoding.
check_text <- function(strings, argument, must) {
  if (any(Encoding(strings) == "bytes" | !validEnc(strings))) {
    raise_fault("value", argument, must, "one with bytes that are no text")
  }
  not_ascii <- grepl("[^\\x01-\\x7f]", strings, perl = TRUE, useBytes = TRUE)
  if (any(not_ascii) && !l10n_info()$`UTF-8`) {
    raise_fault(
      "value", argument, paste0(must, ", in ASCII where the locale is not UTF-8"),
      "one with other text",
      "Change the locale, for example by `Sys.setlocale(\"LC_CTYPE\", \"C.UTF-8\")`."
    )
  }
}

# Writes a file beside `path`, and puts it in its place when it is complete.
replace_file <- function(path, write) {
  path <- normalizePath(path, mustWork = FALSE)
  beside <- tempfile(paste0(basename(path), "."), dirname(path))
  on.exit(unlink(beside))
  refuse <- function(reason) {
    raise_fault("value", "path", "the path of a file that can be written", "", reason)
  }
  tryCatch(write(beside), warning = function(condition) refuse(conditionMessage(condition)))
  if (!is_complete(beside)) {
    refuse("There is no room for all of it.")
  }
  if (file.exists(path)) {
    Sys.chmod(beside, file.mode(path), use_umask = FALSE)
  }
  if (!suppressWarnings(file.rename(beside, path))) {
    refuse("There is a file that cannot be replaced.")
  }
}

is_complete <- function(path) {
  connection <- file(path, "rb")
  on.exit(close(connection))
  check <- function() {
    open_safetensors(connection, file.size(path))
    TRUE
  }
  tryCatch(check(), nnconv_error = function(fault) FALSE)
}
