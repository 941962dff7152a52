// The only header that knows of OpenMP.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#if defined(LAMINA_STD_THREADS)
#include <thread>
#include <vector>
#else
#include <omp.h>
#endif

namespace lamina {

// To begin a loop on all threads and to wait for them takes 2 to 6 microseconds where they are
// awake: what takes less is not worth a thread. In elements that are read and written, in elements
// of which a function like exp is taken, and in multiplications of a matrix product.
inline constexpr int64_t kElementsWorthAThread = 64 * 1024;
inline constexpr int64_t kFunctionsWorthAThread = 16 * 1024;
inline constexpr int64_t kProductsWorthAThread = 512 * 1024;

// The number of threads that set_num_threads, or else OMP_NUM_THREADS, or else the machine gives.
// One in a forked child whose parent had used the pool: its threads did not survive the fork, and
// OpenMP would wait for them for ever.
int num_threads();
void set_num_threads(int threads);

// Whether this is such a child.
bool pool_is_lost();

// Called before the pool is used, so that a later fork knows.
void note_pool_use();

// Runs body(thread, threads) on every thread of a team and waits for all. The team may be smaller
// than asked for. The first thing that a body throws (for want of memory, say) is thrown again
// here: an exception must not leave a thread.
template <typename Body>
void parallel(int threads, Body body) {
  if (threads <= 1 || pool_is_lost()) {
    body(0, 1);
    return;
  }
  note_pool_use();
  std::exception_ptr thrown;
  std::atomic<bool> has_thrown{false};
  const auto guarded = [&](int thread, int team) {
    try {
      body(thread, team);
    } catch (...) {
      if (!has_thrown.exchange(true)) thrown = std::current_exception();
    }
  };
#if defined(LAMINA_STD_THREADS)
  std::vector<std::thread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back([&, t] { guarded(t, threads); });
  guarded(0, threads);
  for (std::thread& thread : team) thread.join();
#else
#pragma omp parallel num_threads(threads)
  guarded(omp_get_thread_num(), omp_get_num_threads());
#endif
  if (thrown) std::rethrow_exception(thrown);
}

// Runs body(share, begin, end) over shares of [0, count), one a thread and at most num_threads(),
// none of them smaller than `grain`: what is not worth two threads runs on the caller's, as share
// 0. The shares depend on the number of threads alone.
template <typename Body>
void parallel_for_shares(int64_t count, int64_t grain, Body body) {
  const int64_t worth = count / std::max<int64_t>(grain, 1);
  const int threads = int(std::min<int64_t>(num_threads(), worth));
  if (threads <= 1) {
    if (count > 0) body(0, int64_t(0), count);
    return;
  }
  parallel(threads, [&](int thread, int team) {
    const int64_t begin = count * thread / team, end = count * (thread + 1) / team;
    if (begin < end) body(thread, begin, end);
  });
}

// The same for a body(begin, end) that keeps nothing apart.
template <typename Body>
void parallel_for(int64_t count, int64_t grain, Body body) {
  parallel_for_shares(count, grain, [&](int, int64_t begin, int64_t end) { body(begin, end); });
}

}  // namespace lamina
