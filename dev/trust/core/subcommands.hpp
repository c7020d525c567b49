// What the program `trust` can be asked for: each tries about so many cases, prints the parts of a
// row, and says whether nothing failed.
#pragma once

namespace trust {

bool try_values(long count, long seed);
bool try_accuracy(long count, long seed);
bool try_gradients(long count, long seed);
bool try_threads(long count, long seed);
bool try_batches(long count, long seed);
bool try_missing(long count, long seed);
bool try_bytes(long count, long seed);

}  // namespace trust
