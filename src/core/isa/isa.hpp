// The instruction sets, best first, and which of them this machine runs.
#pragma once
#include <string>
#include <vector>

#include "../kernel/kernel_table.hpp"

namespace nnconv {

struct Isa {
  const char* name;
  bool fused;  // products are added without being rounded first
  KernelTable<double> f64;
  KernelTable<float> f32;

  template <class T>
  const KernelTable<T>& table() const;
};

template <>
inline const KernelTable<double>& Isa::table<double>() const {
  return f64;
}
template <>
inline const KernelTable<float>& Isa::table<float>() const {
  return f32;
}

// The sets that this machine runs, best first; the last is the baseline.
const std::vector<const Isa*>& available_isas();

// The set in use: the best, or the one that the environment variable NNCONV_ISA names.
const Isa& current_isa();

// The available set of this name, or null.
const Isa* find_isa(const std::string& name);

}  // namespace nnconv
