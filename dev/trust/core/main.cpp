// trust SUBCOMMAND COUNT [SEED]: tries so many random cases of the core, and prints what the rows
// of dev/trust read. The exit status is 1 where something failed.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "subcommands.hpp"

namespace {

struct Subcommand {
  const char* name;
  bool (*run)(long count, long seed);
};

constexpr Subcommand subcommands[] = {
    {"value", trust::try_values},       {"accuracy", trust::try_accuracy},
    {"gradient", trust::try_gradients}, {"threads", trust::try_threads},
    {"batch", trust::try_batches},      {"missing", trust::try_missing},
    {"fuzz", trust::try_bytes}};

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 2 ? std::atol(argv[2]) : 0;
  const long seed = argc > 3 ? std::atol(argv[3]) : 1;
  for (const Subcommand& subcommand : subcommands)
    if (argc > 2 && count > 0 && std::strcmp(argv[1], subcommand.name) == 0) {
      std::printf("%s from seed %ld\n", subcommand.name, seed);
      try {
        return subcommand.run(count, seed) ? 0 : 1;
      } catch (const std::exception& error) {
        std::printf("%s ended early: %s\n", subcommand.name, error.what());
        return 2;
      }
    }
  std::fprintf(stderr, "usage: trust SUBCOMMAND COUNT [SEED], of these subcommands:");
  for (const Subcommand& subcommand : subcommands) std::fprintf(stderr, " %s", subcommand.name);
  std::fprintf(stderr, "\n");
  return 2;
}
