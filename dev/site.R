# Builds the site into build/site with pkgdown, from a copy of the package. From the root of the
# repository, with nnconv installed: Rscript dev/site.R
#
# The pages need no network: pkgdown/templates names no address outside the site, and KaTeX is
# copied from the system.

copy <- file.path("build", "site-source")
site <- file.path(normalizePath("build"), "site")
unlink(c(copy, site), recursive = TRUE)
dir.create(copy)
parts <- c(
  "DESCRIPTION", "NAMESPACE", "LICENSE", "LICENSE.md", "README.md", "NEWS.md", "R", "man", "inst",
  "vignettes", "pkgdown"
)
invisible(file.copy(parts, copy, recursive = TRUE))
# Parts of it are shown on a page
dir.create(file.path(copy, "tests"))
invisible(file.copy("tests/downstream", file.path(copy, "tests"), recursive = TRUE))

rewrite <- function(file, change) writeLines(change(readLines(file)), file)

# Examples are run, so what their comments say of the results is said by the results themselves
for (page in list.files(file.path(copy, "man"), "[.]Rd$", full.names = TRUE)) {
  rewrite(page, function(lines) lines[!startsWith(lines, "#>")])
}

# README's links to sources are links to pages here
rewrite(file.path(copy, "README.md"), function(lines) {
  lines <- sub("(NEWS.md)", "(news/index.html)", lines, fixed = TRUE)
  gsub("\\(vignettes/([a-z-]+)[.]Rmd\\)", "(articles/\\1.html)", lines)
})

options(pkgdown.internet = FALSE)
pkgdown::build_site(
  copy,
  override = list(destination = site), preview = FALSE, install = FALSE, new_process = FALSE
)
invisible(file.copy("/usr/share/javascript/katex", site, recursive = TRUE))

# pkgdown shows a picture of no source where there is no logo
for (page in list.files(site, "[.]html$", recursive = TRUE, full.names = TRUE)) {
  rewrite(page, function(lines) gsub('<img src="" class="logo" alt="">', "", lines, fixed = TRUE))
}
