# Problems large enough that several threads take part: about 10 million multiply-adds.
large_cases <- list(
  make_case(layer = "conv1d", batch = 3, c_in = 16, c_out = 24, size = 3000, padding = 1),
  make_case(layer = "conv2d", batch = 9, c_in = 12, c_out = 17, size = c(28, 27)),
  make_case(layer = "conv2d", batch = 8, c_in = 2, c_out = 3, size = c(140, 130), padding = 1),
  make_case(layer = "conv2d", batch = 8, c_in = 24, c_out = 24, groups = 24, size = c(90, 75)),
  make_case(
    layer = "conv2d", batch = 1, c_in = 64, c_out = 160, size = c(9, 8), padding = 1,
    padding_mode = "reflect"
  ),
  make_case(layer = "conv3d", batch = 5, c_in = 8, c_out = 9, size = c(9, 10, 11), padding = 1),
  make_case(layer = "conv_transpose1d", batch = 9, c_in = 16, c_out = 24, size = 900, stride = 2),
  make_case(
    layer = "conv_transpose2d", batch = 13, c_in = 17, c_out = 12, size = c(20, 19), stride = 2
  ),
  make_case(layer = "conv_transpose3d", batch = 9, c_in = 8, c_out = 9, size = c(8, 7, 9))
)

for (algorithm in c("direct", "auto", "fast")) {
  test_that(paste("the number of threads does not matter:", algorithm), {
    skip_on_cran()
    withr::local_options(nnconv.algorithm = algorithm)
    withr::local_seed(1)
    dtypes <- c("float64", if (algorithm == "direct") c("float32", "complex128", "complex64"))
    for (dtype in dtypes) for (case in large_cases) {
      case$dtype <- dtype
      operands <- random_operands(case)
      withr::local_options(nnconv.threads = 1)
      one <- results(case, operands)
      for (threads in c(2, 3, 8)) {
        withr::local_options(nnconv.threads = threads)
        label <- paste(case$layer, dtype, "on", threads, "threads")
        expect_identical(differing(results(case, operands), one), character(), label = label)
      }
    }
  })
}

# What comes of asking for so many threads: one without OpenMP, never more than OMP_THREAD_LIMIT.
granted <- function(threads) {
  withr::local_options(nnconv.threads = 1e6)
  min(as.integer(threads), conv_get_num_threads())
}

test_that("forked children compute on one thread", {
  skip_on_os("windows")
  withr::local_seed(1)
  case <- large_cases[[2]]
  operands <- random_operands(case)
  expected <- results(case, operands)
  child <- parallel::mclapply(1:2, mc.cores = 2, function(i) {
    conv_set_num_threads(4)
    list(threads = conv_get_num_threads(), results = results(case, operands))
  })
  for (found in child) {
    expect_identical(found$threads, 1L)
    expect_identical(differing(found$results, expected), character())
  }
  expect_identical(conv_get_num_threads(), granted(2))
  expect_identical(differing(results(case, operands), expected), character())
})

# What `code` prints in a session of its own.
said_by_session <- function(code) {
  library <- dirname(system.file(package = "nnconv"))
  script <- withr::local_tempfile(
    lines = c(sprintf(".libPaths(c(%s, .libPaths()))", deparse(library)), deparse(code)),
    fileext = ".R"
  )
  suppressWarnings(
    system2(file.path(R.home("bin"), "Rscript"), shQuote(script), stdout = TRUE, stderr = TRUE)
  )
}

test_that("a forked child that loads the package computes on one thread", {
  skip_on_cran()
  skip_on_os(c("windows", "mac", "solaris"))
  said <- said_by_session(quote({
    child <- parallel::mcparallel({
      options(nnconv.threads = 2)
      nnconv::conv_get_num_threads()
    })
    cat(parallel::mccollect(child)[[1]])
  }))
  expect_identical(said, "1")
})

test_that("threads that cannot be had any more are done without", {
  skip_on_cran()
  skip_on_os(c("windows", "mac", "solaris"))
  skip_if(!nzchar(Sys.which("prlimit")), "no way to limit this session's memory")
  said <- said_by_session(quote({
    x <- array(1, c(8, 64, 60, 60))
    w <- array(1, c(64, 64, 5, 5))
    first_value <- function(threads) {
      options(nnconv.threads = threads)
      nnconv::nnf_conv2d(x, w)[1]
    }
    before <- c(first_value(64), first_value(2))
    # The stacks of 62 threads need more.
    status <- readLines("/proc/self/status")
    used <- 1024 * as.numeric(gsub("[^0-9]", "", grep("^VmSize", status, value = TRUE)))
    limit <- format(used + 2e8, scientific = FALSE)
    system(paste0("prlimit --pid ", Sys.getpid(), " --as=", limit))
    cat(before, first_value(64))
  }))
  expect_identical(said, "1600 1600 1600")
})

test_that("the number of threads is an option, told and set by functions", {
  withr::local_options(nnconv.threads = 2)
  expect_identical(conv_get_num_threads(), granted(2))
  set <- withVisible(conv_set_num_threads(1))
  expect_false(set$visible)
  expect_identical(set$value, 2)
  expect_identical(getOption("nnconv.threads"), 1L)
  expect_identical(conv_get_num_threads(), 1L)
  options(nnconv.threads = NULL)
  usual <- conv_get_num_threads()
  expect_identical(conv_set_num_threads(1), usual)
})

test_that("an option that is no number of threads is named as one, and can be replaced", {
  withr::local_options(nnconv.threads = "many")
  fault <- expect_fault(nnf_pad(array(1, 3), 1:2), "type", "nnconv.threads")
  expect_match(conditionMessage(fault), "`options(nnconv.threads = NULL)` unsets it", fixed = TRUE)
  expect_identical(conv_set_num_threads(1), "many")
  expect_identical(conv_get_num_threads(), 1L)
})

test_that("a number of threads is a whole number of at least 1", {
  withr::local_options(nnconv.threads = 2)
  for (n in list(0, -1, NA, NaN, Inf, 1.5, 2^31, numeric(), 1:2)) {
    expect_fault(conv_set_num_threads(n), "value", "n", deparse(n))
  }
  for (n in list("3", TRUE, NULL, list(1), sum)) {
    expect_fault(conv_set_num_threads(n), "type", "n", class(n))
  }
  expect_identical(getOption("nnconv.threads"), 2)
})
