// LSTM over whole sequences. Dimensions, layout, order and masks: sequence.h; G = 4 gates, in
// Keras's order i f c o:
//
//   i, f, o = recurrent_activation(x W + h R + b)      g = activation(x W + h R + b)
//   c' = f c + i g                                     h' = o activation(c')
//
// Both run on every thread, each with a share of the sequences; no array overlaps another.
#pragma once

#include "sequence.h"

namespace lamina {

template <typename T>
struct LstmArrays {
  Inputs<T> inputs;
  const T* recurrent_kernel;  // U x 4U
  const T* bias;              // 4U, or null
  const T *h0, *c0;           // B x U, or null for zeros
  T* gates;                   // B x T x 4U: i f g o of each step; with it null, and the next two,
  T *h_before, *c_before;     // B x T x U, the states before each step, nothing is kept
  T* outputs;                 // B x T x U, or null
  T *h, *c;                   // B x U: the last states
};

template <typename T>
void lstm(const Walk& walk, const LstmArrays<T>& arrays);

template <typename T>
struct LstmGradients {
  const T* recurrent_kernel;
  const T *gates, *c_before;       // as lstm has left them
  const T *d_outputs, *d_h, *d_c;  // of outputs, h and c, each null for zeros
  T* d_sums;                       // B x T x 4U: of x W + h R + b
  T *d_h0, *d_c0;                  // B x U
};

// The other gradients follow from d_sums by sequence.h.
template <typename T>
void lstm_gradient(const Walk& walk, const LstmGradients<T>& arrays);

}  // namespace lamina
