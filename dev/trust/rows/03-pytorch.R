# Random configurations of every layer, beside PyTorch: the output and all gradients, and what is
# refused. Integers are compared exactly, other numbers with the largest sum of moduli of the terms.

source("dev/trust/row.R")
source_test_helpers()

python <- "/usr/bin/python3"
chunk <- 500

# ---- cases ----

# Layers of real and complex data, and of one real and one complex operand; empty batches; data of
# integers; as a function and as a module; by both algorithms that promise "direct" or better.
draw_case <- function(id, case = random_case(pick(layers))) {
  if (length(case$batch) && stats::runif(1) < 0.02) case$batch <- 0
  case$id <- id
  case$data <- pick(c("normal", "integer"))
  case$mixed <- pick(list(c(TRUE, TRUE), c(TRUE, FALSE), c(FALSE, TRUE), c(FALSE, FALSE)))[[1]]
  case$form <- pick(c("function", "module"))
  case$algorithm <- pick(c("auto", "direct"))
  case
}

# Many channels and three taps: Winograd's algorithm where it pays, and whole tiles of every kernel.
draw_large_case <- function(id) {
  layer <- pick(layers)
  n <- layer_rank(layer)
  draw_case(id, random_case(
    layer, groups = 1, c_in = pick(16:40), c_out = pick(16:40), kernel = 3, stride = 1,
    dilation = 1,
    output_padding = 0, size = pick(4:c(150, 18, 7)[n], n), most = 2e7
  ))
}

draw_operands <- function(case) {
  complex <- if (is_complex(case$dtype)) case$mixed else c(FALSE, FALSE)
  random_operands(case, case$data, complex)
}

# A spoiled case is a good one with a field or an array that may not fit the others.
spoilers <- list(
  kernel = function(case, x) spoil_weight(case, x, c(0, 0, rep(pick(4:9), n_spatial(case)))),
  first_channels = function(case, x) spoil_weight(case, x, c(1, 0 * case$size, 0)),
  second_channels = function(case, x) spoil_weight(case, x, c(0, 1, 0 * case$size)),
  groups = function(case, x) list(utils::modifyList(case, list(groups = pick(2:4))), x),
  channels = function(case, x) spoil_input(case, x, c(pick(1:2), 0 * case$size)),
  size = function(case, x) spoil_input(case, x, c(0, pick(1:2) - case$size)),
  rank = function(case, x) {
    x$input <- array(x$input, pick(list(c(1, 1, dim(x$input)), length(x$input)))[[1]])
    list(case, x)
  },
  bias = function(case, x) {
    x$bias <- rep(1, case$c_out + 1)
    list(case, x)
  },
  stride = function(case, x) spoil_field(case, x, "stride", 0),
  dilation = function(case, x) spoil_field(case, x, "dilation", 0),
  padding = function(case, x) spoil_field(case, x, "padding", pick(c(-1, 4:9))),
  output_padding = function(case, x) spoil_field(case, x, "output_padding", pick(c(-1, 1:4)))
)

spoil_field <- function(case, x, field, value) {
  case[[field]] <- rep_len(value, n_spatial(case))
  list(case, x)
}

spoil_weight <- function(case, x, more) {
  x$weight <- random_array(dim(x$weight) + more, case$data, is.complex(x$weight))
  list(case, x)
}

spoil_input <- function(case, x, more) {
  dim <- pmax(1, dim(x$input) + c(0 * case$batch, more))
  x$input <- random_array(dim, case$data, is.complex(x$input))
  list(case, x)
}

# Where PyTorch looks: hardly at empty batches; padding modes of a conv are pads before it.
may_spoil <- function(case, name) {
  if (identical(case$batch, 0)) return(FALSE)
  switch(name,
    output_padding = is_transposed(case),
    stride = !identical(case$padding, "same"),
    padding = case$padding_mode == "zeros",
    TRUE
  )
}

# ---- our answers ----

our_answers <- function(case, x) {
  old <- options(nnconv.algorithm = case$algorithm, nnconv.threads = pick(1:2))
  on.exit(options(old))
  if (case$form == "function") {
    needs <- c("input", "weight", if (!is.null(x$bias)) "bias")
    gradients <- if (!is.null(x$grad_output)) backward(case, x, needs = needs)
    return(c(list(output = forward(case, x)), as_grads(gradients)))
  }
  m <- case_module(case, x)
  y <- if (is_transposed(case)) {
    m(x$input, output_size = if (length(case$batch)) output_dim(case) else output_size(case))
  } else {
    m(x$input)
  }
  input <- m$backward(x$grad_output)
  c(list(output = y), as_grads(c(list(input = input), m$grad)))
}

as_grads <- function(gradients) {
  if (length(gradients)) names(gradients) <- paste0("grad_", names(gradients))
  Filter(Negate(is.null), gradients)
}

# A case with its operands and our answers, or the words with which we refuse it.
good_case <- function(id, case = draw_case(id)) {
  x <- draw_operands(case)
  list(case = case, x = x, answers = our_answers(case, x))
}

spoiled_case <- function(id) {
  repeat {
    case <- draw_case(id)
    name <- pick(names(spoilers))
    if (may_spoil(case, name)) break
  }
  case$form <- "function"
  spoiled <- spoilers[[name]](case, draw_operands(case))
  case <- spoiled[[1]]
  x <- spoiled[[2]]
  x["grad_output"] <- list(NULL)
  y <- tryCatch(forward(case, x), nnconv_error = identity)
  if (inherits(y, "error")) {
    return(list(case = case, x = x, refused = paste0(name, ": ", conditionMessage(y))))
  }
  x$grad_output <- random_array(dim(y), case$data, is.complex(y))
  list(case = case, x = x, answers = our_answers(case, x))
}

pad_case <- function(id) {
  mode <- pick(c("constant", "constant", "reflect", "replicate", "circular"))
  dims <- pick(1:3)
  rank <- if (mode == "constant") dims + pick(0:2) else dims + pick(1:2)
  complex <- pick(c(TRUE, FALSE))
  case <- list(
    id = id, mode = mode, pad = pick((if (mode == "constant") -2 else 0):4, 2 * dims),
    value = if (mode == "constant") pick(-1:2) else 0
  )
  x <- list(input = random_array(pick(1:5, rank), "normal", complex))
  y <- tryCatch(nnf_pad(x$input, case$pad, mode, case$value), nnconv_error = identity)
  if (inherits(y, "error")) return(list(case = case, x = x, refused = conditionMessage(y)))
  list(case = case, x = x, answers = list(output = y))
}

# ---- what PyTorch gets ----

as_text <- function(x) {
  if (is.list(x)) {
    return(paste(vapply(x, paste, "", collapse = ":"), collapse = "x"))
  }
  paste(x, collapse = "x")
}

layer_fields <- c("id", "layer", "groups", "stride", "padding", "dilation", "output_padding",
  "padding_mode", "dtype")
pad_fields <- c("id", "mode", "pad", "value")

write_cases <- function(tried, fields, folder) {
  rows <- lapply(tried, function(one) lapply(one$case[fields], as_text))
  rows <- do.call(rbind.data.frame, rows)
  utils::write.csv(rows, file.path(folder, "cases.csv"), row.names = FALSE)
}

# A complex dtype makes real operands complex. A function does not know what the bias was.
torch_operands <- function(one) {
  case <- one$case
  x <- Filter(Negate(is.null), one$x)
  if (is.null(case$dtype)) return(x)
  any_complex <- any(vapply(x, is.complex, NA))
  lifts <- is_complex(case$dtype) | (any_complex & names(x) == "bias" & case$form == "function")
  Map(function(array, lift) if (lift) array + 0i else array, x, lifts)
}

take_apart <- function(x) c(rbind(as.vector(Re(x)), as.vector(Im(x))))

write_operands <- function(tried, folder) {
  operands <- lapply(tried, torch_operands)
  arrays <- unlist(operands, FALSE)
  flat <- lapply(arrays, function(x) if (is.complex(x)) take_apart(x) else as.vector(x))
  index <- data.frame(
    id = rep(vapply(tried, function(one) one$case$id, ""), lengths(operands)),
    part = unlist(lapply(operands, names)),
    dim = vapply(arrays, function(x) as_text(if (is.null(dim(x))) length(x) else dim(x)), ""),
    complex = as.integer(vapply(arrays, is.complex, NA)),
    offset = cumsum(c(0, lengths(flat)))[seq_along(flat)]
  )
  index$offset <- format(index$offset, scientific = FALSE, trim = TRUE)
  utils::write.csv(index, file.path(folder, "operands.csv"), row.names = FALSE, quote = FALSE)
  writeBin(as.double(unlist(flat)), file.path(folder, "operands.bin"), endian = "little")
}

ask_torch <- function(tried, fields) {
  folder <- tempfile("torch")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  write_cases(tried, fields, folder)
  write_operands(tried, folder)
  status <- system2(python, c("-W", "ignore", "dev/trust/torch_answers.py", folder))
  if (status != 0) stop("PyTorch's side failed")
  read <- function(name) utils::read.csv(file.path(folder, name), colClasses = "character")
  file <- file(file.path(folder, "answers.bin"), "rb")
  on.exit(close(file), add = TRUE)
  scales <- read("scales.csv")
  refused <- read("refused.csv")
  list(
    answers = read_arrays(read("answers.csv"), file),
    scales = split(stats::setNames(as.numeric(scales$scale), scales$part), scales$id),
    refused = stats::setNames(refused$words, refused$id)
  )
}

# ---- comparing ----

worst <- c(float64 = 0, float32 = 0)

# NULL, or how an array differs from PyTorch's.
difference <- function(case, part, ours, theirs, scale) {
  if (is.null(dim(ours))) dim(ours) <- length(ours)
  if (!identical(dim(ours), dim(theirs))) return(paste(part, "of another dim"))
  if (is.complex(ours) != is.complex(theirs)) return(paste(part, "is complex in one alone"))
  if (length(ours) == 0) return()
  error <- max(Mod(ours - theirs))
  if (identical(case$data, "integer") || !is.null(case$mode)) {
    return(if (!identical(c(ours), c(theirs))) paste(part, "differs by", error))
  }
  precision <- if (is_single(case$dtype)) "float32" else "float64"
  relative <- error / max(scale, .Machine$double.xmin)
  worst[[precision]] <<- max(worst[[precision]], relative, na.rm = TRUE)
  if (!isTRUE(relative <= c(float64 = 1e-12, float32 = 1e-5)[[precision]])) {
    paste(part, "differs by", relative)
  }
}

problems_of <- function(one, torch) {
  id <- one$case$id
  they_refuse <- id %in% names(torch$refused)
  if (!is.null(one$refused)) {
    return(if (!they_refuse) paste("only we refuse:", one$refused))
  }
  if (they_refuse) return(paste("only PyTorch refuses:", torch$refused[[id]]))
  theirs <- torch$answers[[id]]
  if (!setequal(names(one$answers), names(theirs))) return("other gradients")
  unlist(lapply(names(theirs), function(part) {
    difference(one$case, part, one$answers[[part]], theirs[[part]], torch$scales[[id]][part])
  }))
}

compare <- function(part, n, draw, fields, figure = function() "") {
  counter <- new_counter()
  both_refuse <- 0
  while (n > 0) {
    tried <- lapply(sprintf("case-%d", seq_len(min(n, chunk))), draw)
    torch <- ask_torch(tried, fields)
    for (one in tried) {
      problems <- problems_of(one, torch)
      counter$check(is.null(problems), toString(problems), case_label(one$case))
      both_refuse <- both_refuse + !is.null(one$refused)
    }
    n <- n - length(tried)
  }
  counter$report(part, paste0(figure(), if (both_refuse) paste(both_refuse, "refused by both")))
}

seed <- as.integer(Sys.getenv("NNCONV_TRUST_SEED", "1"))
cat("seed", seed, "\n")
set.seed(seed)
large_case <- function(id) good_case(id, draw_large_case(id))
worst_differences <- function() {
  sprintf("worst %.1e in float64, %.1e in float32", worst[[1]], worst[[2]])
}
compare("values and gradients", how_many(10000, 500), good_case, layer_fields)
compare("many channels", how_many(1000, 50), large_case, layer_fields, worst_differences)
compare("what does not fit", how_many(3000, 300), spoiled_case, layer_fields)
compare("nnf_pad", how_many(2000, 200), pad_case, pad_fields)
