// How loops are shared out to threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <vector>

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
// them smaller than `grain`: for what keeps something for each share, or costs much to begin. What
// is not worth two threads runs on the caller's, as share 0. The shares depend on these numbers
// alone. Whoever keeps something for each share reads num_threads() once, for both: it may change
// meanwhile.
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

// The pieces of a loop on some threads: each does those of its own share one after the other, then
// what is left of the others'.
class Claims {
 public:
  Claims(int64_t pieces, int threads) : pieces_(pieces), threads_(threads) {
    if (pieces <= threads) return;  // nothing is ever left
    shares_ = std::vector<Share>(size_t(threads));
    for (int t = 0; t < threads; ++t) shares_[size_t(t)].next = first(t) + 1;
  }

  // The piece that a thread begins with, and nobody else.
  int64_t first(int thread) const { return pieces_ * thread / threads_; }

  // The next one for a thread, or -1 if all are begun.
  int64_t take(int thread) {
    for (size_t i = 0; i < shares_.size(); ++i) {
      const int owner = int((size_t(thread) + i) % shares_.size());
      std::atomic<int64_t>& next = shares_[size_t(owner)].next;
      const int64_t end = first(owner + 1);
      if (next.load(std::memory_order_relaxed) >= end) continue;
      const int64_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece < end) return piece;
    }
    return -1;
  }

 private:
  struct alignas(64) Share {  // a line of memory, which is its owner's as long as nobody helps
    std::atomic<int64_t> next{0};
  };
  const int64_t pieces_;
  const int threads_;
  std::vector<Share> shares_;
};

// Runs what make() returns, body(begin, end), over pieces of [0, count) of at most `piece`, or
// `grain` if that is more; each thread calls make() once. Cores are not equally fast, and others
// may be at work on one: a thread that is done goes on with what is left of the others' shares. The
// pieces depend on these numbers and num_threads() alone, and so do results that do not ask who
// made them.
template <typename Make>
void parallel_for_pieces(int64_t count, int64_t grain, int64_t piece, const Make& make) {
  const int64_t least = std::max<int64_t>(grain, 1), wanted = std::max(piece, least);
  const int threads = int(std::clamp<int64_t>(count / least, 1, num_threads()));
  const int64_t pieces = threads * ((count + threads * wanted - 1) / (threads * wanted));
  if (pieces == 0) return;
  Claims claims(pieces, threads);
  parallel(threads, [&](int thread, int) {
    auto body = make();
    int64_t i = claims.first(thread);
    do {
      body(count * i / pieces, count * (i + 1) / pieces);
      i = claims.take(thread);
    } while (i >= 0);
  });
}

// Runs body(begin, end) over pieces of [0, count), none of them smaller than `grain`, some for each
// thread.
template <typename Body>
void parallel_for(int64_t count, int64_t grain, const Body& body) {
  constexpr int64_t a_thread = 8, grains = 16;
  const int64_t piece = std::max(grains * grain, count / (a_thread * num_threads()));
  parallel_for_pieces(count, grain, piece,
                      [&] { return [&](int64_t begin, int64_t end) { body(begin, end); }; });
}

}  // namespace lamina
