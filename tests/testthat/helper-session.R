# Sessions of their own, with another environment.

# What a new session that has nnconv attached prints as it runs `code`: its lines, errors as well.
# `before` are words of the shell.
said_in_session <- function(code, env = character(), libraries = .libPaths(), before = "") {
  libraries <- paste(libraries, collapse = .Platform$path.sep)
  script <- withr::local_tempfile(lines = c("library(nnconv)", deparse(code)), fileext = ".R")
  withr::local_envvar(c(R_LIBS = "", R_LIBS_USER = libraries, R_LIBS_SITE = libraries, env))
  rscript <- paste(shQuote(file.path(R.home("bin"), "Rscript")), "--no-environ --no-init-file")
  suppressWarnings(system(paste(before, rscript, shQuote(script), "2>&1"), intern = TRUE))
}

# A library with nnconv and what it imports, and no other package.
local_bare_library <- function(envir = parent.frame()) {
  testthat::skip_on_os("windows")
  library <- withr::local_tempdir(.local_envir = envir)
  for (package in c("nnconv", "Rcpp", "cli", "rlang")) {
    file.symlink(system.file(package = package), file.path(library, package))
  }
  library
}
