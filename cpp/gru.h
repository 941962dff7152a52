// GRU over whole sequences. Dimensions, layout, order and masks: sequence.h; G = 3 gates, in
// Keras's order z r h, where R = (Rz Rr Rh) and so on:
//
//   z, r = recurrent_activation(x W + b + h R + b')
//   g = activation(x Wh + bh + r (h Rh + b'h))    with reset_after: "inner" is h Rh + b'h
//   g = activation(x Wh + bh + (r h) Rh)          without: "inner" is r h, and there is no b'
//   h' = z h + (1 - z) g
//
// Both run on every thread, each with a share of the sequences; no array overlaps another.
#pragma once

#include "sequence.h"

namespace lamina {

template <typename T>
struct GruArrays {
  Inputs<T> inputs;
  bool reset_after;
  const T* recurrent_kernel;  // U x 3U
  const T* bias;              // 3U: b, or null
  const T* recurrent_bias;    // 3U: b', or null
  const T* h0;                // B x U, or null for zeros
  T* gates;                   // B x T x 3U: z r g of each step; null with the next two: not kept
  T *h_before, *inner;        // B x T x U: the state before each step, and inner; null: not kept
  T* outputs;                 // B x T x U, or null
  T* h;                       // B x U: the last state
};

template <typename T>
void gru(const Walk& walk, const GruArrays<T>& arrays);

template <typename T>
struct GruGradients {
  bool reset_after;
  const T* recurrent_kernel;
  const T *gates, *h_before, *inner;  // as gru has left them
  const T *d_outputs, *d_h;           // of outputs and h, each null for zeros
  T* d_sums;                          // B x T x 3U: of x W + b
  T* d_inner;                         // B x T x U: of h Rh + b'h with reset_after; else null
  T* d_h0;                            // B x U
};

// The other gradients follow by sequence.h: those of W and b from d_sums; those of the first 2U
// columns of R from h_before and d_sums, of the others from h_before and d_inner with reset_after,
// from inner and the last columns of d_sums without.
template <typename T>
void gru_gradient(const Walk& walk, const GruGradients<T>& arrays);

}  // namespace lamina
