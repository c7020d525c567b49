// Runs every registered test, or those whose name holds the first argument, and closes with the
// line `N passed, N failed`.
#include <cstdio>
#include <cstring>
#include <exception>

#include "harness.hpp"

namespace harness {

static long passed = 0, failed = 0;

void check(bool ok, const char* file, int line, const std::string& text) {
  ++(ok ? passed : failed);
  if (!ok && failed <= 30) std::printf("%s:%d: %s\n", file, line, text.c_str());
}

}  // namespace harness

int main(int argc, char** argv) {
  for (const auto& test : harness::tests()) {
    if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
    try {
      test.body();
    } catch (const std::exception& error) {
      harness::check(false, test.name, 0, harness::words("threw:", error.what()));
    }
  }
  std::printf("%ld passed, %ld failed\n", harness::passed, harness::failed);
  return harness::failed == 0 && harness::passed > 0 ? 0 : 1;
}
