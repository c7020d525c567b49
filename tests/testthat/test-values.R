test_that("outputs are those of torch", {
  for (case in read_all_cases()) {
    output <- forward(case, case_operands(case))
    expect_close(output, case$expected$output, case_tolerance(case), case$id)
  }
})

test_that("modules give the bits of the functions", {
  for (case in read_cases("basic")) {
    operands <- case_operands(case)
    module <- case_module(case, operands)
    expect_same_bits(module(operands$input), forward(case, operands), case$id)
  }
})

test_that("the plain R reference agrees with torch too", {
  for (case in read_cases("basic")) {
    operands <- case_operands(case)
    tolerance <- case_tolerance(case)
    expect_close(reference_forward(case, operands), case$expected$output, tolerance, case$id)
    gradients <- reference_backward(case, operands)
    expect_close(gradients$input, case$expected$grad_input, tolerance, case$id)
    expect_close(gradients$weight, case$expected$grad_weight, tolerance, case$id)
  }
})

test_that("output sizes are those of the arrays", {
  for (case in read_cases("basic")) {
    sizes <- utils::tail(dim(case$expected$output), n_spatial(case))
    expect_identical(told_size(case), sizes, label = case$id)
  }
})

test_that("padding is that of torch", {
  for (case in read_cases("pad", parse_pad_case)) {
    input <- case_stream(case)(case[["in"]])
    padded <- nnf_pad(input, case$pad, case$mode, case$value)
    expect_close(padded, case$expected$output, 0, case$id)
  }
})
