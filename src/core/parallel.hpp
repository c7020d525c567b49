// Threads. The only place that knows OpenMP: chunks are cut by the problem, so their
// number and order never depend on the threads, and neither do the bits of a result.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>

namespace nnconv {

// Which algorithms a call may use: kernels of the written order alone, also those of its accuracy
// and footprint, or faster ones that are less accurate too.
enum class Policy { direct, automatic, fast };

// What a call brings along: the threads that were asked for, as usable_threads() takes them, how
// the host is asked whether to go on, and what the caller allows. `poll` is called on the calling
// thread only; it throws to end the call.
struct Context {
  int threads = 1;
  void (*poll)() = nullptr;
  Policy policy = Policy::automatic;
};

// Asks the host now and then, for work on the calling thread. Where its estimate in operations is
// small it asks nothing, and has no clock to look at.
class Poll {
 public:
  Poll(const Context& context, double work);
  void now_and_then();

 private:
  void (*const poll_)();
  std::chrono::steady_clock::time_point last_;
};

// A function that somebody else keeps, to be called before that ends: unlike std::function it needs
// no memory.
template <class... Arguments>
class FunctionView {
 public:
  template <class Function>
  FunctionView(const Function& function)
      : function_(&function), call_([](const void* kept, Arguments... arguments) {
          (*static_cast<const Function*>(kept))(arguments...);
        }) {}
  void operator()(Arguments... arguments) const { call_(function_, arguments...); }

 private:
  const void* function_;
  void (*call_)(const void*, Arguments...);
};

class Team;

// One thread's view of a parallel loop.
class Worker {
 public:
  Worker(Team& team, int index) : team_(team), index_(index) {}

  // 0 is the calling thread.
  int index() const { return index_; }

  // Scratch of this thread's own, the same for all its chunks.
  template <class Scratch>
  Scratch& local() {
    if (!local_) local_ = std::make_shared<Scratch>();
    return *static_cast<Scratch*>(local_.get());
  }

  // Whether to end, to be asked between the parts of a long chunk. On the calling thread it
  // polls the host now and then.
  bool stopped();

 private:
  Team& team_;
  int index_;
  std::shared_ptr<void> local_;
};

// Runs body(chunk, worker) for every chunk in [0, chunks). What a body or the poll throws
// ends the loop and is thrown again here, after the region. `work` is an estimate in
// operations: small loops run on the calling thread.
void parallel_for(const Context& context, int64_t chunks, double work,
                  FunctionView<int64_t, Worker&> body);

// Likewise for ranges [begin, end) of `count` elements that are copied or set.
void parallel_ranges(const Context& context, int64_t count, FunctionView<int64_t, int64_t> body);

// Threads for a call when `asked` were asked for (0: no wish): the processors that this
// process may use and OMP_NUM_THREADS by default, OMP_THREAD_LIMIT always; 1 in a forked child.
int usable_threads(int asked);

// Whether this was built with OpenMP, and whether this is a forked child of the process that loaded
// it.
bool has_openmp();
bool is_forked_child();

}  // namespace nnconv
