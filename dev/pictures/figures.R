# The pictures of the manual, man/figures/*.png: small, for they are installed with the package.
# From the root of the repository, with nnconv installed: Rscript dev/pictures/figures.R

library(nnconv)

if (Sys.which("pngquant") == "") {
  stop("Please install pngquant, which makes the pictures small.")
}

draw_figure <- function(name, width, height, rows, columns, draw) {
  file <- file.path("man/figures", paste0(name, ".png"))
  png(file, width = width, height = height, res = 96, type = "cairo")
  par(mfrow = c(rows, columns))
  draw()
  dev.off()
  # Few colours do
  system2("pngquant", c("--force", "--ext", ".png", "--speed", "1", "--strip", "32", file))
  cat(sprintf("%s: %.0f kB\n", file, file.size(file) / 1000))
}

draw_figure("conv-arguments", 840, 600, 2, 3, function() {
  plot_conv(nn_conv2d(1, 1, kernel_size = 3), 5, main = "kernel_size = 3")
  plot_conv(nn_conv2d(1, 1, kernel_size = 3, padding = 1), 5, main = "padding = 1")
  plot_conv(nn_conv2d(1, 1, kernel_size = 3, stride = 2), 7, main = "stride = 2")
  plot_conv(nn_conv2d(1, 1, kernel_size = 3, dilation = 2), 7, main = "dilation = 2")
  plot_conv(
    nn_conv2d(1, 1, kernel_size = 3, padding = 1, padding_mode = "reflect"), 5,
    main = "padding = 1, padding_mode = \"reflect\""
  )
  plot_conv(
    nn_conv2d(1, 1, kernel_size = 3, padding = 1, padding_mode = "circular"), 5,
    main = "padding = 1, padding_mode = \"circular\""
  )
})

draw_figure("transposed-arguments", 900, 320, 1, 3, function() {
  plot_conv(nn_conv_transpose2d(1, 1, kernel_size = 3), 3, at = 2, main = "kernel_size = 3")
  plot_conv(
    nn_conv_transpose2d(1, 1, kernel_size = 3, stride = 2), 3, at = c(3, 3), main = "stride = 2"
  )
  plot_conv(
    nn_conv_transpose2d(1, 1, kernel_size = 3, stride = 2, padding = 1, output_padding = 1), 3,
    at = c(2, 2), main = "stride = 2, padding = 1, output_padding = 1"
  )
})

draw_figure("receptive-field", 900, 380, 1, 2, function() {
  causal <- lapply(c(1, 2, 4, 8), function(dilation) {
    nn_conv1d(1, 1, kernel_size = 2, dilation = dilation, padding = "causal")
  })
  plot_receptive_field(causal, main = "Causal, kernel_size = 2, dilation = 1, 2, 4, 8")
  layers <- lapply(c(1, 2, 3), function(dilation) {
    nn_conv2d(1, 1, kernel_size = 3, dilation = dilation, padding = "same")
  })
  plot_receptive_field(layers, main = "kernel_size = 3, dilation = 1, 2, 3")
})
