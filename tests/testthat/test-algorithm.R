test_that("the algorithm is an option", {
  withr::local_options(nnconv.algorithm = NULL)
  expect_identical(conv_get_algorithm(), "auto")
  expect_identical(withVisible(conv_set_algorithm("direct")), list(value = "auto", visible = FALSE))
  expect_identical(getOption("nnconv.algorithm"), "direct")
  expect_identical(conv_get_algorithm(), "direct")
  expect_identical(conv_set_algorithm("fast"), "direct")
  withr::local_options(nnconv.algorithm = "direct")
  expect_identical(conv_get_algorithm(), "direct")
})

test_that("an option of another value is an error that names it", {
  withr::local_options(nnconv.algorithm = "quick")
  expect_fault(conv_get_algorithm(), "value", "nnconv.algorithm")
  expect_fault(nnf_conv1d(array(0, c(1, 1, 3)), array(0, c(1, 1, 1))), "value", "nnconv.algorithm")
  expect_identical(conv_set_algorithm("direct"), "quick")
  expect_identical(conv_get_algorithm(), "direct")
})
