// The processor's peak: independent fused multiply-adds in registers, on the given number of
// threads. Prints GFLOP/s in double and in single precision. Compiled for the machine at hand by
// bench/run.R, apart from the package.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

template <class T>
double gflops(int threads) {
  constexpr int lanes = 64 / sizeof(T), chains = 12;
  typedef T Vector __attribute__((vector_size(64)));
  constexpr long steps = 20000000;
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
    {
      Vector sums[chains] = {}, x = {}, y = {};
      x += T(1.0000001), y += T(1e-9);
      for (long i = 0; i < steps / chains; ++i)
        for (int c = 0; c < chains; ++c) {
          sums[c] = sums[c] * x + y;
          __asm__ volatile("" : "+x"(sums[c]));
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double rate = 2.0 * lanes * steps * threads / took.count() / 1e9;
    if (rate > best) best = rate;
  }
  return best;
}

int main(int, char** argv) {
  const int threads = std::atoi(argv[1]);
  std::printf("%.1f %.1f\n", gflops<double>(threads), gflops<float>(threads));
}
