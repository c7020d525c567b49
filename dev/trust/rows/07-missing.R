# What is not finite is where the defining sum has it, and nowhere else.

source("dev/trust/row.R")

run_core("missing", how_many(5000, 300))
