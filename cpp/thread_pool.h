// The threads that loops are shared out to (parallel.h), and how they are woken.
//
// What a loop costs beyond its work is the messages from core to core: a helper is sent one line of
// memory and answers with another. Helpers wait awake for a short while, so that the next loop
// finds them, then sleep.
#pragma once

namespace lamina {

// What every thread of a team calls once, with its own number. Must not throw.
struct Job {
  void (*call)(void* body, int thread);
  void* body;
};

// What a thread that waits awake does meanwhile.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The cores that this process may run on, one at least.
int cores();

// Calls the job with each number from 0 to threads - 1 and returns when all calls have: number 0 on
// the caller's thread, the others on helpers. Where there are none (while another thread has them,
// from within a job, or because the system gives no more threads) the caller calls them itself, one
// after the other.
void run_on_team(int threads, const Job& job);

}  // namespace lamina
