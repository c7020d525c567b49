// Parallel loops: every chunk once, errors and polls out of them, threads in a forked child.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "cpu.hpp"
#include "harness.hpp"
#include "parallel.hpp"

using namespace nnconv;

namespace {

constexpr double worth_threads = 1e9;

Context with_threads(int threads) {
  Context context;
  context.threads = threads;
  return context;
}

template <class Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

void spend_milliseconds(int milliseconds) { usleep(1000 * milliseconds); }

std::atomic<int> polls{0};

}  // namespace

TEST(every_chunk_once) {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<std::atomic<int>> times(1000);
    std::atomic<bool> known_workers{true};
    parallel_for(with_threads(threads), 1000, worth_threads, [&](int64_t chunk, Worker& worker) {
      ++times[chunk];
      if (worker.index() < 0 || worker.index() >= threads) known_workers = false;
    });
    CHECK(std::all_of(times.begin(), times.end(), [](const auto& n) { return n == 1; }), threads);
    CHECK(known_workers, threads);
  }
  bool called = false;
  parallel_for(with_threads(4), 0, worth_threads, [&](int64_t, Worker&) { called = true; });
  CHECK(!called, "no chunks");
}

TEST(an_error_of_a_chunk_ends_the_loop) {
  for (const int threads : {1, 4}) {
    std::atomic<int> chunks{0};
    const std::string error = error_of([&] {
      parallel_for(with_threads(threads), 100000, worth_threads, [&](int64_t chunk, Worker&) {
        ++chunks;
        if (chunk == 10) throw std::runtime_error("chunk ten");
        if (chunk > 10) spend_milliseconds(1);
      });
    });
    CHECK(error == "chunk ten", threads, error);
    CHECK(chunks < 100000, threads, chunks.load());
  }
}

TEST(the_host_is_polled_and_may_end_the_loop) {
  for (const int threads : {1, 4}) {
    Context context = with_threads(threads);
    context.poll = [] {
      if (++polls == 3) throw std::runtime_error("interrupted");
    };
    polls = 0;
    std::atomic<int> chunks{0};
    const std::string error = error_of([&] {
      parallel_for(context, 1000, worth_threads, [&](int64_t, Worker&) {
        ++chunks;
        spend_milliseconds(2);
      });
    });
    CHECK(error == "interrupted" && polls == 3, threads, error, polls.load());
    CHECK(chunks < 1000, chunks.load());
  }
}

#ifdef _OPENMP
TEST(the_caller_polls_while_others_finish) {
  if (usable_threads(2) < 2) return;
  Context context = with_threads(2);
  context.poll = [] { ++polls; };
  polls = 0;
  std::atomic<int> started{0};
  parallel_for(context, 2, worth_threads, [&](int64_t, Worker& worker) {
    // Each thread takes one chunk, for neither goes on before both have one.
    for (++started; started < 2;) spend_milliseconds(1);
    if (worker.index() != 0) spend_milliseconds(300);
  });
  CHECK(polls >= 3, polls.load());
}
#endif

TEST(threads_are_what_was_asked_for) {
#ifdef _OPENMP
  CHECK(usable_threads(3) == 3, usable_threads(3));
  CHECK(usable_threads(0) >= 1, usable_threads(0));
#else
  CHECK(usable_threads(3) == 1, usable_threads(3));
#endif
}

TEST(a_forked_child_works_alone) {
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> chunks{0};
    const int threads = usable_threads(4);
    parallel_for(with_threads(threads), 100, worth_threads, [&](int64_t, Worker&) { ++chunks; });
    _exit(threads == 1 && chunks == 100 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, status);
}

#if defined(__SSE2__)
TEST(the_floating_point_mode_is_the_callers_afterwards) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
  volatile double tiny = 1e-310;
  bool kept = false;
  parallel_for(with_threads(1), 1, 0, [&](int64_t, Worker&) { kept = tiny * 1.5 != 0; });
  CHECK(kept, "denormals are computed with");
  CHECK((_mm_getcsr() & 0x8040) == 0x8040, "the mode is restored");
  _mm_setcsr(before);
}
#endif
