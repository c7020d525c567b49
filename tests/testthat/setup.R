# Tests use two threads unless they ask for more.
withr::local_options(nnconv.threads = 2, .local_envir = testthat::teardown_env())
