# Checks of the arguments that never reach the C++ core: flags, words and names. One kind of
# argument each; all return nothing and raise through raise_fault(). Numbers and arrays are checked
# by the core.

check_flag <- function(x, argument) {
  must <- "TRUE or FALSE"
  if (!is.logical(x) || is.object(x)) {
    raise_fault("type", argument, must, describe_(x))
  }
  if (length(x) != 1L || is.na(x)) {
    raise_fault("value", argument, must, describe_(x))
  }
}

check_string <- function(x, argument, must = "one string") {
  if (!is.character(x) || is.object(x)) {
    raise_fault(if (is_bare_na(x)) "value" else "type", argument, must, describe_(x))
  }
  if (length(x) != 1L || is.na(x) || Encoding(x) == "bytes") {
    raise_fault("value", argument, must, describe_(x))
  }
}

check_choice <- function(x, argument, choices) {
  must <- paste("one of", enumerate(encodeString(choices, quote = "\"")))
  check_string(x, argument, must)
  if (!x %in% choices) {
    raise_fault("value", argument, must, describe_(x))
  }
}

check_title <- function(main) {
  if (!is.null(main) && !is.language(main)) {
    check_string(main, "main", "one string, an expression or NULL")
  }
}

# The path of a file that is there.
check_file <- function(path) {
  must <- "the path of a file"
  check_string(path, "path", must)
  if (!file.exists(path) || dir.exists(path)) {
    found <- if (dir.exists(path)) "of a folder" else paste(describe_(path), "(there is none)")
    raise_fault("value", "path", must, found)
  }
}

# The path of a file that may be there or not, in a folder that is.
check_new_file <- function(path) {
  must <- "the path of a file in a folder that exists"
  check_string(path, "path", must)
  # Names of files have at most 255 bytes, and the file is first written under a longer name.
  too_long <- nchar(basename(path), "bytes") > 200L
  if (!nzchar(path) || too_long || dir.exists(path) || !dir.exists(dirname(path))) {
    raise_fault("value", "path", must, describe_(path))
  }
}

# A package that nnconv only suggests.
check_installed <- function(package) {
  least <- suggested_packages[[package]][["least"]]
  if (!is_installed(package)) {
    raise_fault(
      "value", package, paste("installed, version", least, "or newer"), "",
      sprintf("Run `install.packages(\"%s\")`.", package)
    )
  }
}

# Without loading it, which leaves traces in options.
is_installed <- function(package) {
  nzchar(system.file(package = package)) &&
    utils::packageVersion(package) >= suggested_packages[[package]][["least"]]
}

# Those that functions of the package call, with their least versions and what they are for.
suggested_packages <- list(
  future = c(least = "1.20.0", wanted_by = "`predict()` on workers"),
  ggplot2 = c(least = "3.4.0", wanted_by = "`autoplot()` of a layer"),
  safetensors = c(
    least = "0.3.0", wanted_by = "`conv_read_safetensors()` and `conv_write_safetensors()`"
  )
)

# A list whose elements all have names, each name once.
check_named_list <- function(x, argument) {
  must <- "a list with a name for every element, each name once"
  if (!is.list(x) || is.object(x)) {
    raise_fault("type", argument, must, describe_(x))
  }
  names <- rlang::names2(x)
  if (anyNA(names) || !all(nzchar(names)) || anyDuplicated(names)) {
    found <- paste("one with the names", enumerate(encodeString(names, quote = "\"")))
    raise_fault("value", argument, must, found)
  }
}

# That `...` of a method took nothing: what is there was misspelt.
check_no_more <- function(...) {
  if (...length() > 0L) {
    names <- rlang::names2(as.list(substitute(list(...)))[-1L])
    found <- ifelse(nzchar(names), paste0("`", names, "`"), "a value without a name")
    raise_fault("value", "...", "empty", enumerate(found))
  }
}

# NA as it is typed: of logical type, but meant as a missing value of whatever is asked for.
is_bare_na <- function(x) {
  identical(x, NA)
}

enumerate <- function(words) {
  paste(words, collapse = ", ")
}
