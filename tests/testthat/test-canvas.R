test_that("colours are white at 0 and as strong on both sides", {
  scale <- signed_scale(c(-1, 2, NA))
  expect_identical(scale$limits, c(-2, 2))
  expect_true(scale$missing)
  colours <- colours_of(matrix(c(-2, 0, 2, 1, NA, Inf), 2), scale)
  expect_identical(dim(colours), c(2L, 3L))
  expect_identical(colours[1:3], c("#2166AC", "#FFFFFF", "#B2182B"))
  expect_identical(colours[5:6], rep(missing_colour, 2))
  expect_identical(signed_scale(c(0, 0))$limits, c(-1, 1))
  expect_identical(signed_scale(c(NaN, -Inf))$limits, c(-1, 1))
  expect_false(signed_scale(1)$missing)
})

test_that("a range is scaled from its least value to its largest", {
  scale <- range_scale(c(3, 5, NA, -Inf), c("a", "b", "c"))
  expect_identical(scale$limits, c(3, 5))
  expect_identical(colours_of(c(3, 4, 5, NA), scale), c("a", "b", "c", missing_colour))
  constant <- range_scale(c(7, 7), "a")
  expect_identical(constant$marks, 7)
  expect_true(diff(constant$limits) > 0)
  expect_true(diff(range_scale(NA_real_, "a")$limits) > 0)
  marked <- range_scale(c(1, 2, NA), c("a", "b"), na_colour = "c")
  expect_identical(colours_of(c(NA, 1), marked), c("c", "a"))
  expect_identical(colours_of(c(7, 7), range_scale(c(7, 7), c("a", "b", "c"))), c("b", "b"))
})

test_that("the tiles of a sheet lie in the box, in order, and do not overlap", {
  box <- box_of(1, 2, 7, 5)
  sizes <- list(c(1, 1), c(8, 3), c(64, 1), c(1, 64), c(3, 40), c(17, 17))
  for (size in sizes) for (extent in list(c(3, 3), c(20, 2), c(1, 1))) {
    rows <- size[[1]]
    columns <- size[[2]]
    sheet <- sheet_of(rows, columns, extent, box, c(0.1, 0.1))
    expect_identical(dim(sheet$left), as.integer(size))
    expect_equal(sheet$size[[1]] / sheet$size[[2]], extent[[1]] / extent[[2]])
    right <- sheet$left + sheet$size[[1]]
    bottom <- sheet$top - sheet$size[[2]]
    expect_true(all(sheet$left >= 1.1 - 1e-9) && all(right <= 7 + 1e-9))
    expect_true(all(bottom >= 2 - 1e-9) && all(sheet$top <= 4.9 + 1e-9))
    overlap <- outer(c(sheet$left), c(right), "<") & t(outer(c(sheet$left), c(right), "<")) &
      outer(c(bottom), c(sheet$top), "<") & t(outer(c(bottom), c(sheet$top), "<"))
    expect_equal(sum(overlap), rows * columns)
    # Neighbours follow to the right and below, but where a strip or a band begins.
    if (columns > 1) {
      goes_on <- sheet$left[, -1] > sheet$left[, -columns]
      expect_true(all(goes_on | sheet$starts[, -1]))
    }
    if (rows > 1) {
      goes_on <- sheet$top[-1, ] < sheet$top[-rows, ]
      expect_true(all(goes_on | sheet$tops[-1, ]))
    }
  }
})

test_that("sheets of many rows or columns are cut, so that tiles are large", {
  box <- box_of(0, 0, 6, 4)
  expect_gt(sheet_of(64, 1, c(3, 3), box, c(0, 0))$size[[1]], 0.4)
  expect_gt(sheet_of(1, 64, c(3, 3), box, c(0, 0))$size[[1]], 0.4)
  expect_gt(sheet_of(64, 3, c(7, 7), box, c(0, 0))$size[[1]], 0.2)
})

test_that("labels have the room that they need", {
  expect_identical(label_choice(5, pitch = 1, room = 0.5), 1:5)
  expect_identical(label_choice(6, pitch = 1, room = 1.5), c(2L, 4L, 6L))
  expect_identical(label_choice(12, pitch = 1, room = 4), c(1L, 5L, 10L))
  for (n in c(1, 2, 10, 1000)) expect_lte(max(label_choice(n, 0.01, 0.2)), n)
})

test_that("boxes are split without a rest, and never vanish", {
  box <- box_of(0, 0, 3, 2)
  across <- split_across(box, c(1, 2))
  expect_identical(across[[1]]$left, 0)
  expect_equal(across[[2]]$right, 3)
  expect_gt(across[[2]]$left, across[[1]]$right)
  down <- split_down(box, c(1, 1))
  expect_equal(down[[1]]$top, 2)
  expect_equal(down[[2]]$bottom, 0)
  expect_gt(down[[1]]$bottom, down[[2]]$top)
  expect_gt(take_top(box, 9)$top, box$bottom)
  expect_lt(take_bottom(box, 9)$bottom, box$top)
  expect_lt(take_left(box, 9)$left, box$right)
})

test_that("texts shrink until they fit", {
  local_null_device(4, 4)
  graphics::plot.new()
  graphics::plot.window(c(0, 4), c(0, 4), xaxs = "i", yaxs = "i")
  long <- strrep("long ", 20)
  cex <- fitting_cex(long, 2, 1)
  expect_gt(text_width(long, 1), 2)
  expect_lte(text_width(long, cex), 2)
  expect_identical(fitting_cex("a", 2, 0.8), 0.8)
})

test_that("titles are broken over lines rather than made small", {
  local_null_device(6, 4)
  graphics::par(mar = c(0, 0, 0, 0))
  graphics::plot.new()
  graphics::plot.window(c(0, 6), c(0, 4), xaxs = "i", yaxs = "i")
  box <- box_of(0, 0, 4.5, 4)
  title_of <- function(text, box) fitting_title(text, box, 1.1, 2L)
  expect_identical(title_of("short", box), list(text = "short", cex = 1.1))
  call <- paste(
    "nn_conv_transpose2d(16, 32, kernel_size = c(3, 5), stride = c(2, 1),",
    "padding = list(c(1, 2), c(0, 1)), output_padding = c(1, 0), dtype = \"complex64\")"
  )
  for (text in c(call, paste(rep("words", 20), collapse = " "), paste0("one line\n", call))) {
    title <- title_of(text, box)
    expect_equal(title$cex, 0.88)
    expect_lte(graphics::strwidth(title$text, cex = title$cex, font = 2L), 4.5)
    expect_gt(length(strsplit(title$text, "\n")[[1]]), 1)
    expect_identical(gsub("\n", " ", title$text), gsub("\n", " ", text))
  }
  expect_match(title_of(paste0("one line\n", call), box)$text, "^one line\n")
  # a word that is too wide, and a box that is too low
  wide <- title_of(strrep("a", 90), box)
  expect_lt(wide$cex, 0.88)
  expect_lte(graphics::strwidth(wide$text, cex = wide$cex, font = 2L), 4.5)
  low <- title_of(call, box_of(0, 0, 4.5, 0.5))
  expect_lt(title_height(low$text, low$cex, 2L), 0.25)
})
