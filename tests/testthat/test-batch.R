# A sample alone gives the bits that it gives in a batch, under every algorithm.

samples <- function(x, i) array(matrix(x, dim(x)[1])[i, ], c(length(i), dim(x)[-1]))

problems <- list(
  list(c_in = 3, c_out = 5, padding = 1),
  list(c_in = 4, c_out = 4, groups = 4, stride = 2, padding = 1),
  list(c_in = 4, c_out = 6, groups = 2, kernel = 2, dilation = 2)
)
sizes <- list("1d" = 13, "2d" = c(6, 5), "3d" = c(4, 3, 5))

for (algorithm in c("direct", "auto", "fast")) {
  test_that(paste("samples do not touch each other:", algorithm), {
    withr::local_options(nnconv.algorithm = algorithm)
    withr::local_seed(1)
    dtypes <- c("float64", "float32", "complex128", "complex64")
    for (layer in layers) for (n in how_many(c(1, 5, 8, 13, 33), 1:33)) {
      case <- do.call(make_case, c(problems[[n %% 3 + 1]], list(
        layer = layer, batch = n, size = sizes[[sub("\\D+", "", layer)]],
        dtype = dtypes[n %% 4 + 1]
      )))
      operands <- random_operands(case)
      output <- forward(case, operands)
      gradient <- backward(case, operands, needs = "input")$input
      for (i in unique(c(1, n, sample.int(n, 1)))) {
        one <- utils::modifyList(operands, list(
          input = samples(operands$input, i), grad_output = samples(operands$grad_output, i)
        ))
        label <- sprintf("%s, %s, sample %d of %d", layer, case$dtype, i, n)
        expect_same_bits(forward(case, one), samples(output, i), label)
        alone <- backward(case, one, needs = "input")$input
        expect_same_bits(alone, samples(gradient, i), paste(label, "gradient"))
      }
    }
  })
}

test_that("an unbatched array is a batch of one", {
  drop_batch <- function(x) array(x, dim(x)[-1])
  for (layer in layers) {
    expect_cases(layer, how_many(10, 50), batch = 1, function(case) {
      operands <- random_operands(case)
      batched <- results(case, operands)
      for (name in c("input", "grad_output")) operands[[name]] <- drop_batch(operands[[name]])
      for (name in c("output", "input")) batched[[name]] <- drop_batch(batched[[name]])
      differing(results(case, operands), batched)
    })
  }
})
