# The examples of every help page give what their comments show.

# A list of expressions, each with the lines that are said to follow it.
examples_of <- function(page) {
  file <- withr::local_tempfile()
  tools::Rd2ex(page, file)
  if (!file.exists(file)) return(list())
  lines <- readLines(file)
  code <- parse(text = lines, keep.source = TRUE)
  last <- vapply(attr(code, "srcref"), function(ref) as.integer(ref)[[3]], 0L)
  Map(function(expression, line) {
    following <- lines[-seq_len(line)]
    shown <- following[cumall(startsWith(following, "#>"))]
    list(code = expression, shown = sub("^#> ?", "", shown))
  }, as.list(code), last)
}

# Packages that are only suggested, which examples ask for.
asked_for <- function(examples) {
  code <- unlist(lapply(examples, function(example) deparse(example$code)))
  asking <- regmatches(code, regexpr("(?<=requireNamespace\\(\")[^\"]+", code, perl = TRUE))
  unique(asking)
}

cumall <- function(x) cumprod(x) == 1

pages <- tools::Rd_db("nnconv")

for (name in names(pages)) {
  test_that(paste("the examples of", name, "show their results"), {
    withr::local_options(nnconv.threads = NULL, nnconv.algorithm = NULL, width = 80)
    withr::local_seed(1)
    grDevices::pdf(NULL)
    withr::defer(grDevices::dev.off())
    examples <- examples_of(pages[[name]])
    expect_gt(length(examples), 0)
    for (package in asked_for(examples)) skip_if_not_installed(package)
    environment <- new.env(parent = globalenv())
    for (example in examples) {
      printed <- utils::capture.output({
        result <- withVisible(eval(example$code, environment))
        if (result$visible) print(result$value)
      })
      expect_identical(trimws(printed, "right"), trimws(example$shown, "right"))
    }
  })
}
