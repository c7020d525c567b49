x <- array(c(1, 2, 4, 8), c(1, 1, 4))
gradient <- array(1, c(1, 1, 3))

difference <- function() {
  m <- nn_conv1d(1, 1, 2)
  m$load_state_dict(list(weight = array(c(1, -1), c(1, 1, 2)), bias = 0.5))
}

# ---- training ----

test_that("backward gives the gradient of the input and adds up those of the parameters", {
  m <- difference()
  m(x)
  expect_identical(m$backward(gradient), array(c(1, 0, 0, -1), c(1, 1, 4)))
  expect_identical(m$grad, list(weight = array(c(7, 14), c(1, 1, 2)), bias = 3))
  m$backward(2 * gradient)
  expect_identical(m$grad, list(weight = array(c(21, 42), c(1, 1, 2)), bias = 9))
})

test_that("backward may be given what a forward just made", {
  m <- difference()
  m$backward(m(x))
  expect_identical(m$grad$bias, -5.5)
})

test_that("backward takes the weights as they are now", {
  m <- difference()
  m(x)
  m$weight <- 10 * m$weight
  expect_identical(c(m$backward(gradient)), c(10, 0, 0, -10))
})

test_that("backward takes an input instead of the remembered one", {
  m <- difference()
  m(x)
  m$backward(gradient, input = 10 * x)
  expect_identical(c(m$grad$weight), c(70, 140))
  m$zero_grad()
  m$eval()
  m$backward(gradient, x)
  expect_identical(c(m$grad$weight), c(7, 14))
})

test_that("backward computes what it needs to", {
  m <- difference()
  m(x)
  expect_null(m$backward(gradient, needs = "weight"))
  expect_identical(m$grad, list(weight = array(c(7, 14), c(1, 1, 2)), bias = NULL))
  expect_identical(c(m$backward(gradient, needs = c("bias", "input"))), c(1, 0, 0, -1))
  expect_identical(m$grad, list(weight = array(c(7, 14), c(1, 1, 2)), bias = 3))
  expect_null(m$backward(gradient, needs = character()))
})

test_that("backward for an output size takes it from the gradient", {
  m <- nn_conv_transpose1d(1, 1, 3, stride = 2)
  y <- m(x, output_size = 10)
  expect_identical(dim(y), c(1L, 1L, 10L))
  expect_identical(dim(m$backward(y)), dim(x))
  expect_identical(dim(m$backward(m(x))), dim(x))
})

test_that("a backward that fails changes nothing", {
  m <- difference()
  m(x)
  m$backward(gradient)
  before <- module_state(m)
  expect_fault(m$backward(x), "shape", "grad_output")
  expect_fault(m$backward(gradient, needs = "weights"), "value", "needs")
  expect_fault(m$backward(gradient, input = "a"), "type", "input")
  expect_identical(module_state(m), before)
})

test_that("a backward that is interrupted changes nothing", {
  skip_on_cran()
  withr::local_options(nnconv.threads = 1)
  m <- nn_conv2d(64, 64, 21)
  x <- array(1, c(8, 64, 76, 76))
  gradient <- array(1, c(8, 64, 56, 56))
  m$backward(gradient[1, , 1:2, 1:2], x[1, , 1:22, 1:22])
  before <- module_state(m)
  fault <- catch_fault({
    setTimeLimit(elapsed = 0.1, transient = TRUE)
    m$backward(gradient, x)
  })
  setTimeLimit()
  expect_match(conditionMessage(fault), "time limit")
  expect_identical(module_state(m), before)
})

test_that("the remembered input is dropped by eval(), train(FALSE), zero_grad() and clone()", {
  forget <- list(
    function(m) m$eval(), function(m) m$train(FALSE), function(m) m$zero_grad(),
    function(m) m$clone()
  )
  for (f in forget) {
    m <- difference()
    m(x)
    fault <- expect_fault(f(m)$backward(gradient), "value", "input")
    expect_match(conditionMessage(fault), "training mode")
  }
})

test_that("nothing is remembered in evaluation mode", {
  m <- difference()
  m$eval()
  expect_false(m$training)
  m(x)
  expect_fault(m$backward(gradient), "value", "input")
  m$train()
  expect_true(m$training)
  m(x)
  m$backward(gradient)
  expect_identical(c(m$grad$weight), c(7, 14))
})

test_that("zero_grad() empties the gradients", {
  m <- difference()
  m(x)
  m$backward(gradient)
  m$zero_grad()
  expect_identical(m$grad, list(weight = NULL, bias = NULL))
})

test_that("methods that change the module return it, invisibly", {
  m <- difference()
  for (code in expression(
    m$train(), m$eval(), m$zero_grad(), m$reset_parameters(), m$load_state_dict(m$state_dict())
  )) {
    result <- withVisible(eval(code))
    expect_identical(result$value, m)
    expect_false(result$visible)
  }
})

# ---- parameters ----

test_that("parameters and coef() list weight and bias", {
  m <- difference()
  expect_identical(m$parameters, list(weight = m$weight, bias = m$bias))
  expect_identical(coef(m), m$parameters)
  expect_identical(names(nn_conv1d(1, 1, 1, bias = FALSE)$parameters), "weight")
})

test_that("reset_parameters() draws as the constructor does", {
  set.seed(3)
  m <- nn_conv2d(2, 3, 3)
  drawn <- m$parameters
  m$weight <- 0 * m$weight
  set.seed(3)
  m$reset_parameters()
  expect_identical(m$parameters, drawn)
})

test_that("a state goes from one module into another", {
  from <- nn_conv2d(2, 3, 3)
  to <- nn_conv2d(2, 3, 3)
  expect_identical(names(from$state_dict("conv1.")), c("conv1.weight", "conv1.bias"))
  to$load_state_dict(from$state_dict())
  expect_identical(to$parameters, from$parameters)
  to$reset_parameters()
  whole <- c(from$state_dict("a."), nn_conv1d(1, 1, 1)$state_dict("b."))
  to$load_state_dict(rev(whole), prefix = "a.")
  expect_identical(to$parameters, from$parameters)
})

test_that("a bias that is an array of one dimension loads, as those of other packages are", {
  m <- nn_conv1d(1, 2, 1)
  m$load_state_dict(list(weight = array(1:2, c(2, 1, 1)), bias = array(3:4, 2)))
  expect_identical(m$parameters, list(weight = array(c(1, 2), c(2, 1, 1)), bias = c(3, 4)))
})

test_that("strict loading wants just the module's names, other loading takes what fits", {
  m <- nn_conv1d(1, 1, 2)
  old <- m$parameters
  weight <- array(c(5, 6), c(1, 1, 2))
  bad <- list(
    list(), list(weight = weight), list(bias = 1), list(weight = weight, bias = 1, more = 1),
    list(weight = weight, Bias = 1), m$state_dict("a.")
  )
  for (state in bad) {
    fault <- expect_fault(m$load_state_dict(state), "value", "state")
    expect_match(conditionMessage(fault), "names weight, bias")
  }
  expect_identical(m$parameters, old)
  m$load_state_dict(list(weight = weight, more = 1), strict = FALSE)
  expect_identical(m$parameters, list(weight = weight, bias = old$bias))
  without <- nn_conv1d(1, 1, 2, bias = FALSE)
  expect_fault(without$load_state_dict(m$state_dict()), "value", "state")
  without$load_state_dict(m$state_dict(), strict = FALSE)
  expect_null(without$bias)
})

test_that("where a state has layers, the error names them", {
  m <- nn_conv1d(1, 1, 2)
  state <- c(m$state_dict("features.0."), m$state_dict("up."))
  for (prefix in c("", "features.1.")) {
    fault <- expect_fault(m$load_state_dict(state, prefix = prefix), "value", "state")
    expect_match(conditionMessage(fault), "`prefix` .* \"features.0.\", \"up.\"")
  }
  fault <- expect_fault(m$load_state_dict(list(weight = 1)), "value", "state")
  expect_match(conditionMessage(fault), "`strict = FALSE`")
})

test_that("a damaged state changes nothing, whatever comes first in it", {
  m <- nn_conv1d(2, 3, 2)
  before <- module_state(m)
  good <- list(weight = array(0, c(3, 2, 2)), bias = c(0, 0, 0))
  damaged <- list(
    weight = list("shape", array(0, c(3, 2, 3))), weight = list("type", "a"),
    weight = list("type", NULL), weight = list("type", list(0)), weight = list("shape", 0),
    bias = list("shape", c(0, 0)), bias = list("type", factor(1:3)), bias = list("type", NULL),
    bias = list("shape", array(0, c(1, 3)))
  )
  for (i in seq_along(damaged)) {
    name <- names(damaged)[[i]]
    state <- good
    state[name] <- damaged[[i]][2]
    for (state in list(state, rev(state))) for (strict in c(TRUE, FALSE)) {
      expect_fault(
        m$load_state_dict(state, strict), damaged[[i]][[1]], paste0("state$", name), i
      )
    }
  }
  expect_identical(module_state(m), before)
})

# ---- copies ----

test_that("a clone has the same data and goes its own way", {
  m <- difference()
  m(x)
  m$backward(gradient)
  m$eval()
  for (clone in list(m$clone(), m$clone(deep = FALSE))) {
    expect_identical(class(clone), class(m))
    expect_identical(module_state(clone), module_state(m))
    clone$weight <- 0 * clone$weight
    clone$train()
    clone$zero_grad()
    expect_identical(c(m$weight), c(1, -1))
    expect_identical(c(m$grad$weight), c(7, 14))
    expect_false(m$training)
  }
})

test_that("a clone leaves the original its remembered input", {
  m <- difference()
  m(x)
  m$clone()(10 * x)
  m$backward(gradient)
  expect_identical(c(m$grad$weight), c(7, 14))
})
