// Loaded before everything else (LD_PRELOAD) by rows of dev/trust that take something away from the
// package: memory, or threads. R calls the functions at the end, by .C().
//
// Watched are allocations that nnconv.so, or the C++ library for it, asks for: these may be made to
// fail, and those that are not given back are counted. Where R is watched too, also those of
// libR.so.
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>

#define EXPORT extern "C" __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

// ---- who asks ----

struct Library {
  const char* name;
  std::uintptr_t begin, end;
};
Library libraries[] = {{"/nnconv.so", 0, 0}, {"/libstdc++.so.6", 0, 0}, {"/libR.so", 0, 0}};

int find_libraries(dl_phdr_info* info, std::size_t, void*) {
  for (Library& library : libraries) {
    const std::size_t length = std::strlen(info->dlpi_name), wanted = std::strlen(library.name);
    if (length < wanted || std::strcmp(info->dlpi_name + length - wanted, library.name) != 0)
      continue;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X)) continue;
      library.begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      library.end = library.begin + info->dlpi_phdr[i].p_memsz;
    }
  }
  return 0;
}

bool is_of(const Library& library, const void* caller) {
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(caller);
  return address >= library.begin && address < library.end;
}

// ---- which fail ----

std::atomic<bool> watching{false}, watches_r{false}, fails_all{false};
std::atomic<long> asked{0}, first_failing{0}, least_bytes{0};

bool is_watched(const void* caller, std::size_t bytes) {
  if (!watching || static_cast<long>(bytes) < least_bytes) return false;
  return is_of(libraries[0], caller) || is_of(libraries[1], caller) ||
         (watches_r && is_of(libraries[2], caller));
}

bool fails() {
  const long number = ++asked;
  if (first_failing == 0 || number < first_failing) return false;
  if (number > first_failing && !fails_all) return false;
  errno = ENOMEM;
  return true;
}

// ---- which live ----

// An open table of addresses: each stands at its place, or behind others in a row without a gap.
constexpr std::size_t table_size = 1 << 16;
std::uintptr_t table[table_size];
std::atomic<long> live{0};
std::mutex table_mutex;

std::size_t after(std::size_t i) { return (i + 1) % table_size; }
std::size_t place_of(std::uintptr_t address) { return (address >> 4) * 0x9E3779B1u % table_size; }

void add(void* block) {
  if (block == nullptr) return;
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(block);
  const std::lock_guard<std::mutex> lock(table_mutex);
  std::size_t i = place_of(address);
  while (table[i] != 0) i = after(i);
  table[i] = address;
  ++live;
}

void remove(void* block) {
  if (block == nullptr || live == 0) return;
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(block);
  const std::lock_guard<std::mutex> lock(table_mutex);
  std::size_t gap = place_of(address);
  while (table[gap] != 0 && table[gap] != address) gap = after(gap);
  if (table[gap] == 0) return;
  --live;
  // Those behind it move up, as far as they would be found there.
  for (std::size_t i = after(gap); table[i] != 0; i = after(i)) {
    const std::size_t from_place = (i - place_of(table[i])) % table_size;
    if (from_place < (i - gap) % table_size) continue;
    table[gap] = table[i];
    gap = i;
  }
  table[gap] = 0;
}

template <class Allocate>
void* watched(const void* caller, std::size_t bytes, const Allocate& allocate) {
  if (!is_watched(caller, bytes)) return allocate();
  if (fails()) return nullptr;
  void* const block = allocate();
  if (!is_of(libraries[2], caller)) add(block);
  return block;
}

// ---- threads ----

std::atomic<int> living{0}, most_living{-1}, started{0};

struct Start {
  void* (*function)(void*);
  void* argument;
};

void* run_thread(void* given) {
  const Start start = *static_cast<Start*>(given);
  __libc_free(given);
  struct Ends {
    ~Ends() { --living; }
  } ends;
  return start.function(start.argument);
}

}  // namespace

#define CALLER __builtin_return_address(0)

EXPORT void* malloc(std::size_t bytes) {
  return watched(CALLER, bytes, [=] { return __libc_malloc(bytes); });
}

EXPORT void* calloc(std::size_t count, std::size_t bytes) {
  return watched(CALLER, count * bytes, [=] { return __libc_calloc(count, bytes); });
}

EXPORT void* realloc(void* block, std::size_t bytes) {
  if (!is_watched(CALLER, bytes)) {
    remove(block);
    return __libc_realloc(block, bytes);
  }
  if (fails()) return nullptr;
  remove(block);
  void* const moved = __libc_realloc(block, bytes);
  if (!is_of(libraries[2], CALLER)) add(moved != nullptr ? moved : block);
  return moved;
}

EXPORT void* memalign(std::size_t alignment, std::size_t bytes) {
  return watched(CALLER, bytes, [=] { return __libc_memalign(alignment, bytes); });
}

EXPORT void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return watched(CALLER, bytes, [=] { return __libc_memalign(alignment, bytes); });
}

EXPORT int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  *block = watched(CALLER, bytes, [=] { return __libc_memalign(alignment, bytes); });
  return *block == nullptr ? ENOMEM : 0;
}

EXPORT void free(void* block) {
  remove(block);
  __libc_free(block);
}

EXPORT void* mmap(void* at, std::size_t bytes, int access, int flags, int file, off_t offset) {
  static const auto next = reinterpret_cast<decltype(&mmap)>(dlsym(RTLD_NEXT, "mmap"));
  if (!is_watched(CALLER, bytes)) return next(at, bytes, access, flags, file, offset);
  if (fails()) return MAP_FAILED;
  void* const block = next(at, bytes, access, flags, file, offset);
  if (block != MAP_FAILED) add(block);
  return block;
}

EXPORT int munmap(void* block, std::size_t bytes) {
  static const auto next = reinterpret_cast<decltype(&munmap)>(dlsym(RTLD_NEXT, "munmap"));
  remove(block);
  return next(block, bytes);
}

EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*function)(void*), void* argument) {
  static const auto next =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  if (++living > most_living && most_living >= 0) {
    --living;
    return EAGAIN;
  }
  Start* const start = static_cast<Start*>(__libc_malloc(sizeof(Start)));
  *start = {function, argument};
  const int status = next(thread, attributes, run_thread, start);
  if (status == 0) return ++started, 0;
  --living;
  __libc_free(start);
  return status;
}

// ---- for R ----

// Watches those of so many bytes from now on. The allocation of this number fails (0: none), or all
// from it on.
EXPORT void watch_allocations(int* number, int* all, int* least, int* of_r) {
  dl_iterate_phdr(find_libraries, nullptr);
  asked = 0;
  first_failing = *number;
  fails_all = *all;
  least_bytes = *least;
  watches_r = *of_r;
  watching = true;
}

// No more. How many were asked for, and how many of all that were watched are still there.
EXPORT void end_watch(int* number, int* still_there) {
  watching = false;
  *number = static_cast<int>(asked);
  *still_there = static_cast<int>(live);
}

// At most so many threads beside the first may live; -1: as many as the system lets.
EXPORT void limit_threads(int* most) { most_living = *most; }

// What another package with OpenMP does: so many threads, which then wait for the next time.
EXPORT void use_openmp(int* threads) {
  std::atomic<int> met{0};
#pragma omp parallel num_threads(*threads)
  ++met;
  *threads = met;
}

EXPORT void count_threads(int* now, int* ever) {
  *now = living;
  *ever = started;
}
