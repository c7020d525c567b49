# Faults. The last step of a call that fails: the C++ core and the R layer both find what is wrong
# and leave the words, the class and the call to raise_fault().

# kind: "type", "value" or "shape". The words are pasted, never interpolated: they may hold braces
# that the user typed.
raise_fault <- function(kind, argument, must, found, fix = "", call = user_call()) {
  instead <- if (nzchar(found)) paste0(", not ", found)
  rlang::abort(
    c(paste0("`", argument, "` must be ", must, instead, "."), i = if (nzchar(fix)) fix),
    class = c(paste0("nnconv_", kind, "_error"), "nnconv_error"),
    call = call,
    kind = kind,
    argument = argument,
    must = must,
    found = found,
    fix = fix
  )
}

raise_missing <- function(argument) {
  raise_fault("type", argument, "given", "")
}

# The call as the user wrote it: from the caller of raise_fault() out, the last one of a function,
# method or module of this package before the user's own code. Arguments are evaluated late, so the
# stack may hold other calls of the package further out: in `m(f(x))` a fault is that of `f(x)`.
user_call <- function() {
  parents <- sys.parents()
  # C++ calls raise_fault() from nowhere, so the one below it on the stack is taken for its caller.
  frame <- sys.parent() - 1L
  found <- frame
  while (frame > 0L) {
    fn <- sys.function(frame)
    if (is_ours(fn)) found <- frame else if (!is_between(fn)) break
    frame <- parents[[frame]]
  }
  without_class(sys.call(found))
}

# Functions of the namespace, modules, and the methods that `m$name` makes. Whatever else hangs
# below the namespace, as the functions of tests do, is not ours.
is_ours <- function(fn) {
  namespace <- topenv()
  home <- environment(fn)
  if (is.null(home) || !identical(topenv(home), namespace)) {
    return(FALSE)
  }
  identical(home, namespace) || inherits(fn, "nnconv_module") ||
    identical(parent.env(home), namespace) && inherits(home$module, "nnconv_module")
}

# What may stand between two calls of ours: functions made in one, and R's own, as lapply().
is_between <- function(fn) {
  home <- environment(fn)
  is.null(home) || identical(topenv(home), .BaseNamespaceEnv) ||
    identical(parent.env(home), topenv())
}

# The call of a method as one of its generic: `predict(m, x)`. R hides what an assignment is to, and
# shows all of what is assigned.
without_class <- function(call) {
  if (is.name(call[[1L]])) {
    call[[1L]] <- as.name(sub("\\.nnconv_module$", "", call[[1L]]))
  }
  if (identical(call[[1L]], quote(`$<-`)) || identical(call[[1L]], quote(`[[<-`))) {
    get <- as.name(sub("<-", "", call[[1L]], fixed = TRUE))
    call <- call("<-", as.call(list(get, quote(m), call[[3L]])), quote(value))
  }
  call
}

# Evaluates `code`; a fault in the argument `from` of an inner function is the user's `to`.
with_argument_renamed <- function(code, from, to) {
  withCallingHandlers(
    code,
    nnconv_error = function(fault) {
      if (identical(fault$argument, from)) {
        fix <- gsub(paste0("(", from), paste0("(", to), fault$fix, fixed = TRUE)
        raise_fault(fault$kind, to, fault$must, fault$found, fix, fault$call)
      }
    }
  )
}
