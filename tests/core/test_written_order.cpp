// The tree of block sums against its definition, and how exact the sums are.
#include <map>

#include "harness.hpp"
#include "written_order.hpp"

using namespace nnconv;

namespace {

// The tree over the given blocks as text: "((0 1) 5)".
std::string defined(const std::vector<int64_t>& blocks, int64_t first, int level) {
  if (level == 0) {
    for (const int64_t block : blocks)
      if (block == first) return std::to_string(block);
    return "";
  }
  const int64_t half = int64_t(1) << (level - 1);
  const std::string left = defined(blocks, first, level - 1);
  const std::string right = defined(blocks, first + half, level - 1);
  if (left.empty() || right.empty()) return left + right;
  return "(" + left + " " + right + ")";
}

void join(std::vector<std::string>& stack, int times) {
  for (; times > 0; --times) {
    const std::string right = stack.back();
    stack.pop_back();
    stack.back() = "(" + stack.back() + " " + right + ")";
  }
}

std::vector<int64_t> random_blocks(harness::Random& random) {
  std::vector<int64_t> blocks;
  for (int64_t block = 0; block < 40; ++block)
    if (random.below(3) != 0) blocks.push_back(block);
  if (blocks.empty()) blocks.push_back(7);
  return blocks;
}

}  // namespace

TEST(sum_tree_joins_as_defined) {
  harness::Random random(2);
  for (int i = 0; i < 500; ++i) {
    const std::vector<int64_t> blocks = random_blocks(random);
    SumTree tree;
    std::vector<std::string> stack;
    for (const int64_t block : blocks) {
      join(stack, tree.joins_before(block));
      tree.push(block);
      stack.push_back(std::to_string(block));
    }
    join(stack, tree.joins_at_end());
    CHECK(stack.size() == 1 && stack[0] == defined(blocks, 0, 6), stack[0]);
  }
}

TEST(term_list_joins_as_defined) {
  harness::Random random(3);
  for (int i = 0; i < 500; ++i) {
    const std::vector<int64_t> blocks = random_blocks(random);
    TermList list;
    for (const int64_t block : blocks) list.add(block * block_terms + 5, 100 * block, 0, 3);
    list.finish();
    std::vector<std::string> stack;
    std::size_t block = 0, deepest = 0;
    for (const Segment& segment : list.segments()) {
      if (segment.merges < 0) continue;
      stack.push_back(std::to_string(blocks[block++]));
      deepest = std::max(deepest, stack.size());
      join(stack, segment.merges);
    }
    CHECK(stack.size() == 1 && stack[0] == defined(blocks, 0, 6), stack[0]);
    CHECK(static_cast<int>(deepest) <= list.max_depth(), deepest, list.max_depth());
  }
}

TEST(terms_that_follow_each_other_are_one_segment) {
  TermList list;
  list.add(0, 10, 20, 3);
  list.add(3, 13, 23, 4);
  list.add(7, 17, 30, 1);
  list.add(64, 18, 31, 1);
  list.finish();
  CHECK(list.segments().size() == 3, list.segments().size());
  CHECK(list.segments()[0].count == 7, list.segments()[0].count);
}

TEST(cut_at_blocks_covers_and_stays_in_blocks) {
  for (const int64_t index : {0, 1, 63, 64, 100})
    for (const int64_t count : {1, 63, 64, 65, 200}) {
      int64_t covered = 0;
      cut_at_blocks(index, count, [&](int64_t offset, int64_t part) {
        CHECK(offset == covered, index, count);
        CHECK((index + offset) / block_terms == (index + offset + part - 1) / block_terms, index);
        covered += part;
      });
      CHECK(covered == count, index, count);
    }
}
