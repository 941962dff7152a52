#include "thread_pool.h"

#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace lamina {
namespace {

// How many times a thread looks for what it waits for before it sleeps: for about as long as Python
// takes between two loops of a small network's step. On cores that others use too, a thread that
// stays awake longer keeps from its core the one that it waits for (bench/busy_cores.py).
constexpr int kLooks = 10'000;
constexpr size_t kLine = 64;  // bytes that travel together between cores

// OMP_WAIT_POLICY=passive asks threads to sleep at once.
int chosen_looks() {
  const char* policy = std::getenv("OMP_WAIT_POLICY");
  return policy && (policy[0] == 'p' || policy[0] == 'P') ? 0 : kLooks;
}

std::atomic<int> looks{chosen_looks()};

// A count that one thread raises and one other waits for.
class Count {
 public:
  // Returns whether the other thread sleeps, and is to be woken.
  bool raise() {
    const uint32_t next = (value_.load(std::memory_order_relaxed) | kAsleep) + 1;
    return value_.exchange(next, std::memory_order_acq_rel) & kAsleep;
  }
  void wake() { value_.notify_one(); }

  // Returns when the count has been raised `times` times in all (modulo 2^31).
  void await(uint32_t times) {
    const uint32_t wanted = times << 1;
    for (int i = looks.load(std::memory_order_relaxed); i > 0; --i) {
      if (value_.load(std::memory_order_acquire) == wanted) return;
      pause();
    }
    for (;;) {
      uint32_t now = value_.load(std::memory_order_acquire);
      if (now == wanted) return;
      if (now & kAsleep || value_.compare_exchange_weak(now, now | kAsleep)) {
        value_.wait(now | kAsleep, std::memory_order_acquire);
      }
    }
  }

 private:
  static constexpr uint32_t kAsleep = 1;  // the lowest bit; the others count
  std::atomic<uint32_t> value_{0};
};

// A thread that does one job after the other. It is never ended: it sleeps when the process does.
class Helper {
 public:
  explicit Helper(int number) : number_(number) {
    std::thread thread([this] { work(); });
    handle_ = thread.native_handle();
    thread.detach();
  }

  void start(const Job& job) {
    job_ = job;
    ++jobs_;
    is_asleep_ = started_.raise();
  }
  // What takes longer, once all helpers that are awake have begun.
  void settle() {
    keep_off_this_core();
    if (is_asleep_) started_.wake();
  }
  void await_end() { ended_.await(jobs_); }

 private:
  [[noreturn]] void work() {
    for (uint32_t jobs = 1;; ++jobs) {
      started_.await(jobs);
      job_.call(job_.body, number_);
      if (ended_.raise()) ended_.wake();
    }
  }

  // A thread that wakes up may be put on the core of the one that woke it, and wait there until
  // that one sleeps, for many loops in a row. So may the one that works here, when a helper wakes
  // it: then the helper has to go, though it is awake.
  void keep_off_this_core() {
#if defined(__linux__)
    const int core = sched_getcpu();
    if (core < 0 || (core == kept_off_ && !is_asleep_)) return;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_CLR(core, &allowed);
    const bool is_kept_off =
        CPU_COUNT(&allowed) > 0 && pthread_setaffinity_np(handle_, sizeof allowed, &allowed) == 0;
    kept_off_ = is_kept_off ? core : -1;
#endif
  }

  alignas(kLine) Count started_;
  Job job_{};
  uint32_t jobs_ = 0;
  int number_, kept_off_ = -1;
  bool is_asleep_ = false;
  alignas(kLine) Count ended_;
  std::thread::native_handle_type handle_;
};

class Pool {
 public:
  void run(int threads, const Job& job) {
    // More threads than cores, if they stay awake, keep each other from them.
    static const int usual_looks = looks, all_cores = cores();
    looks.store(threads <= all_cores ? usual_looks : 0, std::memory_order_relaxed);
    const bool is_ours = !busy_.exchange(true, std::memory_order_acquire);
    const int helped = is_ours ? std::min(threads, 1 + helpers_for(threads - 1)) : 1;
    for (int t = 1; t < helped; ++t) helpers_[size_t(t - 1)]->start(job);
    for (int t = 1; t < helped; ++t) helpers_[size_t(t - 1)]->settle();
    job.call(job.body, 0);
    for (int t = helped; t < threads; ++t) job.call(job.body, t);
    for (int t = 1; t < helped; ++t) helpers_[size_t(t - 1)]->await_end();
    if (is_ours) busy_.store(false, std::memory_order_release);
  }

 private:
  int helpers_for(int count) {
    try {
      while (int(helpers_.size()) < count) {
        helpers_.push_back(std::make_unique<Helper>(int(helpers_.size()) + 1));
      }
    } catch (const std::exception&) {  // no memory, or as many threads as the system allows
    }
    return int(helpers_.size());
  }

  std::vector<std::unique_ptr<Helper>> helpers_;
  std::atomic<bool> busy_{false};
};

// Never destroyed: helpers may be asleep in it when the process ends.
std::atomic<Pool*> pool{new Pool};

// A child's memory has its parent's pool, but none of its threads.
const int fork_handler = pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });

}  // namespace

int cores() {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return std::max(1, int(std::thread::hardware_concurrency()));
}

void run_on_team(int threads, const Job& job) {
  (void)fork_handler;
  pool.load(std::memory_order_acquire)->run(threads, job);
}

}  // namespace lamina
