# Where results go and how they are shown: files, tables, pictures.

# The name of a file of this run.
stored_as <- function(ending) {
  machine <- gsub("[^A-Za-z0-9]+", "-", gsub("\\((R|TM|C)\\)", "", about$processor))
  stem <- paste(gsub(":", "", sub(" ", "T", about$date)), machine, about$commit, sep = "-")
  file.path(settings$to, paste0(stem, ending))
}

# Writes a table, each row with the machine it was measured on.
store <- function(results, part) {
  dir.create(settings$to, recursive = TRUE, showWarnings = FALSE)
  file <- stored_as(paste0("-", part, ".csv"))
  utils::write.csv(cbind(results, about, row.names = NULL), file, row.names = FALSE, na = "")
}

# Without the columns that are empty.
print_table <- function(table) {
  table <- table[!vapply(table, function(x) all(is.na(x)), TRUE)]
  is_number <- vapply(table, is.numeric, TRUE)
  table[is_number] <- lapply(table[is_number], function(x) {
    plain <- formatC(x, digits = 3, format = "fg")
    small <- abs(x) < 1e-3 & x != 0
    ifelse(is.na(x), "", ifelse(small, formatC(x, digits = 1, format = "e"), plain))
  })
  print(table, row.names = FALSE, right = TRUE)
}

threads_text <- function(n) paste(n, if (n == 1) "thread" else "threads")

geometric_mean <- function(x) exp(mean(log(x)))

# ---- pictures ----

# Colours that colour-blind people can tell apart (Okabe and Ito), each with a shape of its own.
marks <- data.frame(colour = c("#0072B2", "#D55E00", "#009E73"), pch = c(19, 17, 15))

# Opens a PNG, in pixels, of so many panels.
open_picture <- function(ending, width, height, columns, rows = 1) {
  grDevices::png(stored_as(ending), width, height, res = 112, type = "cairo")
  graphics::par(
    mfrow = c(rows, columns), oma = c(0, 0.8, 3, 0), mgp = c(2, 0.4, 0), tcl = -0.2, las = 1,
    cex = 0.8, cex.axis = 0.85, col.axis = "grey25", col.lab = "grey25", fg = "grey60"
  )
}

# Numbers as people count on a log scale; powers of ten alone where there are many.
log_ticks <- function(range) {
  steps <- if (diff(log10(range)) > 3) 1 else c(1, 2, 5)
  at <- as.vector(outer(steps, 10^(-6:7)))
  at[at >= 0.99 * range[1] & at <= 1.01 * range[2]]
}

log_axis <- function(side, range) {
  at <- log_ticks(range)
  text <- vapply(at, format, "", scientific = FALSE, drop0trailing = TRUE)
  graphics::axis(side, at, text, lwd = 0, lwd.ticks = 1)
}

panel_title <- function(text, line = 0.6) {
  text <- paste0(toupper(substr(text, 1, 1)), substring(text, 2))
  graphics::title(text, adj = 0, line = line, font.main = 1, cex.main = 1.15)
}

# Above all panels: what was measured on, and a note.
caption <- function(note) {
  torch <- if (is.na(about$torch)) "" else paste(", PyTorch", about$torch, "on", about$torch_blas)
  machine <- sprintf(
    "%s, %s cores, %s. nnconv %s%s. %s.", about$processor, about$cores, about$isa, about$commit,
    torch, about$date
  )
  graphics::mtext(machine, 3, outer = TRUE, adj = 0, line = 1.5, cex = 0.7, col = "grey35")
  graphics::mtext(note, 3, outer = TRUE, adj = 0, line = 0.4, cex = 0.7, col = "grey35")
}
