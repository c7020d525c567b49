library(testthat)
library(nnconv)

test_check("nnconv")
