// What this machine gives: fused multiply-adds and memory traffic, on one thread and on all.
// Prints: threads, GFLOP/s, GB/s copied within the last-level cache, GB/s copied in memory.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr int kLanes = 16, kChains = 12;
typedef float Floats __attribute__((vector_size(kLanes * 4)));

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double best_of(int rounds, int threads, auto body) {
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const double start = now();
#pragma omp parallel num_threads(threads)
    body(omp_get_thread_num());
    best = std::min(best, now() - start);
  }
  return best;
}

// Twelve independent chains of multiply-adds: more than the latency times the width of the units.
void multiply_add(long steps, float* sink) {
  Floats chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = Floats{} + float(i);
  const Floats a = Floats{} + 0.999f, b = Floats{} + 1e-3f;
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = chain[i] * a + b;
  }
  Floats total = {};
  for (const Floats& c : chain) total += c;
  *sink = total[0];
}

double copy_rate(int threads, long floats, long repeats) {
  std::vector<std::vector<float>> from(threads), to(threads);
  best_of(1, threads, [&](int t) {
    from[t].assign(floats, 1);
    to[t].assign(floats, 0);
  });
  const double time = best_of(5, threads, [&](int t) {
    for (long r = 0; r < repeats; ++r) {
      std::memcpy(to[t].data(), from[t].data(), floats * sizeof(float));
      from[t][r % floats] = to[t][0];
    }
  });
  return 2.0 * sizeof(float) * double(floats) * double(repeats) * threads / time / 1e9;
}

}  // namespace

int main() {
  constexpr long steps = 20'000'000;
  std::vector<float> sinks(1024);
  for (int threads : {1, omp_get_max_threads()}) {
    const double time = best_of(5, threads, [&](int t) { multiply_add(steps, &sinks[t * 16]); });
    const double flops = 2.0 * kChains * kLanes * double(steps) * threads / time;
    std::printf("%d %.1f %.1f %.1f\n", threads, flops / 1e9, copy_rate(threads, 1 << 20, 200),
                copy_rate(threads, 1 << 25, 4));
  }
}
