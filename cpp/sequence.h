// What the recurrent kernels (simple_rnn.h, gru.h, lstm.h) share: how a batch of sequences is
// walked, and the products that take all time steps at once.
//
// Dimensions: B sequences, T time steps, D inputs, U units, G gates. Arrays lie without gaps, batch
// first as in Keras: inputs B x T x D, sums of the gates and their gradients B x T x G U, states
// B x U. What is stored at a time step for the backward pass lies at that step's place in the
// input; outputs lie in the order in which they are computed, which differs when a walk goes
// backwards.
//
// A step whose mask is false leaves every state as it was; its output is the state from before it,
// or zeros if `zero_masked`. No gradient reaches what only such a step has computed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "activation.h"
#include "buffer.h"
#include "parallel.h"
#include "simd.h"

namespace lamina {

struct Walk {
  int64_t B, T, U;
  bool backwards;
  const bool* mask;  // B x T, or null
  bool zero_masked;
  Activation activation, recurrent_activation;

  // The place in the input of the step that is computed as number `step`.
  int64_t place(int64_t step) const { return backwards ? T - 1 - step : step; }
  bool is_masked(int64_t b, int64_t place) const { return mask && !mask[b * T + place]; }
  // The states in scratch memory are as long as whole registers.
  template <typename V>
  int64_t padded_units() const {
    return (U + kLanesOf<V> - 1) / kLanesOf<V> * kLanesOf<V>;
  }
};

// Sequences that walk together: their states and sums stay in the first two caches.
inline constexpr int64_t kSequenceBlock = 64;

// Calls body(first, count) for blocks of sequences that make up [0, B), on every thread. A step of
// one sequence costs `products` multiplications. Blocks of a share differ by one at most.
template <typename Body>
void for_blocks(const Walk& walk, int64_t products, Body body) {
  constexpr int64_t worth_a_thread = 64 * 1024;
  const int64_t grain = 1 + worth_a_thread / (1 + walk.T * products);
  parallel_for(walk.B, grain, [&](int64_t begin, int64_t end) {
    const int64_t count = end - begin, blocks = (count + kSequenceBlock - 1) / kSequenceBlock;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t first = begin + count * i / blocks;
      body(first, begin + count * (i + 1) / blocks - first);
    }
  });
}

// The first `count` lanes, 0 < count <= kLanesOf<T>; the others are zero.
template <typename T>
inline Vector<T> load_some(const T* p, int64_t count) {
  return count >= kLanesOf<T> ? load(p) : load_first(p, count);
}
template <typename T>
inline void store_some(T* p, Vector<T> v, int64_t count) {
  count >= kLanesOf<T> ? store(p, v) : store_first(p, v, count);
}

// Copies states between arrays (rows of U) and scratch (rows of padded_units, zeros beyond U). A
// null source is zeros; a null target is left out.
template <typename T>
void read_states(const Walk& walk, const T* from, int64_t first, int64_t count, T* scratch);
template <typename T>
void write_states(const Walk& walk, const T* scratch, int64_t first, int64_t count, T* to);

// Sums of the gates' inputs: out (B x T x N) = x (B x T x D) kernel (D x N), on every thread, and
// its gradients. `rows` is B T.
template <typename T>
void multiply_inputs(const T* x, const T* kernel, T* out, int64_t rows, int64_t D, int64_t N);

// d_inputs (rows x D) = d_sums (rows x N) times the transpose of kernel.
template <typename T>
void input_gradient(const T* d_sums, const T* kernel, T* d_inputs, int64_t rows, int64_t D,
                    int64_t N);

// d_kernel (D x N, rows `stride` apart) = transpose of inputs (rows x D) times N columns of d_sums,
// whose rows are d_stride apart. Serves the recurrent kernels too: their inputs are the states.
template <typename T>
void kernel_gradient(const T* inputs, const T* d_sums, int64_t d_stride, T* d_kernel,
                     int64_t stride, int64_t rows, int64_t D, int64_t N);

// d_bias (N) = the sum of d_sums' rows. The same for every number of threads.
template <typename T>
void bias_gradient(const T* d_sums, T* d_bias, int64_t rows, int64_t N);

}  // namespace lamina
