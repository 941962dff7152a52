// The only header that knows of OpenMP.
#pragma once

#include <cstdint>

#if defined(LAMINA_STD_THREADS)
#include <thread>
#include <vector>
#else
#include <omp.h>
#endif

namespace lamina {

// The number of threads that set_num_threads, or else OMP_NUM_THREADS, or else the machine gives.
// One in a forked child whose parent had used the pool: its threads did not survive the fork, and
// OpenMP would wait for them for ever.
int num_threads();
void set_num_threads(int threads);

// Called before the pool is used, so that a later fork knows.
void note_pool_use();

// Runs body(thread, threads) on every thread of a team and waits for all. The body must not throw.
template <typename Body>
void parallel(int threads, Body body) {
  if (threads > num_threads() && num_threads() == 1) threads = 1;
  if (threads <= 1) {
    body(0, 1);
    return;
  }
  note_pool_use();
#if defined(LAMINA_STD_THREADS)
  std::vector<std::thread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back([&body, t, threads] { body(t, threads); });
  body(0, threads);
  for (std::thread& thread : team) thread.join();
#else
#pragma omp parallel num_threads(threads)
  body(omp_get_thread_num(), omp_get_num_threads());
#endif
}

}  // namespace lamina
