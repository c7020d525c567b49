# Pictures in tests. What is drawn goes nowhere, or into snapshots, which CRAN's machines skip.

local_null_device <- function(width = 7, height = 7, envir = parent.frame()) {
  grDevices::pdf(NULL, width, height)
  withr::defer(grDevices::dev.off(), envir)
}

# What a plotting function returns, after it was seen to return it invisibly, to draw one plot and
# to leave the device's settings alone.
expect_drawn <- function(code, width = 7, height = 7) {
  local_null_device(width, height)
  graphics::par(mar = min(width, height) * c(0.1, 0.2, 0.3, 0.4), mfrow = c(1, 2))
  plots <- 0
  withr::local_options(warn = 2)
  before <- graphics::par(no.readonly = TRUE)
  graphics::plot.new()
  result <- withVisible(code)
  after <- graphics::par(no.readonly = TRUE)
  changed <- c("mar", "mfrow", "oma", "cex", "xpd", "col", "lty", "lwd", "ps", "family")
  testthat::expect_identical(after[changed], before[changed])
  # the second panel
  testthat::expect_identical(after$mfg[1:2], c(1L, 2L))
  testthat::expect_false(result$visible)
  result$value
}

# A snapshot without the pixels of its images, whose bytes are those of a compression.
expect_picture <- function(title, draw) {
  testthat::announce_snapshot_file(name = paste0(title, ".svg"))
  if (!rlang::is_installed("vdiffr")) keep_pictures()
  testthat::skip_if_not_installed("vdiffr")
  vdiffr::expect_doppelganger(title, draw, writer = function(plot, file, title = "") {
    vdiffr::write_svg(plot, file, title)
    writeLines(gsub("base64,[^']*'", "base64,'", readLines(file)), file)
  })
}

# A test that is skipped has not named all of its pictures, and testthat deletes what is not named.
keep_pictures <- function() {
  for (file in list.files(testthat::test_path("_snaps"), "[.]svg$", recursive = TRUE)) {
    testthat::announce_snapshot_file(name = basename(file))
  }
}
