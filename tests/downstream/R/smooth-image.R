# Smooths a matrix by a gaussian of standard deviation `sd` pixels; at the border the image is
# continued by its mirror image.
smooth_image <- function(image, sd = 1) {
  storage.mode(image) <- "double"
  .Call(smooth_by_gaussian, image, sd)
}
