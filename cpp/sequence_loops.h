// The loops that the recurrent kernels share (sequence.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "buffer.h"
#include "panels.h"
#include "parallel.h"
#include "sequence.h"
#include "simd.h"

namespace lamina {

// The units of a state in scratch memory, which is as long as whole registers.
template <typename T>
int64_t padded_units(const Walk& walk) {
  return (walk.U + kLanesOf<T> - 1) / kLanesOf<T> * kLanesOf<T>;
}

// Sequences that walk together: their states and sums stay in the first two caches.
inline constexpr int64_t kSequenceBlock = 64;

// Calls body(first, count) for blocks of sequences that make up [0, B), on every thread. A step of
// one sequence costs `products` multiplications. Blocks of a share differ by one at most.
template <typename Body>
void for_blocks(const Walk& walk, int64_t products, Body body) {
  const int64_t grain = 1 + kProductsWorthAThread / (1 + walk.T * products);
  parallel_for_shares(num_threads(), walk.B, grain, [&](int, int64_t begin, int64_t end) {
    const int64_t count = end - begin, blocks = (count + kSequenceBlock - 1) / kSequenceBlock;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t first = begin + count * i / blocks;
      body(first, begin + count * (i + 1) / blocks - first);
    }
  });
}

// How many places there are from a step to the one that the backward pass takes next.
inline int64_t places_to_next_backward(const Walk& walk, int64_t step) {
  return walk.place(std::max<int64_t>(step - 1, 0)) - walk.place(step);
}

// Fetches one register of units of each gate, for what a sequence has at the next step lies too far
// from what the sequence before it has for the hardware to foresee.
template <typename T>
inline void fetch_units(const T* units, int64_t U, int gates) {
  for (int g = 0; g < gates; ++g) __builtin_prefetch(units + g * U);
}

// The sums of the gates' inputs, B x T x N, and what makes them. Throws std::bad_alloc.
template <typename T>
class InputSums {
 public:
  // Packs the kernel; with fewer sequences than threads, makes all sums at once. Where `sums` is
  // null, they are not kept.
  InputSums(const Walk& walk, const Inputs<T>& inputs, int64_t N, T* sums);

 private:
  template <typename>
  friend class BlockSums;

  const Walk& walk_;
  Inputs<T> inputs_;
  int64_t N_;
  T* sums_;
  Buffer<T> own_;
  std::optional<Panels<T>> panels_;  // none if all sums are there
};

// Those of a block of sequences, made a few steps before they are wanted, so that they are still in
// the second level of cache.
template <typename T>
class BlockSums {
 public:
  BlockSums(const InputSums<T>& all, int64_t first, int64_t count);

  // Makes the sums of `step` and some that follow, if they are not there. Is to be called at each
  // step, in their order.
  void prepare(int64_t step);

  // The N sums of one of the block's sequences; they may be overwritten.
  T* row(int64_t sequence, int64_t step) const {
    const int64_t place = all_.sums_ ? all_.walk_.place(step) : step % steps_;
    return begin_ + sequence * stride_ + place * all_.N_;
  }

 private:
  static constexpr int64_t kRows = 128;
  static_assert(kSequenceBlock <= kRows);

  const InputSums<T>& all_;
  int64_t first_, count_, steps_;
  Buffer<T> scratch_;
  T* begin_;
  int64_t stride_;  // from a sequence to the next
};

// Copies states between arrays (rows of U) and scratch (rows of padded_units, zeros beyond U). A
// null source is zeros; a null target is left out.
template <typename T>
void read_states(const Walk& walk, const T* from, int64_t first, int64_t count, T* scratch);
template <typename T>
void write_states(const Walk& walk, const T* scratch, int64_t first, int64_t count, T* to);

}  // namespace lamina
