# Text that several help pages share. Called by roxygen2 when the pages are made, and by nothing
# else.

rd_input <- function() {
  paste(
    "A numeric (double, integer or logical) or complex array `(N, in_channels, spatial...)`, or",
    "unbatched `(in_channels, spatial...)`. A vector or matrix needs a `dim` first: [to_nchw()].",
    "`N` may be 0."
  )
}

rd_per_dimension <- function(range) {
  paste0(
    "Whole numbers, ", range, ": one for all spatial dimensions, or one each, first dimension ",
    "first."
  )
}

rd_padding <- function() {
  paste(
    "How many pixels are added at the ends of each spatial dimension: one whole number, or one per",
    "dimension, first dimension first; a list of one `c(before, after)` pair per dimension;",
    "`\"valid\"` (none); `\"same\"` (the output is as large as the input; stride 1 only; an odd",
    "one goes after); or, in 1d, `\"causal\"` (all before; no output sees a later input, unless",
    "`padding_mode` is `\"reflect\"` or `\"circular\"`, which take what stands before from there)."
  )
}

rd_transpose_padding <- function() {
  paste(
    "How many pixels are cut from the ends of each spatial dimension of the output: one whole",
    "number, or one per dimension, first dimension first, or a list of one `c(before, after)` pair",
    "per dimension."
  )
}

rd_output_padding <- function() {
  paste(
    "How many pixels larger the output is made, at each dimension's end.",
    rd_per_dimension("less than `stride` or `dilation`")
  )
}

rd_padding_mode <- function() {
  paste(
    "What padding pixels are: `\"zeros\"` (terms that are left out), `\"reflect\"` (the mirror",
    "image without the edge; padding less than the size), `\"replicate\"` (the edge) or",
    "`\"circular\"` (the other end; padding at most the size)."
  )
}

rd_dtype <- function() {
  paste(
    "`\"float64\"` or `\"float32\"`: the precision of the arithmetic; arrays stay R doubles.",
    "`\"complex128\"` or `\"complex64\"`: the same two, with a complex result even for real data.",
    "Complex data make the result complex under each of them."
  )
}

rd_output_size <- function() {
  paste(
    "In each spatial dimension, with `before` and `after` for the padding at its two ends,",
    "\\deqn{out = \\left\\lfloor \\frac{in + before + after - dilation (kernel - 1) - 1}{stride}",
    "\\right\\rfloor + 1}{out = floor((in + before + after - dilation * (kernel - 1) - 1) /",
    "stride) + 1}",
    sep = "\n"
  )
}

rd_transpose_output_size <- function() {
  paste(
    "In each spatial dimension, with `before` and `after` for the padding at its two ends,",
    "\\deqn{out = (in - 1) stride - before - after + dilation (kernel - 1) + output\\_padding",
    "+ 1}{out = (in - 1) * stride - before - after + dilation * (kernel - 1) + output_padding + 1}",
    sep = "\n"
  )
}

rd_errors <- function() {
  paste(
    "Errors are conditions of class `nnconv_error` and one of `nnconv_type_error` (an argument of",
    "the wrong kind), `nnconv_value_error` (a wrong number of values, or a value out of range) and",
    "`nnconv_shape_error` (arrays that do not fit each other or the other arguments). A call that",
    "fails changes nothing.",
    sep = "\n"
  )
}

rd_references <- function(torch_name) {
  paste0(
    "Dumoulin and Visin (2016). *A guide to convolution arithmetic for deep learning*. ",
    "\\doi{10.48550/arXiv.1603.07285}\n\n",
    "PyTorch's documentation of `", torch_name, "`, whose definitions are followed."
  )
}

# A picture of man/figures; `alt` says in words what it shows.
rd_picture <- function(name, alt) {
  file <- paste0("\\figure{", name, ".png}")
  paste0(
    "\\if{html}{", file, "{options: width=\"720\" alt=\"", alt, "\"}}",
    "\\if{latex}{", file, "{options: width=13cm}}"
  )
}

rd_arguments_picture <- function() {
  rd_picture("conv-arguments", paste(
    "What kernel size, padding, stride, dilation and padding mode do: the input below, the output",
    "above, and the window of one output"
  ))
}

rd_transposed_picture <- function() {
  rd_picture("transposed-arguments", paste(
    "What kernel size, stride, padding and output padding of a transposed layer do: the input,",
    "spread out, below, the output above, and the window of one output"
  ))
}

rd_field_picture <- function() {
  rd_picture("receptive-field", paste(
    "The receptive field of four causal layers as a pyramid, and of three layers of 3x3 kernels as",
    "nested frames"
  ))
}
