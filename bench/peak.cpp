// The processor's peak: independent fused multiply-adds in registers, on the given number of
// threads. Prints GFLOP/s in double and in single precision. Compiled for the machine at hand by
// bench/machine.R, apart from the package.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

// Width of a register in bytes; chains that hide the latency and leave registers for x and y.
#if defined(__AVX512F__)
constexpr int width = 64, chains = 12;
#elif defined(__AVX__)
constexpr int width = 32, chains = 12;
#elif defined(__aarch64__)
constexpr int width = 16, chains = 24;
#else
constexpr int width = 16, chains = 12;
#endif

#if defined(__x86_64__)
#define KEEP(sum) __asm__ volatile("" : "+x"(sum))
#elif defined(__aarch64__)
#define KEEP(sum) __asm__ volatile("" : "+w"(sum))
#else
#define KEEP(sum)
#endif

template <class T>
double gflops(int threads) {
  typedef T Vector __attribute__((vector_size(width)));
  constexpr long steps = 1000000;
  double best = 0;
  for (int round = 0; round < 100; ++round) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
    {
      Vector sums[chains] = {}, x = {}, y = {};
      x += T(1.0000001), y += T(1e-9);
      for (long i = 0; i < steps; ++i)
        for (int c = 0; c < chains; ++c) {
          sums[c] = sums[c] * x + y;
          KEEP(sums[c]);
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double lanes = width / sizeof(T);
    const double rate = 2 * lanes * chains * steps * threads / took.count() / 1e9;
    if (rate > best) best = rate;
  }
  return best;
}

int main(int, char** argv) {
  const int threads = std::atoi(argv[1]);
  std::printf("%.1f %.1f\n", gflops<double>(threads), gflops<float>(threads));
}
