# Threads: 1, 2, 3, 5 and 8 give the same bits, also where the caller flushes subnormal numbers.

source("dev/trust/row.R")

run_core("threads", how_many(1e4, 200))
