#include "isa.hpp"

#include <cstdlib>

namespace nnconv {

extern const Isa isa_baseline;
#if defined(__x86_64__) && !defined(_WIN32)
extern const Isa isa_avx2;
extern const Isa isa_avx512;
#endif
#if defined(__aarch64__)
extern const Isa isa_neon;
#endif

const std::vector<const Isa*>& available_isas() {
  static const std::vector<const Isa*> found = [] {
    std::vector<const Isa*> isas;
    // Not on Windows: its compiler does not align the stack for wide vectors (GCC bug 54412).
#if defined(__x86_64__) && !defined(_WIN32)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
      isas.push_back(&isa_avx512);
    if (avx2) isas.push_back(&isa_avx2);
#endif
#if defined(__aarch64__)
    isas.push_back(&isa_neon);
#endif
    isas.push_back(&isa_baseline);
    return isas;
  }();
  return found;
}

const Isa* find_isa(const std::string& name) {
  for (const Isa* isa : available_isas())
    if (name == isa->name) return isa;
  return nullptr;
}

const Isa& current_isa() {
  static const Isa* const chosen = [] {
    const char* forced = std::getenv("NNCONV_ISA");
    const Isa* named = forced == nullptr ? nullptr : find_isa(forced);
    return named != nullptr ? named : available_isas().front();
  }();
  return *chosen;
}

}  // namespace nnconv
