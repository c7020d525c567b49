# The numbers of safetensors files: their bytes, little-endian, from and to R's doubles.

# The types by torch's names, and the bytes of each.
tensor_types <- c(
  float64 = "F64", float32 = "F32", float16 = "F16", bfloat16 = "BF16",
  int64 = "I64", int32 = "I32", int16 = "I16", int8 = "I8",
  uint64 = "U64", uint32 = "U32", uint16 = "U16", uint8 = "U8", bool = "BOOL"
)
type_bytes <- c(
  F64 = 8, F32 = 4, F16 = 2, BF16 = 2, I64 = 8, I32 = 4, I16 = 2, I8 = 1, U64 = 8, U32 = 4,
  U16 = 2, U8 = 1, BOOL = 1
)

# Those that are written: the binary digits after the first one, and the exponent of the least
# normal number.
float_types <- list(
  float64 = c(digits = 52, least = -1022),
  float32 = c(digits = 23, least = -126),
  float16 = c(digits = 10, least = -14),
  bfloat16 = c(digits = 7, least = -126)
)

# ---- from bytes ----

decode <- function(bytes, type) {
  switch(type,
    F64 = ,
    F32 = read_numbers(bytes, "double", type_bytes[[type]]),
    F16 = float16_values[read_words(bytes) + 1L],
    BF16 = bfloat16_values[read_words(bytes) + 1L],
    BOOL = as.double(bytes != 0),
    U8 = ,
    U16 = ,
    I8 = ,
    I16 = as.double(read_numbers(bytes, "integer", type_bytes[[type]], startsWith(type, "I"))),
    decode_long(bytes, type)
  )
}

read_numbers <- function(bytes, what, size, signed = TRUE) {
  readBin(bytes, what, length(bytes) / size, size, signed, endian = "little")
}

read_words <- function(bytes) {
  read_numbers(bytes, "integer", 2L, signed = FALSE)
}

# Integers of 32 and 64 bits from words of 16, the last of which has the sign.
decode_long <- function(bytes, type) {
  words <- type_bytes[[type]] / 2
  parts <- matrix(as.double(read_words(bytes)), nrow = words)
  if (startsWith(type, "I")) {
    parts[words, ] <- parts[words, ] - 2^16 * (parts[words, ] >= 2^15)
  }
  values <- drop(2^(16 * (seq_len(words) - 1)) %*% parts)
  if (any(abs(values) >= 2^53)) {
    fix <- "Leave it out by the argument `prefix`."
    raise_damaged("one with integers of 2^53 and more, which R's doubles cannot hold", fix)
  }
  values
}

# What all words of 16 bits mean in a type of so many digits: the sign, the exponent's field, the
# digits after the first.
half_values <- function(type) {
  one <- 2^type[["digits"]]
  magnitude <- 0:(2^15 - 1)
  field <- magnitude %/% one
  fraction <- magnitude %% one
  exponent <- pmax(field, 1) - 1 + type[["least"]]
  values <- (fraction + one * (field > 0)) / one * 2^exponent
  last <- field == max(field)
  values[last] <- ifelse(fraction[last] == 0, Inf, NaN)
  c(values, -values)
}

float16_values <- half_values(float_types$float16)
bfloat16_values <- half_values(float_types$bfloat16)

# ---- to bytes ----

# `argument` is what the user calls the values.
encode <- function(values, type, argument) {
  check_range(values, type, argument)
  switch(type,
    float64 = writeBin(values, raw(), endian = "little"),
    float32 = writeBin(values, raw(), size = 4L, endian = "little"),
    writeBin(half_words(values, float_types[[type]]), raw(), size = 2L, endian = "little")
  )
}

# Half a unit beyond the largest number a finite one would be rounded to infinity.
check_range <- function(values, type, argument) {
  format <- float_types[[type]]
  beyond <- (2 - 2^-(format[["digits"]] + 1)) * 2^(1 - format[["least"]])
  lost <- which(is.finite(values) & abs(values) >= beyond)
  if (length(lost)) {
    raise_fault(
      "value", argument, paste("within the range of", type), describe_(values[lost[[1L]]]),
      "Write it with a `dtype` of a wider range: `dtype = \"float64\"` takes every number."
    )
  }
}

# The bits of a number, as a whole number, count the numbers of its type from 0 to it; 2^15 is added
# for the sign.
half_words <- function(values, type) {
  one <- 2^type[["digits"]]
  top <- read_words(writeBin(values, raw(), endian = "little"))[c(FALSE, FALSE, FALSE, TRUE)]
  exponent <- pmax(top %% 2^15 %/% 2^4 - 1023, type[["least"]])
  words <- (exponent - type[["least"]]) * one + round(abs(values) / 2^exponent * one)
  words[is.infinite(values)] <- 2^15 - one
  words[is.na(values)] <- 2^15 - one / 2
  as.integer(words + 2^15 * (top >= 2^15))
}
