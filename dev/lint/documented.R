# RcppExports, NAMESPACE and man are what `make document` makes of their sources, by the version
# of roxygen2 that made them.
roxygen <- packageVersion("roxygen2")
if (roxygen != read.dcf("DESCRIPTION", "RoxygenNote")[[1]]) quit()

copy <- file.path(tempdir(), "nnconv")
dir.create(copy)
sources <- c("DESCRIPTION", "NAMESPACE", "R", "src", "man", "inst")
invisible(file.copy(sources, copy, recursive = TRUE))
said <- system2("Rscript", c("dev/document.R", copy), stdout = TRUE, stderr = TRUE)
if (!is.null(attr(said, "status"))) writeLines(said)

generated <- c("NAMESPACE", "man", "R/RcppExports.R", "src/RcppExports.cpp")
differences <- unlist(lapply(generated, function(path) {
  suppressWarnings(
    system2("diff", c("-r", path, file.path(copy, path)), stdout = TRUE, stderr = TRUE)
  )
}))
if (length(differences) || !is.null(attr(said, "status"))) {
  writeLines(c(differences, "Not in step with their sources (>): run `make document`."))
  quit(status = 1)
}
