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

#include <cstdint>
#include <vector>

#include "activation.h"

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
};

// What the sums of the gates' inputs are made of: x W, x being B x T x D and W, the kernel, D x N.
template <typename T>
struct Inputs {
  const T *x, *kernel;
  int64_t D;
};

// d_inputs (rows x D) = d_sums (rows x N) times the transpose of kernel.
template <typename T>
void input_gradient(const T* d_sums, const T* kernel, T* d_inputs, int64_t rows, int64_t D,
                    int64_t N);

// A kernel that inputs (rows x D) were multiplied by, and where its gradient is to be written: D
// rows, `stride` apart. Serves the recurrent kernels too: their inputs are the states.
template <typename T>
struct KernelGradient {
  const T* inputs;
  int64_t D;
  T* gradient;
  int64_t stride;
};

// The gradients of all that sums are made of, from those of N of their columns, whose `rows` rows
// are d_stride apart and are read once: of the kernels, the transpose of their inputs times d_sums;
// and d_bias (N), the sum of its rows. Where there are many rows, each thread sums a share of them,
// and the shares are added in order. Throws std::bad_alloc.
template <typename T>
void parameter_gradients(const T* d_sums, int64_t d_stride, int64_t rows, int64_t N,
                         const std::vector<KernelGradient<T>>& kernels, T* d_bias);

}  // namespace lamina
