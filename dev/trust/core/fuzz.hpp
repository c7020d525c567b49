// Layers from any bytes, good ones and bad.
#pragma once
#include <cstddef>
#include <cstdint>

namespace trust {

// Reads the arguments of a layer and its numbers from the bytes; whether the core refuses what does
// not fit, and otherwise computes what the definition says, by every algorithm, on the instruction
// set in use. What is wrong is printed.
bool try_one(const std::uint8_t* bytes, std::size_t size);

}  // namespace trust
