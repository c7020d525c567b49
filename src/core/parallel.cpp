#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "cpu.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef _WIN32
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace nnconv {

namespace {

// With fewer operations for each thread a parallel region costs more than it brings.
[[maybe_unused]] constexpr double thread_worth = 1e6;
// Below this many the host can wait: a millisecond or two.
constexpr double poll_worth = 1e6;
constexpr auto poll_interval = std::chrono::milliseconds(20);
constexpr int64_t range_elements = 1 << 18;
// Moving an element costs about as much as so many operations on numbers in registers.
constexpr double moving = 8;

long process_id() {
#ifdef _WIN32
  return 0;
#else
  return static_cast<long>(getpid());
#endif
}

const long loaded_by = process_id();
const bool loaded_in_child = was_forked();

int positive_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::max(0, std::atoi(text));
}

#ifdef _OPENMP
// How many of so many threads can be had at once, for a limit counts the living.
int living_at_once(int wanted) {
  std::vector<std::thread> trial;
  std::atomic<bool> go{false};
  try {
    trial.reserve(wanted);
    for (int i = 0; i < wanted; ++i)
      trial.emplace_back([&go] {
        while (!go) std::this_thread::yield();
      });
  } catch (const std::exception&) {
  }
  go = true;
  for (auto& thread : trial) thread.join();
  return static_cast<int>(trial.size());
}

// For how many more threads a ceiling on the address space leaves room. Each reserves a stack and,
// when it first allocates, a heap of malloc's; half of what is free stays for the host.
int threads_below_ceiling() {
#ifdef __linux__
  constexpr double malloc_heap = 64 << 20;
  constexpr double usual_stack = 8 << 20;
  rlimit ceiling, stack;
  if (getrlimit(RLIMIT_AS, &ceiling) != 0 || ceiling.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<int>::max();
  double per_thread = malloc_heap + usual_stack;
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY)
    per_thread = malloc_heap + static_cast<double>(stack.rlim_cur);
  double pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const double used = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  const double room = (static_cast<double>(ceiling.rlim_cur) - used) / 2;
  return static_cast<int>(std::min(std::max(0.0, room / per_thread), 1e6));
#else
  return std::numeric_limits<int>::max();
#endif
}

// libgomp ends the process when a thread cannot be had. It keeps those of its last region alone, so
// what a region has more is tried first; where that is refused, half of what can be had is used
// from then on.
int proven_threads(int wanted) {
  static int kept = 1;
  static int most = std::numeric_limits<int>::max();
  wanted = std::min(wanted, most);
  if (wanted > kept) {
    const int more = std::min(wanted - kept, threads_below_ceiling());
    const int had = living_at_once(more);
    if (had < more) most = kept + had / 2;
    wanted = std::min(kept + more, most);
  }
  return kept = wanted;
}
#endif

}  // namespace

Poll::Poll(const Context& context, double work)
    : poll_(work < poll_worth ? nullptr : context.poll) {
  if (poll_ != nullptr) last_ = std::chrono::steady_clock::now();
}

void Poll::now_and_then() {
  if (poll_ == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < poll_interval) return;
  last_ = now;
  poll_();
}

// The state that the threads of one loop share.
class Team {
 public:
  Team(const Context& context, int64_t chunks, double work, FunctionView<int64_t, Worker&> body)
      : chunks_(chunks), poll_(context, work), body_(body) {}

  // What each thread does: take chunks until there are none or the loop ends. The caller
  // goes on polling while others are still at their last chunk.
  void work(int index) {
    const FloatControl control;
    Worker worker(*this, index);
    ++active_;
    keep_error([&] {
      while (!worker.stopped()) {
        const int64_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= chunks_) break;
        body_(chunk, worker);
      }
    });
    finish_streams();
    --active_;
    if (index != 0) return;
    keep_error([&] {
      for (; active_ > 0; std::this_thread::yield()) worker.stopped();
    });
  }

  // On the calling thread only.
  void poll() {
    if (!stopped()) poll_.now_and_then();
  }

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // No exception may leave a parallel region: the first one is kept for after it.
  template <class Body>
  void keep_error(const Body& body) {
    try {
      body();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
  }

  const int64_t chunks_;
  Poll poll_;
  const FunctionView<int64_t, Worker&> body_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int> active_{0};
  std::mutex mutex_;
  std::exception_ptr error_;
};

bool Worker::stopped() {
  if (index_ == 0) team_.poll();
  return team_.stopped();
}

#ifdef _OPENMP
// All that may be used, or one. Not as few as there are chunks: libgomp ends what a region does not
// use, and the next region would make it again.
static int threads_for(const Context& context, int64_t chunks, double work) {
  if (chunks < 2 || work < 2 * thread_worth) return 1;
  const int usable = usable_threads(context.threads), processors = available_processors();
  if (work < thread_worth * std::min(usable, processors)) return 1;
  const int64_t most = std::max<int64_t>(chunks, processors);
  return proven_threads(static_cast<int>(std::min<int64_t>(usable, most)));
}
#endif

void parallel_for(const Context& context, int64_t chunks, double work,
                  FunctionView<int64_t, Worker&> body) {
  Team team(context, chunks, work, body);
#ifdef _OPENMP
  const int threads = threads_for(context, chunks, work);
  if (threads > 1) {
#pragma omp parallel num_threads(threads)
    team.work(omp_get_thread_num());
  } else {
    team.work(0);
  }
#else
  team.work(0);
#endif
  team.rethrow();
}

void parallel_ranges(const Context& context, int64_t count, FunctionView<int64_t, int64_t> body) {
  const int64_t chunks = (count + range_elements - 1) / range_elements;
  parallel_for(context, chunks, moving * static_cast<double>(count), [&](int64_t chunk, Worker&) {
    body(chunk * range_elements, std::min(count, (chunk + 1) * range_elements));
  });
}

bool has_openmp() {
#ifdef _OPENMP
  return true;
#else
  return false;
#endif
}

// libgomp hangs in a forked child whose parent used threads, for whichever package, so a child gets
// one.
bool is_forked_child() { return loaded_in_child || process_id() != loaded_by; }

int usable_threads(int asked) {
#ifdef _OPENMP
  if (is_forked_child()) return 1;
  int threads = asked;
  if (threads == 0) {
    threads = available_processors();
    const int wished = positive_environment("OMP_NUM_THREADS");
    if (wished > 0) threads = std::min(threads, wished);
  }
  return std::max(1, std::min(threads, omp_get_thread_limit()));
#else
  (void)asked;
  (void)positive_environment;
  return 1;
#endif
}

}  // namespace nnconv
