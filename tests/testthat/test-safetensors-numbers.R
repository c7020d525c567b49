round_trip <- function(x, type) decode(encode(x, type, "x"), tensor_types[[type]])

# Numbers of every size that a type has, and of those that it rounds to 0.
of_all_sizes <- function(n, type) {
  least <- float_types[[type]][["least"]] - float_types[[type]][["digits"]] - 3
  stats::runif(n, -1, 1) * 2^stats::runif(n, least, 1 - float_types[[type]][["least"]])
}

test_that("all words of 16 bits are numbers that come back as they were", {
  for (type in c("float16", "bfloat16")) {
    words <- 0:65535
    bytes <- writeBin(words, raw(), size = 2, endian = "little")
    values <- decode(bytes, tensor_types[[type]])
    again <- decode(encode(values, type, "x"), tensor_types[[type]])
    expect_same_bits(again, values, type)
    known <- !is.nan(values)
    expect_identical(read_words(encode(values[known], type, "x")), words[known], label = type)
  }
})

test_that("a bfloat16 is the first half of a float32", {
  words <- setdiff(0:65535, which(is.nan(bfloat16_values)) - 1)
  bytes <- as.raw(rbind(0, 0, words %% 256, words %/% 256))
  expect_same_bits(decode(bytes, "F32"), bfloat16_values[words + 1], "halves")
})

test_that("half precision has the numbers of its definition", {
  words <- c(0x0001, 0x03ff, 0x0400, 0x3555, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x8000, 0xc000, 0xfc00)
  values <- c(2^-24, 1023 * 2^-24, 2^-14, 1365 / 4096, 1, 1 + 2^-10, 65504, Inf, -0, -2, -Inf)
  expect_same_bits(float16_values[words + 1], values, "float16")
  expect_identical(bfloat16_values[c(0x0001, 0x0080, 0x3f80, 0x7f7f) + 1],
    c(2^-133, 2^-126, 1, 255 * 2^120))
})

# By the neighbours in the table of all numbers.
nearest <- function(x, type) {
  all <- sort(unique(get(paste0(type, "_values"))))
  at <- findInterval(x, all)
  low <- all[at]
  high <- all[pmin(at + 1, length(all))]
  words <- read_words(encode(abs(low), type, "x"))
  up <- high - x < x - low | (high - x == x - low & words %% 2 == 1)
  ifelse(up, high, low)
}

test_that("numbers are rounded to the nearest one, ties to even", {
  withr::local_seed(1)
  for (type in c("float16", "bfloat16")) {
    x <- of_all_sizes(1e5, type)
    exact <- get(paste0(type, "_values"))
    finite <- sort(unique(exact[is.finite(exact)]))
    ties <- (finite[-1] + finite[-length(finite)]) / 2
    x <- c(x, ties, ties * (1 + 2^-52), ties * (1 - 2^-52))
    expect_identical(round_trip(x, type), nearest(x, type), label = type)
  }
})

test_that("single precision is that of R's own conversion, double is every bit", {
  withr::local_seed(1)
  x <- of_all_sizes(1e4, "float32")
  expect_identical(round_trip(x, "float32"), readBin(writeBin(x, raw(), 4), "double", 1e4, 4))
  expect_lte(max(abs(round_trip(x, "float32") / x - 1)[abs(x) > 2^-126]), 2^-24)
  x <- c(of_all_sizes(1e4, "float64"), NA, NaN, 2^-1074, -0)
  expect_true(identical(round_trip(x, "float64"), x, num.eq = FALSE, single.NA = FALSE))
})

test_that("what is no number stays what it is, -0 as well", {
  x <- c(NaN, Inf, -Inf, -0, 0)
  for (type in names(float_types)) {
    expect_same_bits(round_trip(x, type), x, type)
    expect_identical(is.na(round_trip(NA_real_, type)), TRUE, label = type)
  }
  expect_identical(round_trip(NA_real_, "float16"), NaN)
})

test_that("the last number that fits is rounded, the first that does not is an error", {
  last <- c(float32 = (2 - 2^-24) * 2^127, float16 = 65520, bfloat16 = (2 - 2^-8) * 2^127)
  for (type in names(last)) {
    below <- last[[type]] * (1 - 2^-53)
    largest <- (2 - 2^-float_types[[type]][["digits"]]) * 2^(1 - float_types[[type]][["least"]])
    expect_identical(round_trip(c(below, -below), type), c(largest, -largest), label = type)
    for (x in c(1, -1) * last[[type]]) {
      fault <- expect_fault(encode(c(0, x, NA), type, "state$a"), "value", "state$a", type)
      expect_match(conditionMessage(fault), type)
    }
  }
  expect_identical(round_trip(.Machine$double.xmax, "float64"), .Machine$double.xmax)
})

test_that("integers keep their values, whatever their size and sign", {
  as_bytes <- function(words) as.raw(rbind(words %% 256, words %/% 256))
  expect_identical(decode(as.raw(c(0, 127, 128, 255)), "U8"), c(0, 127, 128, 255))
  expect_identical(decode(as.raw(c(0, 127, 128, 255)), "I8"), c(0, 127, -128, -1))
  words <- c(0, 32767, 32768, 65535)
  expect_identical(decode(as_bytes(words), "U16"), words)
  expect_identical(decode(as_bytes(words), "I16"), c(0, 32767, -32768, -1))
  words <- c(1, 0, 65535, 32767, 0, 32768, 65535, 65535)
  expect_identical(decode(as_bytes(words), "U32"), c(1, 2^31 - 1, 2^31, 2^32 - 1))
  expect_identical(decode(as_bytes(words), "I32"), c(1, 2^31 - 1, -2^31, -1))
  words <- c(1, 0, 0, 0, 65535, 65535, 65535, 31)
  expect_identical(decode(as_bytes(words), "U64"), c(1, 2^53 - 1))
  expect_identical(decode(as_bytes(c(words, rep(65535, 4))), "I64"), c(1, 2^53 - 1, -1))
  expect_identical(decode(as_bytes(c(1, 0, 0, 65504)), "I64"), 1 - 2^53)
  expect_identical(decode(as.raw(0:2), "BOOL"), c(0, 1, 1))
  for (type in names(type_bytes)) {
    expect_identical(decode(raw(), type), double(), label = type)
  }
})

test_that("integers that doubles cannot hold are an error", {
  for (words in list(c(0, 0, 0, 32), c(1, 0, 0, 32), c(0, 0, 0, 65504), c(0, 0, 0, 32768))) {
    bytes <- as.raw(rbind(words %% 256, words %/% 256))
    for (type in c("I64", "U64")) {
      expect_fault(decode(bytes, type), "value", "path", paste(type, toString(words)))
    }
  }
})
