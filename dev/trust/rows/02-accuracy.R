# Accuracy: the bounds of each algorithm on normal, positive and constant data, on one large value,
# and on long sums, beside sums in long double.

source("dev/trust/row.R")

run_core("accuracy", how_many(2000, 60))
