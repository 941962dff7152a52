// Convolution of images, its two gradients, and with them the transposed convolution.
//
// Dimensions: those of windows.h; C channels in, F filters, G groups. Group g sees channels
// [g C/G, (g + 1) C/G) and makes filters [g F/G, (g + 1) F/G).
//   x       B x H x W x C
//   kernel  kh x kw x C/G x F
//   y       B x OH x OW x F
//   y[b, oy, ox, f] = sum of x[b, iy, ix, c] kernel[ky, kx, c, f] over the cells of the window;
//   cells outside of the image count as zeros.
// All arrays are without gaps and none may overlap an output. The caller has checked the sizes:
// all but B are positive, G divides C and F. Bands of images are shared among the threads; their
// places are read where they lie by matrix products (correlation.h), or tile by tile by Winograd's
// algorithm (winograd.h).
#pragma once

#include <cstdint>

#include "activation.h"
#include "windows.h"

namespace lamina {

struct Convolution {
  Windows windows;
  int64_t C, F, G;
};

// y = activation(convolution(x, kernel) + bias); bias has F elements or is null.
template <typename T>
void conv2d(const Convolution& c, const T* x, const T* kernel, const T* bias, Activation activation,
            T* y);

// dx = activation(what reaches x from dy + bias), dy as y and dx as x. As the gradient, bias is
// null and the activation linear; with them, it is the transposed convolution, and bias has C
// elements.
template <typename T>
void conv2d_gradient_input(const Convolution& c, const T* dy, const T* kernel, const T* bias,
                           Activation activation, T* dx);

// d_kernel, as kernel, from x and dy. Every thread sums what its places give, and the sums are
// added in the threads' order; or what all places give to some of the channels (winograd.h).
template <typename T>
void conv2d_gradient_kernel(const Convolution& c, const T* x, const T* dy, T* d_kernel);

}  // namespace lamina
