// How loops are shared out to threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "thread_pool.h"

namespace lamina {

// To begin a loop on all threads and to wait for them takes a few messages from core to core, and
// what one has written costs the other to read: little work is not worth a thread. In
// elements that are read and written, in elements of which a function like exp is taken, and in
// multiplications of a matrix product.
inline constexpr int64_t kElementsWorthAThread = 64 * 1024;
inline constexpr int64_t kFunctionsWorthAThread = 16 * 1024;
inline constexpr int64_t kProductsWorthAThread = 256 * 1024;

// Rows of so many elements that are worth a thread.
inline int64_t grain_of_rows(int64_t elements) {
  return std::max<int64_t>(1, kElementsWorthAThread / std::max<int64_t>(elements, 1));
}

// The number of threads that set_num_threads, or else OMP_NUM_THREADS, or else the machine gives.
int num_threads();
void set_num_threads(int threads);

// Runs body(thread, threads) for every thread of a team and waits for all. What bodies do must not
// wait for one another: they may run one after the other. The first thing that a body throws (for
// want of memory, say) is thrown again here: an exception must not leave a thread.
template <typename Body>
void parallel(int threads, const Body& body) {
  if (threads <= 1) {
    body(0, 1);
    return;
  }
  struct Team {
    const Body& body;
    int threads;
    std::atomic<bool> has_thrown{false};
    std::exception_ptr thrown{};
  } team{body, threads};
  run_on_team(threads, {[](void* given, int thread) {
                          Team& own = *static_cast<Team*>(given);
                          try {
                            own.body(thread, own.threads);
                          } catch (...) {
                            if (!own.has_thrown.exchange(true)) {
                              own.thrown = std::current_exception();
                            }
                          }
                        },
                        &team});
  if (team.thrown) std::rethrow_exception(team.thrown);
}

// Runs body(share, begin, end) over shares of [0, count), one a thread and at most `most`, none of
// them smaller than `grain`: what is not worth two threads runs on the caller's, as share 0. The
// shares depend on these numbers alone. Whoever keeps something for each share reads num_threads()
// once, for both: it may change meanwhile.
template <typename Body>
void parallel_for_shares(int most, int64_t count, int64_t grain, Body body) {
  const int64_t worth = count / std::max<int64_t>(grain, 1);
  const int threads = int(std::min<int64_t>(most, worth));
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
  parallel_for_shares(num_threads(), count, grain,
                      [&](int, int64_t begin, int64_t end) { body(begin, end); });
}

}  // namespace lamina
