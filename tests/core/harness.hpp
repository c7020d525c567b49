// A small test harness: TEST() registers, CHECK() counts, main() in main.cpp reports.
#pragma once
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace harness {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Register {
  Register(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

// Counts one check; what failed is printed with what `context` says.
void check(bool ok, const char* file, int line, const std::string& text);

template <class... Parts>
std::string words(const Parts&... parts) {
  std::ostringstream text;
  ((text << parts << ' '), ...);
  return text.str();
}

// A generator of whole numbers that is the same everywhere.
class Random {
 public:
  explicit Random(unsigned long long seed) : state_(seed * 2654435761u + 1) {}

  // In [0, bound).
  long long below(long long bound) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<long long>((state_ >> 33) % static_cast<unsigned long long>(bound));
  }
  long long between(long long low, long long high) { return low + below(high - low + 1); }

 private:
  unsigned long long state_;
};

}  // namespace harness

#define TEST(name)                                                     \
  static void test_##name();                                           \
  static const harness::Register register_##name(#name, &test_##name); \
  static void test_##name()

#define CHECK(ok, ...) \
  harness::check(ok, __FILE__, __LINE__, harness::words(#ok, "--", __VA_ARGS__))
