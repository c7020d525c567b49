# Values: every layer, gradient, dtype and instruction set, by "direct" and "auto", on integers,
# beside plain loops over the definition that share nothing with the core.

source("dev/trust/row.R")

run_core("value", how_many(1e5, 1500))
