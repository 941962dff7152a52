// A fully connected recurrent layer over whole sequences: h' = activation(x W + h R + b).
// Dimensions, layout, order and masks: sequence.h; G = 1.
//
// Both run on every thread, each with a share of the sequences; no array overlaps another.
#pragma once

#include "sequence.h"

namespace lamina {

template <typename T>
struct SimpleRnnArrays {
  Inputs<T> inputs;
  const T* recurrent_kernel;  // U x U
  const T* bias;              // U, or null
  const T* h0;                // B x U, or null for zeros
  T* sums;                    // B x T x U: activated; null with the next one: not kept
  T* h_before;                // B x T x U: the state before each step; null: not kept
  T* outputs;                 // B x T x U, or null
  T* h;                       // B x U: the last state
};

template <typename T>
void simple_rnn(const Walk& walk, const SimpleRnnArrays<T>& arrays);

template <typename T>
struct SimpleRnnGradients {
  const T* recurrent_kernel;
  const T* activated;        // the sums, as simple_rnn has left them
  const T *d_outputs, *d_h;  // of outputs and h, each null for zeros
  T* d_sums;                 // B x T x U: of x W + h R + b
  T* d_h0;                   // B x U
};

// The other gradients follow from d_sums by sequence.h.
template <typename T>
void simple_rnn_gradient(const Walk& walk, const SimpleRnnGradients<T>& arrays);

}  // namespace lamina
