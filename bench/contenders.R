# A row of shapes.csv as calls: nnconv's here, PyTorch's in bench/torch_times.py. `form` is
# "functional" or "module", `dtype` is "float64" or "float32".

numbers <- function(text) as.numeric(strsplit(text, "x")[[1]])

is_transposed <- function(shape) grepl("transpose", shape$layer)

n_dim <- function(shape) as.integer(sub(".*([123])d$", "\\1", shape$layer))

weight_dim <- function(shape) {
  channels <- as.integer(c(shape$c_out, shape$c_in))
  if (is_transposed(shape)) channels <- rev(channels)
  kernel <- rep_len(numbers(shape$kernel), n_dim(shape))
  c(channels[1], channels[2] %/% as.integer(shape$groups), kernel)
}

# What a user would write: arguments that are not at their defaults.
arguments_of <- function(shape, dtype) {
  defaults <- c(stride = "1", padding = "0", dilation = "1", groups = "1", output_padding = "0")
  written <- unlist(shape[names(defaults)])
  written <- written[written != defaults]
  c(lapply(written, numbers), if (dtype != "float64") list(dtype = dtype))
}

call_to <- function(name, ..., arguments) as.call(c(as.name(name), ..., arguments))

nnconv_call <- function(shape, dtype, what, form) {
  if (form == "module") {
    return(switch(what,
      forward = quote(m(x)),
      training = quote({
        m(x)
        m$backward(ones)
        m$zero_grad()
      })
    ))
  }
  arguments <- arguments_of(shape, dtype)
  name <- paste0("nnf_", shape$layer)
  forward <- call_to(name, quote(x), quote(w), quote(b), arguments = arguments)
  if (what == "forward") return(forward)
  name <- paste0(name, "_backward")
  backward <- call_to(name, quote(ones), quote(x), quote(w), arguments = arguments)
  call("{", forward, backward)
}

new_module <- function(shape, dtype) {
  sizes <- list(as.integer(shape$c_in), as.integer(shape$c_out), numbers(shape$kernel))
  make <- paste0("nn_", shape$layer)
  eval(call_to(make, sizes, arguments = arguments_of(shape, dtype)))
}

# `x`, `w`, `b` of a shape, and `ones` for the gradient of the output.
shape_data <- function(shape) {
  data <- new.env(parent = globalenv())
  values <- stats::rnorm(1e5)
  data$x <- array(values, c(as.integer(shape$batch), as.integer(shape$c_in), numbers(shape$`in`)))
  data$w <- array(values, weight_dim(shape))
  data$b <- stats::rnorm(as.integer(shape$c_out))
  output <- eval(nnconv_call(shape, "float64", "forward", "functional"), data)
  data$ones <- array(1, dim(output))
  data
}

# Billions of operations of a call, of which the gradients are two thirds.
gflop <- function(shape, data, what) {
  pixels <- if (is_transposed(shape)) data$x else data$ones
  forward <- 2e-9 * as.numeric(shape$batch) * length(data$w) * prod(dim(pixels)[-(1:2)])
  if (what == "forward") forward else 3 * forward
}

nnconv_contender <- function(shape, data, dtype, what, form, n_threads) {
  if (form == "module") {
    data <- list2env(as.list(data), parent = globalenv())
    data$m <- new_module(shape, dtype)
  }
  calls <- repeated(nnconv_call(shape, dtype, what, form), data)
  turn <- on_threads(n_threads, contender(calls))
  function() on_threads(n_threads, turn())
}

# `expression` is evaluated here, after the number is set.
on_threads <- function(n_threads, expression) {
  options(nnconv.threads = n_threads)
  expression
}

# nnconv and PyTorch in double and single precision, on each number of threads.
contenders <- function(shape, data, what, form, n_threads) {
  dtypes <- c("float64", "float32")
  ours <- lapply(dtypes, function(dtype) {
    nnconv_contender(shape, data, dtype, what, form, n_threads)
  })
  theirs <- if (!is.null(torch)) lapply(dtypes, function(dtype) {
    torch_contender(shape, dtype, what, form, n_threads)
  })
  all <- c(ours, theirs)
  stats::setNames(all, sides[seq_along(all)])
}

sides <- c("nnconv_f64", "nnconv_f32", "torch_f64", "torch_f32")

# The four times of a call on each number of threads, a row each; NA where there is no PyTorch.
times_of <- function(shape, data, what, form, threads) {
  gc()
  all <- lapply(threads, function(n) contenders(shape, data, what, form, n))
  times <- in_turn(unlist(stats::setNames(all, threads)))
  times <- times[outer(threads, sides, paste, sep = ".")]
  matrix(times, length(threads), dimnames = list(NULL, sides))
}

# ---- PyTorch ----

# A process with PyTorch for each number of threads; NULL, and why, where it is not there.
start_torch <- function() {
  about <- said_by(settings$python, "bench/torch_times.py")
  if (length(about) != 2) {
    message(
      settings$python, " has no torch: no times beside PyTorch's. ",
      "On Debian: apt-get install python3-torch libopenblas0-openmp"
    )
    return(NULL)
  }
  if (!grepl("openblas|mkl|blis|atlas", about[2], ignore.case = TRUE)) {
    message(
      "PyTorch computes in double precision by ", about[2], ", which is slow for this. ",
      "On Debian a fast one is: apt-get install libopenblas0-openmp"
    )
  }
  processes <- lapply(settings$threads, start_torch_process)
  structure(stats::setNames(processes, settings$threads), version = about[1], blas = about[2])
}

start_torch_process <- function(n_threads) {
  server <- NULL
  while (is.null(server)) {
    port <- sample(20000:60000, 1)
    server <- tryCatch(serverSocket(port), error = function(e) NULL)
  }
  on.exit(close(server))
  system2(
    settings$python, c("bench/torch_times.py", port, n_threads, settings$seconds),
    env = paste0("OMP_NUM_THREADS=", n_threads), wait = FALSE
  )
  socketAccept(server, blocking = TRUE, open = "r+", timeout = 120)
}

torch_contender <- function(shape, dtype, what, form, n_threads) {
  fields <- c(
    "layer", "batch", "c_in", "c_out", "groups", "in", "kernel", "stride", "padding", "dilation",
    "output_padding"
  )
  request <- paste(c(dtype, what, form, unlist(shape[fields])), collapse = ",")
  process <- torch[[as.character(n_threads)]]
  function() {
    writeLines(request, process)
    answer <- readLines(process, 1)
    if (!length(answer)) stop("PyTorch's process ended at ", request, call. = FALSE)
    as.numeric(answer)
  }
}
