# Bad values beyond those of the tests (tests/testthat/helper-bad-values.R), of which each is
# refused `like` one of them, but for the arguments, or the kinds of arguments, that are given.

hostile <- function(value, like, ...) list(value = value, like = like, but = c(...))

bytes <- "\xff"
Encoding(bytes) <- "bytes"
latin1 <- "\xe9"
Encoding(latin1) <- "latin1"

new_odd_number <- methods::setClass("OddNumber", contains = "numeric")
new_odd <- methods::setClass("Odd", slots = c(a = "numeric"))

hostile_values <- list(
  # ---- numbers ----
  negative_zero = hostile(-0, "zero"),
  negative_infinity = hostile(-Inf, "inf"),
  missing_double = hostile(NA_real_, "nan"),
  missing_integer = hostile(NA_integer_, "nan"),
  missing_complex = hostile(NA_complex_, "complex"),
  largest_whole = hostile(2^53, "huge"),
  largest_double = hostile(.Machine$double.xmax, "huge"),
  smallest_double = hostile(5e-324, "half"),
  nearly_one = hostile(1 - 2^-53, "half"),
  most_negative = hostile(-2^31, "minus"),
  # Allowed as a size, and more than fits a memory.
  largest_integer = hostile(.Machine$integer.max, "huge", count = ".", margin = ".", cut = ".",
    some = ".", "plot_receptive_field(input_size)" = ".", "plot_conv(input_size)" = "v"),
  rank_7 = hostile(array(1, 1:7), "long", "nnf_pad(input)" = "."),
  rank_30 = hostile(array(1.5, rep(1, 30)), "half", "nnf_pad(input)" = "."),
  sequence = hostile(1:7, "long"),
  # Compact, as long as it is only counted; options() writes it out.
  billions = hostile(1:3e9, "long", "options(nnconv.threads)" = ".",
    "options(nnconv.algorithm)" = "."),
  named = hostile(c(a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7), "long"),
  with_attributes = hostile(structure(1.5, note = "of mine"), "half"),
  no_integer = hostile(integer(0), "empty"),
  no_double_3d = hostile(array(0, c(0, 0, 0)), "empty", "nnf_pad(input)" = ".",
    "to_nchw(x)" = ".", "from_nchw(x)" = "."),
  # ---- logicals and strings ----
  false = hostile(FALSE, "true"),
  missing_twice = hostile(c(NA, NA), "true", flag = "v"),
  no_logical = hostile(logical(0), "true", flag = "v"),
  missing_string = hostile(NA_character_, "text", text = "v"),
  no_string = hostile(character(0), "text", text = "v", needs = ".", labels = "."),
  two_strings = hostile(c("a", "b"), "text", text = "v"),
  empty_string = hostile("", "text"),
  long_string = hostile(strrep("long", 25e4), "text", "conv_write_safetensors(path)" = "v"),
  braces = hostile("{stop('run')} `%s%n` \\", "text"),
  unicode = hostile("\u00e4\u4e2d\U1F600", "text"),
  latin1 = hostile(latin1, "text"),
  not_utf8 = hostile("\xff\xfe", "text"),
  bytes = hostile(bytes, "text", text = "v"),
  # ---- lists ----
  no_list = hostile(list(), "list", "conv_write_safetensors(state)" = ".",
    labels = ".", "receptive_field(...)" = "v", "plot_receptive_field(...)" = "v"),
  nested_list = hostile(list(list(1)), "list", margin = ".", cut = "."),
  list_of_null = hostile(list(NULL), "list", margin = ".", cut = "."),
  list_of_infinity = hostile(list(c(0, Inf), c(0, Inf), c(0, Inf)), "list"),
  pairlist = hostile(pairlist(1), "func", state = "v", taps = "."),
  # ---- objects ----
  classed = hostile(structure(1, class = "odd"), "complex"),
  integer64 = hostile(structure(1, class = "integer64"), "date"),
  time = hostile(as.POSIXct("2024-01-01", tz = "UTC"), "date"),
  difference = hostile(as.difftime(1, units = "secs"), "date"),
  s4 = hostile(new_odd(a = 1), "func"),
  s4_number = hostile(new_odd_number(1), "date"),
  empty_data_frame = hostile(data.frame(), "frame"),
  formula = hostile(y ~ x, "date", title = "."),
  module = hostile(nn_conv1d(1, 1, 1), "func", module = "."),
  # ---- what is no data ----
  raw = hostile(as.raw(1), "factor"),
  environment = hostile(new.env(), "func"),
  symbol = hostile(quote(a), "func", title = "."),
  call = hostile(quote(f(x)), "func", title = "."),
  expression = hostile(expression(1), "func", title = "."),
  primitive = hostile(sum, "func"),
  external_pointer = hostile(methods::new("externalptr"), "func"),
  weak_reference = hostile(rlang::new_weakref(globalenv()), "func")
)
