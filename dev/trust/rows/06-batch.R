# Batches: a sample alone has the bits that it has in a batch.

source("dev/trust/row.R")

run_core("batch", how_many(1e4, 300))
