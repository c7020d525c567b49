# Errors and interrupts reach R after the C++ frames between were left in order.

alive <- function() .Call(downstream:::alive)
convolve_2d <- function(input, weight, output, threads = 0) {
  .Call(downstream:::convolve_2d, input, weight, output, threads)
}

# A few seconds of work on one thread.
set.seed(1)
x <- array(stats::rnorm(4 * 64 * 112 * 112), c(4, 64, 112, 112))
w <- array(stats::rnorm(128 * 64 * 21 * 21), c(128, 64, 21, 21))
y <- array(0, c(4, 128, 92, 92))

# What `code` ends with where it is interrupted soon.
interrupted_soon <- function(code, seconds = 0.3) {
  signal <- sprintf("sh -c 'sleep %f; kill -INT %d' &", seconds, Sys.getpid())
  system(signal)
  result <- tryCatch(code, error = identity, interrupt = identity)
  # A signal that came late must not end what follows.
  tryCatch(Sys.sleep(seconds + 0.3), interrupt = function(condition) NULL)
  result
}

expect_usable <- function() {
  expect_identical(alive(), 0L)
  small <- x[1:2, , 1:9, 1:9]
  kernel <- w[, , 1:3, 1:3]
  expect_identical(convolve_2d(small, kernel, array(0, c(2, 128, 7, 7))), nnf_conv2d(small, kernel))
}

test_that("errors become R's once objects are gone", {
  expect_error(convolve_2d(x[, 1:2, , ], w, y), "`input` must be an array with 64 channels")
  expect_error(.Call(downstream:::throw_other, TRUE), "of the caller's own")
  expect_error(.Call(downstream:::throw_other, FALSE), "unknown C++ exception", fixed = TRUE)
  expect_identical(.Call(downstream:::caught_status, x, w), 0L)
  expect_identical(.Call(downstream:::caught_status, x[, 1:2, , ], w), 3L)
  expect_usable()
})

test_that("an interrupt goes on as R's own", {
  for (threads in 1:2) {
    expect_s3_class(interrupted_soon(convolve_2d(x, w, y, threads)), "interrupt")
    expect_usable()
  }
  gradients <- list(array(0, dim(x)), array(0, dim(w)), array(0, 128))
  condition <- interrupted_soon(.Call(downstream:::gradients_2d, y, x, w, gradients))
  expect_s3_class(condition, "interrupt")
  expect_usable()
})

test_that("a time limit goes on as R's own error", {
  expect_error(
    {
      setTimeLimit(elapsed = 0.3, transient = TRUE)
      convolve_2d(x, w, y)
    },
    "reached elapsed time limit"
  )
  setTimeLimit()
  expect_usable()
})

test_that("calling handlers run, and what they signal goes on too", {
  seen <- NULL
  result <- interrupted_soon(
    withCallingHandlers(convolve_2d(x, w, y), interrupt = function(condition) {
      seen <<- class(condition)
      stop("of the handler's own")
    })
  )
  expect_identical(conditionMessage(result), "of the handler's own")
  expect_identical(seen, c("interrupt", "condition"))
  expect_usable()
})

test_that("C sees a status, and may let the interrupt be", {
  found <- interrupted_soon(door_forward(list(ndim = 2), list(input = x, weight = w)))
  expect_identical(found$status, interrupted)
  expect_identical(found$message, "interrupted")
  # The next call forgets it.
  expect_usable()
  expect_error(.Call(downstream:::call_resume), "must follow a call that was interrupted")
})

test_that("Rcpp's frames are left in order too", {
  skip_if_not_installed("Rcpp")
  Rcpp::sourceCpp(env = environment(), code = '
    // [[Rcpp::depends(nnconv)]]
    #include <nnconv.h>
    #include <Rcpp.h>

    struct Counted {
      static int alive;
      Counted() { ++alive; }
      ~Counted() { --alive; }
    };
    int Counted::alive = 0;

    // [[Rcpp::export]]
    int alive_by_rcpp() { return Counted::alive; }

    // [[Rcpp::export]]
    Rcpp::NumericVector convolve_by_rcpp(Rcpp::NumericVector input, Rcpp::NumericVector weight,
                                         Rcpp::NumericVector output) {
      const Counted counted;
      const auto view = [](const Rcpp::NumericVector& x) {
        const Rcpp::IntegerVector dim = x.attr("dim");
        return nnconv_array_of(x.begin(), dim.size(), dim.begin());
      };
      try {
        nnconv::forward(nnconv_layer_default(2), view(input), view(weight), nullptr, view(output));
      } catch (const nnconv::interrupted&) {
        Rcpp::unwindProtect([] {
          nnconv_resume();
          return R_NilValue;
        });
      }
      return output;
    }
  ')
  small <- x[1:2, , 1:9, 1:9]
  kernel <- w[, , 1:3, 1:3]
  output <- function(...) array(0, c(2, 128, ...))
  expect_identical(convolve_by_rcpp(small, kernel, output(7, 7)), nnf_conv2d(small, kernel))
  expect_error(convolve_by_rcpp(small, kernel, output(7, 8)), "`output` must be")
  for (i in 1:2) {
    expect_s3_class(interrupted_soon(convolve_by_rcpp(x, w, y)), "interrupt")
    expect_identical(alive_by_rcpp(), 0L)
  }
  expect_usable()
})

# A function that calls those of C++ code that uses a header of another package beside nnconv's.
compiled_with <- function(package, header, code, env = parent.frame()) {
  include <- function(package) paste0("-I", system.file("include", package = package))
  withr::local_envvar(PKG_CPPFLAGS = paste(include(package), include("nnconv")))
  source <- withr::local_tempfile(fileext = ".cpp", .local_envir = env, lines = c(
    sprintf("#include <%s>", header), '
    #include <nnconv.h>

    struct Counted {
      static int alive;
      Counted() { ++alive; }
      ~Counted() { --alive; }
    };
    int Counted::alive = 0;

    extern "C" SEXP alive() { return Rf_ScalarInteger(Counted::alive); }

    nnconv_array view(SEXP x) {
      const SEXP dim = Rf_getAttrib(x, R_DimSymbol);
      return nnconv_array_of(REAL(x), Rf_length(dim), INTEGER(dim));
    }

    void convolve(SEXP x, SEXP w, SEXP y) {
      nnconv::forward(nnconv_layer_default(2), view(x), view(w), nullptr, view(y));
    }', code
  ))
  built <- r_command("SHLIB", source)
  expect_null(attr(built, "status"))
  library <- dyn.load(sub("[.]cpp$", .Platform$dynlib.ext, source))
  withr::defer(dyn.unload(library[["path"]]), envir = env)
  function(name, ...) .Call(getNativeSymbolInfo(name, library), ...)
}

# R's ways out of a function, taken from one that the C++ code `ends_by` calls.
expect_jumps_go_on <- function(ends_by) {
  stops <- function() stop(structure(class = c("odd", "error", "condition"), list(message = "own")))
  expect_s3_class(tryCatch(ends_by(stops), error = identity), "odd")
  expect_error(ends_by(function() stop("the user's own message")), "the user's own message")
  gone <- withRestarts(ends_by(function() invokeRestart("go", 7)), go = identity)
  expect_identical(gone, 7)
  expect_s3_class(interrupted_soon(ends_by(function() Sys.sleep(5))), "interrupt")
  expect_identical(ends_by(function() "a result"), "a result")
}

test_that("a body that uses Rcpp ends by R's jumps and Rcpp's errors", {
  skip_if_not_installed("Rcpp")
  call <- compiled_with("Rcpp", "Rcpp.h", '
    extern "C" SEXP call_function(SEXP f) {
      return nnconv::call([&]() -> SEXP {
        const Counted counted;
        return Rcpp::Function(f)();
      });
    }
    extern "C" SEXP fail() {
      return nnconv::call([&]() -> SEXP {
        const Counted counted;
        Rcpp::stop("by Rcpp");
      });
    }
    extern "C" SEXP convolve_2d(SEXP x, SEXP w, SEXP y) {
      return nnconv::call([&]() -> SEXP {
        const Counted counted;
        convolve(x, w, y);
        return y;
      });
    }')
  expect_jumps_go_on(function(f) call("call_function", f))
  expect_error(call("fail"), "^by Rcpp$")
  expect_error(call("convolve_2d", x[, 1:2, , ], w, y), "`input` must be an array with 64")
  expect_s3_class(interrupted_soon(call("convolve_2d", x, w, y)), "interrupt")
  expect_identical(call("alive"), 0L)
  expect_usable()
})

test_that("cpp11's frames are left in order too", {
  skip_if_not_installed("cpp11")
  call <- compiled_with("cpp11", "cpp11/declarations.hpp", '
    extern "C" SEXP call_function(SEXP f) {
      BEGIN_CPP11
      const Counted counted;
      return cpp11::function(f)();
      END_CPP11
    }
    extern "C" SEXP convolve_2d(SEXP x, SEXP w, SEXP y) {
      BEGIN_CPP11
      const Counted counted;
      try {
        convolve(x, w, y);
      } catch (const nnconv::interrupted&) {
        cpp11::safe[nnconv_resume]();
      }
      return y;
      END_CPP11
    }')
  expect_jumps_go_on(function(f) call("call_function", f))
  expect_error(call("convolve_2d", x[, 1:2, , ], w, y), "`input` must be an array with 64")
  expect_s3_class(interrupted_soon(call("convolve_2d", x, w, y)), "interrupt")
  expect_identical(call("alive"), 0L)
  expect_usable()
})
