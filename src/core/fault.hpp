// What the core says when arguments do not fit: which argument, what it must
// be, what it was. The glue turns it into an R condition; R words it.
#pragma once
#include <exception>
#include <string>
#include <utility>

namespace nnconv {

enum class FaultKind { type, value, shape };

struct Fault : std::exception {
  FaultKind kind;
  std::string argument, must, found, fix;

  Fault(FaultKind kind, std::string argument, std::string must, std::string found,
        std::string fix = "")
      : kind(kind),
        argument(std::move(argument)),
        must(std::move(must)),
        found(std::move(found)),
        fix(std::move(fix)) {}
  const char* what() const noexcept override { return must.c_str(); }
};

}  // namespace nnconv
