// Layers from any bytes, good ones and bad.
#pragma once
#include <cstddef>
#include <cstdint>

namespace trust {

enum class Outcome { refused, too_large, computed, wrong };

// Reads the arguments of a layer and its numbers from the bytes. The core must refuse what does not
// fit and no more, and compute what the definition says, by every algorithm, on the instruction set
// in use. What is wrong is printed.
Outcome try_one(const std::uint8_t* bytes, std::size_t size);

}  // namespace trust
