# Speed of the installed nnconv: shape by shape beside PyTorch, against size, and beside R's own
# peers. Prints tables, and stores them with pictures.
#
#   Rscript bench/run.R [parts=shapes,scaling,peers] [only=REGEX] [what=forward,training]
#                       [threads=1,2] [rounds=5] [seconds=0.1] [python=/usr/bin/python3] [to=FOLDER]
#
# parts    the rows of shapes.csv beside PyTorch; cost against size; R's own peers
# only     rows by class and id: "3x3", "scaling pixels", "peers image"
# what     the forward call; forward and all gradients
# threads  the first is also that of scaling, and the one that gains are over
# rounds, seconds  turns of each contender, and how long each lasts (bench/clock.R)
# to       the folder of the results: bench/results, or build/bench where `only` is given
library(nnconv)
for (name in c(
  "settings", "clock", "machine", "contenders", "report", "shapes", "scaling", "peers"
)) {
  source(file.path("bench", paste0(name, ".R")))
}

options(width = 200)
set.seed(1)
started <- now()
torch <- start_torch()
about <- about_machine()
cat(sprintf("%-10s %s\n", names(about), format(about)), sep = "")
parts <- list(shapes = run_shapes, scaling = run_scaling, peers = run_peers)
for (part in settings$parts) parts[[part]]()
message(sprintf("%.1f minutes. Stored: %s*", (now() - started) / 60, stored_as("")))
