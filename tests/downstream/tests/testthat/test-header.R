# The header by itself: what compilers say of it, and what it says where nnconv does not have it.

header <- system.file("include", "nnconv.h", package = "nnconv")

test_that("strict compilers have nothing to say", {
  compile <- function(compiler, standard, extension) {
    source <- withr::local_tempfile(lines = "#include <nnconv.h>", fileext = extension)
    program <- strsplit(r_command("config", compiler), " ")[[1]][1]
    lines_of(
      program, standard, "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror",
      "-fsyntax-only", paste0("-I", dirname(header)), paste0("-isystem", R.home("include")), source
    )
  }
  expect_identical(compile("CC", "-std=c99", ".c"), character())
  expect_identical(compile("CXX", "-std=c++11", ".cpp"), character())
  expect_identical(compile("CXX", "-std=c++17", ".cpp"), character())
})

# What a new R session finds that calls a copy of the header, changed by `edit`.
status_of_copy <- function(edit) {
  folder <- withr::local_tempdir()
  writeLines(edit(readLines(header)), file.path(folder, "nnconv.h"))
  writeLines('
    #include "nnconv.h"
    SEXP status(void) {
      char message[NNCONV_MESSAGE_SIZE];
      const int dim[] = {1, 1, 1};
      nnconv_layer layer = nnconv_layer_default(1);
      nnconv_array x = nnconv_array_of(NULL, 3, dim), y = x;
      int i, found = 0;
      for (i = 0; i < 2; ++i)
        found = nnconv_output_dim(&layer, &x, &x, &y, message, sizeof(message));
      SEXP list = PROTECT(Rf_allocVector(VECSXP, 2));
      SET_VECTOR_ELT(list, 0, Rf_ScalarInteger(found));
      SET_VECTOR_ELT(list, 1, Rf_mkString(message));
      UNPROTECT(1);
      return list;
    }', file.path(folder, "probe.c"))
  built <- r_command("SHLIB", file.path(folder, "probe.c"))
  expect_null(attr(built, "status"))
  rscript(
    sprintf('dyn.load("%s")', file.path(folder, paste0("probe", .Platform$dynlib.ext))),
    'stopifnot(!isNamespaceLoaded("nnconv"))',
    'cat(unlist(.Call("status")), isNamespaceLoaded("nnconv"), sep = "\\n")'
  )
}

test_that("the header loads nnconv where it is not loaded yet", {
  expect_identical(status_of_copy(identity), c("0", "", "TRUE"))
})

test_that("a header that nnconv does not serve is told so, without a jump", {
  missing <- "the package nnconv is not installed, or older than is needed here"
  later <- status_of_copy(function(lines) {
    sub("define NNCONV_API_VERSION 1$", "define NNCONV_API_VERSION 2", lines)
  })
  expect_identical(later, c(as.character(not_found), missing, "TRUE"))
  elsewhere <- status_of_copy(function(lines) {
    gsub('"nnconv"', '"nnconv.of.another.name"', lines, fixed = TRUE)
  })
  expect_identical(elsewhere, c(as.character(not_found), missing, "FALSE"))
})

test_that("the version served is the header's", {
  expect_identical(.Call(downstream:::api_version), 1L)
})
