// Blocks of memory: aligned, apart from each other, used again, and not kept without end.
#include "blocks.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace nnconv;

namespace {

// Megabytes of this process that are in memory; 0 where the system does not say.
double resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmRSS:") == 0) return std::stod(line.substr(6)) / 1024;
  return 0;
}

}  // namespace

TEST(blocks_are_aligned_and_apart) {
  harness::Random random(1);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (int i = 0; i < 200; ++i) {
    const std::size_t bytes = random.between(0, 1 << random.between(1, 22));
    auto* const data = static_cast<unsigned char*>(take_block(bytes));
    CHECK(data != nullptr && reinterpret_cast<std::uintptr_t>(data) % 64 == 0, bytes);
    std::memset(data, i, bytes);
    blocks.push_back({data, bytes});
    if (i % 3 != 0) continue;
    const std::size_t drop = random.below(blocks.size());
    give_back(blocks[drop].first);
    blocks.erase(blocks.begin() + drop);
  }
  for (const auto& block : blocks) {
    bool whole = true;
    for (std::size_t k = 1; k < block.second; ++k) whole &= block.first[k] == block.first[0];
    CHECK(whole, block.second);
    give_back(block.first);
  }
  give_back(nullptr);
}

TEST(blocks_are_used_again) {
  for (const std::size_t bytes : {std::size_t(20000), std::size_t(300000), most_block_bytes}) {
    void* const first = take_block(bytes);
    give_back(first);
    void* const second = take_block(bytes - 1);
    CHECK(first == second, bytes);
    give_back(second);
  }
}

TEST(idle_blocks_have_a_limit) {
  constexpr std::size_t bytes = 8 << 20;
  const double before = resident();
  std::vector<void*> blocks;
  for (int i = 0; i < 90; ++i) {
    blocks.push_back(take_block(bytes));
    std::memset(blocks.back(), 1, bytes);
  }
  for (void* const block : blocks) give_back(block);
  CHECK(resident() - before < 600, resident(), before);
}

TEST(no_memory_is_no_block) {
  CHECK(take_block(std::numeric_limits<std::size_t>::max() / 2) == nullptr, "half of all");
  CHECK(take_block(std::numeric_limits<std::size_t>::max()) == nullptr, "all");
}
