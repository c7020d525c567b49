test_that("a flag is TRUE or FALSE", {
  expect_silent(check_flag(TRUE, "bias"))
  expect_silent(check_flag(FALSE, "bias"))
  for (x in list(1, "TRUE", NULL, list(TRUE), factor(TRUE))) {
    expect_fault(check_flag(x, "bias"), "type", "bias")
  }
  for (x in list(NA, logical(), c(TRUE, TRUE))) {
    expect_fault(check_flag(x, "bias"), "value", "bias")
  }
})

test_that("a string is one string", {
  expect_silent(check_string("", "prefix"))
  for (x in list(1, NULL, list("a"), factor("a"), TRUE, quote(a))) {
    expect_fault(check_string(x, "prefix"), "type", "prefix")
  }
  for (x in list(NA, NA_character_, character(), c("a", "b"))) {
    expect_fault(check_string(x, "prefix"), "value", "prefix")
  }
})

test_that("a choice is one of the words, in full", {
  expect_silent(check_choice("auto", "name", c("auto", "direct")))
  fault <- expect_fault(check_choice("aut", "name", c("auto", "direct")), "value", "name")
  expect_identical(fault$must, "one of \"auto\", \"direct\"")
})

test_that("a named list has each name once", {
  expect_silent(check_named_list(list(), "state"))
  expect_silent(check_named_list(list(a = 1, b = NULL), "state"))
  for (x in list(NULL, 1, c(a = 1), data.frame(a = 1))) {
    expect_fault(check_named_list(x, "state"), "type", "state")
  }
  for (x in list(list(1), list(a = 1, 2), list(a = 1, a = 2), stats::setNames(list(1), NA))) {
    expect_fault(check_named_list(x, "state"), "value", "state")
  }
})
