# A causal dilated network on datasets::sunspot.month, trained by gradient descent, beside ar().
# From the root of the repository, with nnconv installed: Rscript dev/demo/sunspots.R [folder]

library(nnconv)
source("dev/picture.R")

folder <- c(commandArgs(TRUE), "build/demo")[[1]]
set.seed(1)

# Three spans: the weights are fitted on the first, training stops by the second, and the third is
# not looked at before the end. Square roots even out the spread; mean and spread are of the first.
sunspots <- window(sunspot.month, end = c(2013, 9))
year <- as.vector(time(sunspots))
span <- cut(year, c(-Inf, 1920, 1960, Inf), c("fit", "stop", "test"), right = FALSE)
root <- sqrt(as.vector(sunspots))
centre <- mean(root[span == "fit"])
spread <- sd(root[span == "fit"])
series <- (root - centre) / spread
spots <- function(z) pmax(z * spread + centre, 0)^2

# Row k, column t: the value ahead[k] months after t; it counts for the span in which it lies
ahead <- c(1, 3, 6, 12, 24)
later <- function(v) t(sapply(ahead, function(h) v[seq_along(v) + h]))
target <- later(series)
lies_in <- function(name) !is.na(target) & later(span == name)
fit <- lies_in("fit")
fit[, 1:128] <- FALSE
stopping <- lies_in("stop")
test <- lies_in("test")

# Seven layers of two taps, each looking twice as far back as the one before, 128 months in all, and
# each adding to what goes through it; beside them a linear autoregression of 27 months.
channels <- 16
lift <- nn_conv1d(1, channels, 1)
blocks <- lapply(2^(0:6), function(months) {
  nn_conv1d(channels, channels, 2, padding = "causal", dilation = months)
})
read_off <- nn_conv1d(channels, length(ahead), 1)
linear <- nn_conv1d(1, length(ahead), 27, padding = "causal", bias = FALSE)
layers <- c(lift, blocks, read_off, linear)

# The forecasts start near the mean of the series, which is 0
read_off$weight <- read_off$weight / 10
linear$weight <- linear$weight * 0

# The forecasts, and what each tanh() gave
forward <- function(x) {
  bent <- list()
  h <- lift(x)
  for (block in blocks) {
    bent <- c(bent, list(tanh(block(h))))
    h <- h + bent[[length(bent)]]
  }
  list(forecast = read_off(h) + linear(x), bent = bent)
}

# Adds the gradient of every weight and bias into the layers
backward <- function(grad, bent) {
  linear$backward(grad)
  grad <- read_off$backward(grad)
  for (i in rev(seq_along(blocks))) {
    grad <- grad + blocks[[i]]$backward(grad * (1 - bent[[i]]^2))
  }
  lift$backward(grad)
}

# One step of Adam on the array `p`, whose moments are kept in `state`
adam <- function(p, grad, state, step, rate = 0.01) {
  state$mean <- 0.9 * state$mean + 0.1 * grad
  state$square <- 0.99 * state$square + 0.01 * grad^2
  p - rate * (state$mean / (1 - 0.9^step)) / (sqrt(state$square / (1 - 0.99^step)) + 1e-8)
}
new_state <- function() list2env(list(mean = 0, square = 0))
states <- lapply(layers, function(layer) list(weight = new_state(), bias = new_state()))

steps <- 100
x <- array(series, c(1, length(series)))
loss <- matrix(NA, steps, 2, dimnames = list(NULL, c("fit", "stop")))
started <- proc.time()[["elapsed"]]
for (step in seq_len(steps)) {
  out <- forward(x)
  error <- out$forecast - target
  loss[step, ] <- c(mean(error[fit]^2), mean(error[stopping]^2))
  if (which.min(loss[, "stop"]) == step) forecast <- out$forecast
  error[!fit] <- 0
  backward(2 * error / sum(fit), out$bent)
  for (i in seq_along(layers)) {
    layer <- layers[[i]]
    layer$weight <- adam(layer$weight, layer$grad$weight, states[[i]]$weight, step)
    if (!is.null(layer$bias)) {
      layer$bias <- adam(layer$bias, layer$grad$bias, states[[i]]$bias, step)
    }
    layer$zero_grad()
  }
}
seconds <- proc.time()[["elapsed"]] - started

# ar() on the same scale, its order by AIC, from all months before the test; forecast by recursion
model <- ar(series[span != "test"], order.max = 60)
recursion <- function(months) {
  past <- embed(c(rep(0, model$order - 1), series - model$x.mean), model$order)
  for (i in seq_len(months)) past <- cbind(past %*% model$ar, past[, -model$order])
  past[, 1] + model$x.mean
}
ar_forecast <- t(sapply(ahead, recursion))

test_error <- function(forecast) {
  square <- (spots(forecast) - spots(target))^2
  square[!test] <- NA
  sqrt(rowMeans(square, na.rm = TRUE))
}
errors <- data.frame(
  months_ahead = ahead,
  network = test_error(forecast),
  ar = test_error(ar_forecast),
  last_value = test_error(matrix(series, length(ahead), length(series), byrow = TRUE))
)

cli::cli_h1("Forecasting: sunspot.month by a causal dilated network")
print(blocks[[7]])
weights <- sum(lengths(unlist(lapply(layers, function(layer) layer$parameters), recursive = FALSE)))
best <- which.min(loss[, "stop"])
cli::cli_ul(c(
  "Fitted on the months before 1920 ({weights} weights, {steps} steps of Adam in
    {round(seconds, 1)} s); step {best} did best on 1920 to 1959 and is used.",
  "ar() was fitted on all months before 1960: order {model$order} by AIC.",
  "Root mean square error from 1960 on, in sunspots:"
))
print(format(errors, digits = 3), row.names = FALSE)

# Above: what was forecast a year ahead. Below: the errors, and how the training went.
file <- open_picture(folder, "sunspots", 1090, 780, rows = 2, columns = 2)
layout(rbind(c(1, 1), c(2, 3)))
par(mar = c(2.4, 3, 2.2, 0.8), mgp = c(1.8, 0.4, 0), cex = 0.8, col.lab = "grey35", xpd = FALSE)
colours <- c(network = "#D55E00", ar = "#0072B2", last_value = "grey55")
panel <- function(x, y, title, unit, ...) {
  matplot(x, y, axes = FALSE, ann = FALSE, lty = 1, ...)
  title(title, adj = 0, line = 0.7, cex.main = 1.05, font.main = 1)
  mtext(unit, 2, line = 2, las = 0, cex = 0.65, col = "grey35")
  axis(2, lwd = 0, lwd.ticks = 1)
}

year_ahead <- ahead == 12
shown <- test[year_ahead, ]
curves <- spots(cbind(target[year_ahead, ], forecast[year_ahead, ], ar_forecast[year_ahead, ]))
panel(year[shown] + 1, curves[shown, ], "Forecast made twelve months ahead", "sunspots a month",
  type = "l", lwd = c(1, 2, 2), col = c("grey65", colours[c("network", "ar")]))
axis(1, lwd = 0, lwd.ticks = 1)
legend("topright", c("observed", "network", "ar()"), col = c("grey65", colours[1:2]), lwd = 2,
  bty = "n", horiz = TRUE, text.col = "grey20", inset = c(0, -0.12), xpd = NA)

panel(seq_along(ahead), errors[names(colours)], "Error from 1960 on", "root mean square, sunspots",
  type = "b", pch = 19, lwd = 2, col = colours, ylim = c(0, max(errors$last_value)))
axis(1, at = seq_along(ahead), labels = ahead, lwd = 0, lwd.ticks = 1)
mtext("months ahead", 1, line = 1.3, cex = 0.65, col = "grey35")
legend("topleft", c("last value", "ar()", "network"), col = rev(colours), lwd = 2, pch = 19,
  bty = "n", text.col = "grey20")

panel(seq_len(steps), loss, "Training", "mean square, scaled (log)", type = "l", lwd = 2, log = "y",
  col = c("grey65", "grey20"))
axis(1, lwd = 0, lwd.ticks = 1)
mtext("steps", 1, line = 1.3, cex = 0.65, col = "grey35")
abline(v = best, col = "grey65", lty = 3)
legend("topright", c("fitted, before 1920", "stopping, 1920 to 1959"), col = c("grey65", "grey20"),
  lwd = 2, bty = "n", text.col = "grey20")
invisible(dev.off())
cli::cli_alert_success("Picture: {.file {file}}")
