#include "parallel.h"

#include <pthread.h>

#include <atomic>
#include <thread>

namespace lamina {
namespace {

std::atomic<int> chosen_threads{0};
std::atomic<bool> pool_used{false};
std::atomic<bool> pool_lost{false};

const int fork_handler = pthread_atfork(nullptr, nullptr, [] {
  if (pool_used) pool_lost = true;
});

}  // namespace

int num_threads() {
  (void)fork_handler;
  if (pool_lost) return 1;
  if (const int threads = chosen_threads) return threads;
#if defined(LAMINA_STD_THREADS)
  return int(std::thread::hardware_concurrency());
#else
  return omp_get_max_threads();
#endif
}

void set_num_threads(int threads) { chosen_threads = threads; }

bool pool_is_lost() { return pool_lost; }

void note_pool_use() { pool_used = true; }

}  // namespace lamina
