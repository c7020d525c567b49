#include "cpu.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace nnconv {

namespace {

int affinity_processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Processors that the control group grants, rounded up; 0 where there is no quota.
int quota_processors() {
  std::ifstream unified("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (unified >> quota >> period && quota != "max" && period > 0)
    return static_cast<int>(std::ceil(std::atof(quota.c_str()) / period));
  std::ifstream old_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream old_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double granted = 0;
  if (old_quota >> granted && old_period >> period && granted > 0 && period > 0)
    return static_cast<int>(std::ceil(granted / period));
  return 0;
}

}  // namespace

bool was_forked() {
  // Linux: of the fields after the name in parentheses the seventh has flags, one of which says
  // "forked, and no program started since".
  constexpr unsigned long forked = 0x40;
  std::ifstream file("/proc/self/stat");
  std::string text, skipped;
  std::getline(file, text);
  std::istringstream fields(text.erase(0, text.rfind(')') + 1));
  unsigned long flags = 0;
  for (int i = 0; i < 6; ++i) fields >> skipped;
  return fields >> flags && (flags & forked) != 0;
}

int64_t last_cache_bytes() {
  static const int64_t bytes = [] {
    std::ifstream size("/sys/devices/system/cpu/cpu0/cache/index3/size");
    int64_t kilobytes = 0;
    char unit = 0;
    return size >> kilobytes >> unit && unit == 'K' ? kilobytes << 10 : 0;
  }();
  return bytes;
}

int available_processors() {
  static const int quota = quota_processors();
  int processors = affinity_processors();
  if (quota > 0) processors = std::min(processors, quota);
  return std::max(1, processors);
}

}  // namespace nnconv
