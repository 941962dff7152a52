// Depthwise convolution: every channel has filters of its own.
//
// Dimensions: those of windows.h; C channels, M filters for each of them (the depth multiplier).
//   x       B x H x W x C
//   kernel  kh x kw x C x M
//   y       B x OH x OW x (C M), filter m of channel c at c M + m
//   y[b, oy, ox, c M + m] = sum of x[b, iy, ix, c] kernel[ky, kx, c, m] over the cells of the
//   window
// All arrays are without gaps and none may overlap an output. The caller has checked the sizes: all
// but B are positive. Rows of the output are shared among the threads. With M > 1, the kernels work
// on a copy of x, or of its gradient, in which every channel stands M times.
#pragma once

#include <cstdint>

#include "activation.h"
#include "windows.h"

namespace lamina {

// y = activation(convolution(x, kernel) + bias); bias has C M elements or is null.
template <typename T>
void depthwise_conv2d(const Windows& w, int64_t C, int64_t M, const T* x, const T* kernel,
                      const T* bias, Activation activation, T* y);

// dx from dy.
template <typename T>
void depthwise_conv2d_gradient_input(const Windows& w, int64_t C, int64_t M, const T* dy,
                                     const T* kernel, T* dx);

// d_kernel from x and dy. Every thread sums what its rows give, and the sums are added in the
// threads' order.
template <typename T>
void depthwise_conv2d_gradient_kernel(const Windows& w, int64_t C, int64_t M, const T* x,
                                      const T* dy, T* d_kernel);

}  // namespace lamina
