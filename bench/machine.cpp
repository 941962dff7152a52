// What this machine gives: fused multiply-adds and memory traffic, on one thread and on all.
// Prints: threads, GFLOP/s, GB/s copied within the last-level cache, GB/s copied in memory; and on
// all threads the microseconds that a message takes from one core to another and back. Those tell a
// good minute of a shared machine from a bad one: what small loops take goes with them.
// With an argument THREADS: the GFLOP/s of so many, and by how much they are faster than one in a
// product of matrices whose factors lie in the second level of cache: the median of stretches that
// alternate. In registers alone they may gain more: nothing has to come from a cache then.
// With THREADS and BYTES: GB/s of their copy, whose two arrays are together that large. A copied
// byte counts twice, once read and once written.
// With THREADS, BYTES and ROW: GB/s of reading a quarter of the rows of ROW bytes that a table of
// BYTES has, in any order, and of doing nothing with them: the best of a few ways to ask for them.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

namespace {

constexpr int kLanes = 16, kChains = 12;
constexpr int kRounds = 10;  // short ones: some of them have the cores for themselves
constexpr long kSteps = 5'000'000;
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
  for (int i = 0; i < kChains; ++i) chain[i] = Floats{} + (float(i) + 0.5f);  // none stays at 1
  const Floats a = Floats{} + 0.999f, b = Floats{} + 1e-3f;
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = chain[i] * a + b;
  }
  Floats total = {};
  for (const Floats& c : chain) total += c;
  *sink = total[0];
}

// A product of kRows rows with kColumns registers of columns, kDepth deep, a few times over: 300 kB
// of factors, read as kernels read theirs.
constexpr int kRows = 6, kColumns = 2, kDepth = 2048;
constexpr long kProducts = 1000;

void multiply_matrices(const float* rows, const Floats* columns, float* sink) {
  Floats sums[kRows][kColumns] = {};
  for (long product = 0; product < kProducts; ++product) {
    for (int k = 0; k < kDepth; ++k) {
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
        for (int j = 0; j < kColumns; ++j) {
          sums[i][j] += rows[i * kDepth + k] * columns[k * kColumns + j];
        }
      }
    }
  }
  Floats total = {};
  for (const auto& row : sums) total += row[0] + row[1];
  *sink = total[0];
}

double copy_rate(int threads, long floats, long repeats) {
  std::vector<std::vector<float>> from(threads), to(threads);
  best_of(1, threads, [&](int t) {
    from[t].assign(floats, 1);
    to[t].assign(floats, 0);
  });
  const double time = best_of(kRounds, threads, [&](int t) {
    for (long r = 0; r < repeats; ++r) {
      std::memcpy(to[t].data(), from[t].data(), floats * sizeof(float));
      from[t][r % floats] = to[t][0];
    }
  });
  return 2.0 * sizeof(float) * double(floats) * double(repeats) * threads / time / 1e9;
}

// The next rows are asked for while one is read, up to 512 bytes of each.
float read_rows(const float* table, long columns, const int* ids, long count, long ahead) {
  const long asked = std::min(columns, 128L);
  Floats total = {};
  for (long i = 0; i < count; ++i) {
    const float* next = table + ids[std::min(i + ahead, count - 1)] * columns;
    for (long j = 0; j < asked && ahead > 0; j += kLanes) __builtin_prefetch(next + j);
    const float* row = table + ids[i] * columns;
    for (long j = 0; j < columns; j += kLanes) {
      Floats some;
      std::memcpy(&some, row + j, sizeof some);
      total += some;
    }
  }
  return total[0];
}

double row_rate(int threads, long bytes, long row) {
  const long rows = bytes / row, count = rows / 4 / threads, columns = row / long(sizeof(float));
  std::vector<float> table(rows * columns + kLanes, 1), sinks(threads * 16);
  std::vector<int> ids(rows);
  std::iota(ids.begin(), ids.end(), 0);
  std::shuffle(ids.begin(), ids.end(), std::mt19937(1));
  double best = 1e9;
  for (long ahead : {0, 6, 12, 24}) {
    const auto read = [&](int t) {
      sinks[t * 16] = read_rows(table.data(), columns, ids.data() + t * count, count, ahead);
    };
    best = std::min(best, best_of(kRounds, threads, read));
  }
  return double(row) * double(count) * threads / best / 1e9;
}

// Seconds of the same multiply-adds on each of some threads: the best of a few rounds.
double multiply_add_time(int threads, int rounds) {
  std::vector<float> sinks(threads * 16);
  return best_of(rounds, threads, [&](int t) { multiply_add(kSteps, &sinks[t * 16]); });
}

double multiply_add_rate(int threads, double time) {
  return 2.0 * kChains * kLanes * double(kSteps) * threads / time / 1e9;
}

void print_rate_and_scaling(int threads) {
  struct Factors {
    std::vector<float> rows = std::vector<float>(kRows * kDepth, 1);
    std::vector<Floats> columns = std::vector<Floats>(kColumns * kDepth, Floats{} + 1);
  };
  std::vector<Factors> factors(threads);
  std::vector<float> sinks(threads * 16);
  const auto multiply = [&](int t) {
    multiply_matrices(factors[t].rows.data(), factors[t].columns.data(), &sinks[t * 16]);
  };
  std::vector<double> times, ratios;
  for (int round = 0; round < kRounds; ++round) {
    times.push_back(multiply_add_time(threads, 1));
    const double together = best_of(1, threads, multiply);
    ratios.push_back(threads * best_of(1, 1, multiply) / together);
  }
  std::nth_element(ratios.begin(), ratios.begin() + kRounds / 2, ratios.end());
  const double time = *std::min_element(times.begin(), times.end());
  std::printf("%.1f %.2f\n", multiply_add_rate(threads, time), ratios[kRounds / 2]);
}

// One thread raises a number, the other answers with the same, for a while: on a core that they
// have to share, a single answer takes milliseconds. -1 is the end.
double message_microseconds() {
  constexpr int most = 100'000;
  constexpr double longest = 0.2;  // seconds
  struct alignas(128) Box {
    std::atomic<int> number{0};
  } there, back;
  int trips = 0;
  const double time = best_of(1, 2, [&](int t) {
    if (t == 0) {
      const double start = now();
      while (trips < most && now() - start < longest) {
        there.number = ++trips;
        while (back.number != trips) continue;
      }
      there.number = -1;
    } else {
      for (int seen = 0; seen != -1;) {
        seen = there.number;
        back.number = seen;
      }
    }
  });
  return time / trips * 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const int chosen = argc > 1 ? std::atoi(argv[1]) : 0;
  if (argc == 2) {
    print_rate_and_scaling(chosen);
    return 0;
  }
  if (argc == 3) {
    const long bytes = std::atol(argv[2]);
    const long floats = std::max(bytes / 2 / long(sizeof(float)) / chosen, 1L);
    std::printf("%.1f\n", copy_rate(chosen, floats, std::max(400'000'000 / bytes, 1L)));
    return 0;
  }
  if (argc == 4) {
    std::printf("%.1f\n", row_rate(chosen, std::atol(argv[2]), std::atol(argv[3])));
    return 0;
  }
  for (int threads : {1, omp_get_max_threads()}) {
    const double time = multiply_add_time(threads, kRounds);
    std::printf("%d %.1f %.1f %.1f", threads, multiply_add_rate(threads, time),
                copy_rate(threads, 1 << 20, 50), copy_rate(threads, 1 << 25, 2));
    if (threads > 1) std::printf(" %.2f", message_microseconds());
    std::printf("\n");
  }
}
