# Saves modules as this version of the package does, with what they compute: the tests load them in
# every later version. To be run once, when a version is released, with the version installed:
#   R_LIBS=build/lib Rscript dev/save-modules.R

library(nnconv)
for (name in c("cases", "random", "reference", "saved")) {
  source(sprintf("tests/testthat/helper-%s.R", name))
}

cases <- list(
  make_case(layer = "conv1d", batch = 2, c_in = 2, c_out = 4, size = 9, groups = 2,
    padding = "causal", dilation = 2, dtype = "float32"),
  make_case(layer = "conv1d", batch = numeric(), c_in = 1, c_out = 2, size = 8, padding = list(1:2),
    padding_mode = "circular", bias = FALSE),
  make_case(layer = "conv2d", batch = 2, c_in = 2, c_out = 3, size = c(6, 5), stride = 2:1,
    padding = 1:0, padding_mode = "reflect"),
  make_case(layer = "conv2d", batch = 1, c_in = 3, c_out = 3, size = c(5, 7), groups = 3,
    kernel = c(2, 3), padding = "same", dtype = "complex128"),
  make_case(layer = "conv3d", batch = 2, c_in = 1, c_out = 2, size = 3:5, kernel = 2,
    padding = list(0:1, c(1, 1), c(2, 0)), padding_mode = "replicate", dtype = "complex64"),
  make_case(layer = "conv_transpose1d", batch = 2, c_in = 3, c_out = 2, size = 6, stride = 3,
    padding = 1, output_padding = 2, dtype = "float32"),
  make_case(layer = "conv_transpose2d", batch = 2, c_in = 4, c_out = 2, size = c(3, 4), groups = 2,
    stride = 2, padding = list(c(0, 1), c(1, 1)), dilation = c(1, 2)),
  make_case(layer = "conv_transpose3d", batch = numeric(), c_in = 2, c_out = 1, size = c(2, 3, 2),
    bias = FALSE, dtype = "complex128")
)

save_case <- function(case) {
  x <- random_operands(case, "integer")
  module <- case_module(case, x)
  module$backward(x$grad_output, x$input)
  saved_module(module, x$input, x$grad_output)
}

set.seed(1)
saved <- lapply(cases, save_case)
# One that is not in training.
saved[[3]]$module$eval()
path <- sprintf("tests/testthat/fixtures/modules-%s.rds", utils::packageVersion("nnconv"))
if (file.exists(path)) stop(path, " is that of a release, and stays as it is")
saveRDS(saved, path, version = 2, compress = "xz")
