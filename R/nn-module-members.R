# What `m$name`, `m[["name"]]` and their assignments do: the table of a module's members. Methods
# are found here, in the namespace, at each access, and never in the module.

#' Modules: what a layer can do
#'
#' A layer made by [nn_conv2d()], [nn_conv_transpose2d()] and their like is a module: a function
#' that keeps its weights. It has reference semantics, as in torch: a second name for a module is
#' the same module, and what one changes the other sees. `m$clone()` makes another.
#'
#' @section Calls:
#' \describe{
#'   \item{`m(input)`, `m$forward(input)`}{The output. In training mode, as a new module is, the
#'     input is remembered for `m$backward()`; a call that fails leaves the last one remembered.
#'     A transposed layer also takes `output_size`, see [nn_conv_transpose2d()].}
#'   \item{`predict(m, newdata)`}{The output, whatever the mode, and nothing is remembered. In
#'     batches, for any number of samples, see [predict()][predict.nnconv_module].}
#' }
#'
#' @section Fields:
#' \describe{
#'   \item{`m$weight`, `m$bias`}{The parameters: plain arrays, which can be assigned. What is
#'     assigned must have the shape that is there, and may be real or complex. It reads back as it
#'     was given, also in single precision. `m$bias <- NULL` takes the bias away.}
#'   \item{`m$grad`}{The gradients that `m$backward()` has added up: a list of `weight` and `bias`,
#'     both `NULL` at first.}
#'   \item{`m$training`}{Whether the module is in training mode.}
#'   \item{`m$in_channels`, `m$out_channels`, `m$kernel_size`, `m$stride`, `m$padding`,
#'     `m$output_padding`, `m$dilation`, `m$groups`, `m$padding_mode`, `m$dtype`}{What the module
#'     was made with; numbers per spatial dimension are given for each.}
#' }
#' `m[["weight"]]` is `m$weight`, and `names(m)` lists fields and methods. Names are never
#' completed: an unknown one is an error.
#'
#' @section Methods:
#' \describe{
#'   \item{`m$backward(grad_output, input = NULL, needs = c("input", "weight", "bias"))`}{The
#'     gradient with respect to the input, given the one with respect to the output, for the
#'     remembered input (or `input`) and the weights as they are now. Adds the gradients of weight
#'     and bias into `m$grad`. What `needs` leaves out is not computed, and without `"input"` the
#'     result is `NULL`.}
#'   \item{`m$zero_grad()`}{Empties `m$grad` and forgets the remembered input.}
#'   \item{`m$train(mode = TRUE)`, `m$eval()`}{Switches training mode on or off. Off also forgets
#'     the remembered input.}
#'   \item{`m$parameters`}{A list of `weight` and, if there is one, `bias`. `coef(m)` is the same.}
#'   \item{`m$state_dict(prefix = "")`}{The same, with `prefix` before each name.}
#'   \item{`m$load_state_dict(state, strict = TRUE, prefix = "")`}{Takes the parameters from such a
#'     list, after all of it was checked. With `strict`, the names that start with `prefix` must be
#'     just those of the module.}
#'   \item{`m$reset_parameters()`}{Draws weight and bias anew, as when the module was made.}
#'   \item{`m$clone(deep = TRUE)`}{A module of its own with the same data, but no remembered input.
#'     `deep` is for torch's sake: R's arrays are values, and a shallow clone is no different.}
#' }
#' `zero_grad`, `train`, `eval`, `load_state_dict` and `reset_parameters` return the module,
#' invisibly.
#'
#' @section Saving:
#' `saveRDS()`, `serialize()` and a trip to a parallel worker keep everything but the remembered
#' input. What is saved is data, no code: a module runs the code of the version of nnconv that loads
#' it. Weights alone, for or from other programs, are written and read by [conv_write_safetensors()]
#' and [conv_read_safetensors()].
#'
#' @section Summary:
#' `summary()` tells the range of the parameters and the receptive field (see [receptive_field()]);
#' with `input_dim` also the dimension of the output and the multiply-adds of a call. These are, as
#' is usual, the weights times the pixels of the output (of a transposed layer: of the input) and
#' the samples, those of taps on padding included, bias left out. A complex multiply-add counts
#' once.
#'
#' @section Picture:
#' `plot()` draws all kernels as tiles, blue below 0, white at 0, red above, grey where a weight is
#' not finite: a row for each output channel and a column for each input channel of its group (a
#' transposed layer: the other way round). Many rows are cut into strips side by side, and many
#' columns into bands. 1d kernels are strips, the slices of 3d kernels lie side by side, and
#' complex weights are drawn as two parts. `autoplot()` of the package ggplot2 gives the same as a
#' ggplot, that scales and themes can be added to.
#'
#' @param x,object A module.
#' @param name The name of a field or method.
#' @param exact For R's sake: names are always matched exactly.
#' @param value The new weight or bias.
#' @param input_dim The `dim()` of an input, with or without a batch.
#' @param ... Not used; `summary()` and `autoplot()` refuse what they do not know.
#' @return `m$name` and `m[["name"]]`: the field, or the method as a function. The assignments and
#'   `print()`, `plot()`: the module. `format()`: one string, the call that would make such a
#'   module. `coef()`: a list. `summary()`: a list of class
#'   `summary.nnconv_module` with that call (`module`), a data frame of statistics (`parameters`),
#'   the names of the complex parameters, of whose moduli they are (`moduli`), `receptive_field`
#'   and, with `input_dim`, `input_dim`, `output_dim` and `multiply_adds`. `autoplot()`: a ggplot.
#' @section Errors:
#' `r rd_errors()`
#' @seealso [nn_conv2d()], [nn_conv_transpose2d()]; [plot_feature_maps()], [plot_conv()]
#' @examples
#' m <- nn_conv1d(1, 1, kernel_size = 2)
#' m$weight <- array(c(1, -1), dim = c(1, 1, 2))
#' m$bias <- 0.5
#' x <- array(c(1, 2, 4, 8), dim = c(1, 1, 4))
#' c(m(x))
#' #> [1] -0.5 -1.5 -3.5
#' c(m$backward(array(1, dim = c(1, 1, 3))))
#' #> [1]  1  0  0 -1
#' c(m$grad$weight)
#' #> [1]  7 14
#' m$grad$bias
#' #> [1] 3
#' m$zero_grad()
#'
#' # Save, load, go on
#' file <- tempfile(fileext = ".rds")
#' saveRDS(m, file)
#' identical(readRDS(file)(x), m(x))
#' #> [1] TRUE
#'
#' # An edge detector and its picture
#' m <- nn_conv2d(1, 2, kernel_size = 3, padding = "same", bias = FALSE)
#' sobel <- outer(c(1, 2, 1), c(-1, 0, 1))
#' m$weight <- aperm(array(c(sobel, t(sobel)), dim = c(3, 3, 2, 1)), c(3, 4, 1, 2))
#' summary(m, input_dim = c(1, 87, 61))
#' #> nn_conv2d(1, 2, kernel_size = 3, padding = "same", bias = FALSE)
#' #>                  dim count min mean max       sd
#' #> weight 2 x 1 x 3 x 3    18  -2    0   2 1.188177
#' #> receptive field  3 x 3, stride 1 x 1
#' #> input            1 x 87 x 61
#' #> output           2 x 87 x 61
#' #> multiply-adds    95,526
#' plot(m)
#' @name nnconv_module
#' @aliases nnconv_module
NULL

# Read straight from the module's data.
parameter_names <- c("weight", "bias")
setting_names <- c(
  "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation",
  "groups", "padding_mode", "dtype"
)
data_names <- c(parameter_names, setting_names, "training", "grad")

# Made when asked for.
module_members <- list(
  parameters = function(module) {
    module_parameters(module)
  },
  forward = function(module) {
    module
  },
  backward = function(module) {
    function(grad_output, input = NULL, needs = c("input", "weight", "bias")) {
      module_backward(module, grad_output, input, needs)
    }
  },
  zero_grad = function(module) {
    function() module_zero_grad(module)
  },
  train = function(module) {
    function(mode = TRUE) module_train(module, mode)
  },
  eval = function(module) {
    function() module_train(module, FALSE)
  },
  state_dict = function(module) {
    function(prefix = "") module_state_dict(module, prefix)
  },
  load_state_dict = function(module) {
    function(state, strict = TRUE, prefix = "") {
      module_load_state_dict(module, state, strict, prefix)
    }
  },
  reset_parameters = function(module) {
    function() module_reset_parameters(module)
  },
  clone = function(module) {
    function(deep = TRUE) module_clone(module, deep)
  }
)

member_names <- c(data_names, names(module_members))

get_member <- function(module, name) {
  check_member_name(name)
  make <- module_members[[name]]
  if (is.null(make)) module_data(module)[[name]] else make(module)
}

set_member <- function(module, name, value) {
  check_member_name(name)
  if (!name %in% parameter_names) {
    raise_fault(
      "value", name, "left as it is", "",
      "Only `weight` and `bias` of a module can be assigned."
    )
  }
  data <- module_data(module)
  if (name == "bias" && is.null(value)) {
    remove_bias(data)
  } else {
    data[[name]] <- check_parameter_(value, name, parameter_dim(data, name))
  }
  module
}

check_member_name <- function(name) {
  if (!name %in% member_names) {
    is_word <- grepl("^[A-Za-z_]{1,30}$", name, useBytes = TRUE)
    nearest <- if (is_word) agrep(name, member_names, value = TRUE)
    raise_fault(
      "value", "name", "a field or method of a module", describe_(name),
      paste0(
        if (length(nearest)) paste0("Did you mean `", nearest[[1L]], "`? "),
        "A module has ", enumerate(member_names), "."
      )
    )
  }
}

#' @rdname nnconv_module
#' @usage \method{$}{nnconv_module}(x, name)
#' @export
`$.nnconv_module` <- function(x, name) {
  get_member(x, name)
}

#' @rdname nnconv_module
#' @usage \method{[[}{nnconv_module}(x, name, exact = TRUE)
#' @export
`[[.nnconv_module` <- function(x, name, exact = TRUE) {
  if (missing(name)) {
    raise_missing("name")
  }
  check_string(name, "name", "the name of one field or method")
  get_member(x, name)
}

#' @rdname nnconv_module
#' @usage \method{$}{nnconv_module}(x, name) <- value
#' @export
`$<-.nnconv_module` <- function(x, name, value) {
  set_member(x, name, value)
}

#' @rdname nnconv_module
#' @usage \method{[[}{nnconv_module}(x, name) <- value
#' @export
`[[<-.nnconv_module` <- function(x, name, value) {
  if (missing(name)) {
    raise_missing("name")
  }
  check_string(name, "name", "the name of one field or method")
  set_member(x, name, value)
}

#' @export
names.nnconv_module <- function(x) {
  member_names
}

#' @importFrom utils .DollarNames
#' @method .DollarNames nnconv_module
#' @export
.DollarNames.nnconv_module <- function(x, pattern = "") {
  grep(pattern, member_names, value = TRUE)
}
