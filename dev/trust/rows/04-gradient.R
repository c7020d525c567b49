# Gradients: the adjoint identity, linearity, impulses and shifts.

source("dev/trust/row.R")

run_core("gradient", how_many(1e4, 600))
