// Max and average pooling, and their gradients.
//
// Dimensions: those of windows.h; C channels. x is B x H x W x C, y is B x OH x OW x C, without
// gaps; no output may overlap an input. The caller has checked that every window has a cell within
// the image and at most 2^24 cells in all. Only cells within the image take part: padding is no
// zero. Rows of y (forward) or images (backward) are shared among the threads.
#pragma once

#include <cstdint>

#include "windows.h"

namespace lamina {

// y = the largest cell of each window; NaN if one is NaN. If `chosen` (as y) is not null, it
// becomes which cell of the window that was, ky kw + kx: of equal ones the first. A whole number
// below 2^24 is exact in either type.
template <typename T>
void max_pool2d(const Windows& w, int64_t C, const T* x, T* y, T* chosen);

// dx: dy at the cells that were chosen, summed where windows overlap.
template <typename T>
void max_pool2d_gradient(const Windows& w, int64_t C, const T* chosen, const T* dy, T* dx);

// y = the mean of each window's cells.
template <typename T>
void average_pool2d(const Windows& w, int64_t C, const T* x, T* y);

template <typename T>
void average_pool2d_gradient(const Windows& w, int64_t C, const T* dy, T* dx);

// y (B x C) = the sum over n of weights[b, n] x[b, n, c], x being B x N x C and weights B x N: a
// mean, if the weights of a sample sum to one.
template <typename T>
void weighted_sum(const T* x, const T* weights, int64_t B, int64_t N, int64_t C, T* y);

// dx[b, n, c] = weights[b, n] dy[b, c].
template <typename T>
void weighted_sum_gradient(const T* dy, const T* weights, int64_t B, int64_t N, int64_t C, T* dx);

// The gradient of a maximum over all n, y[b, c] = max x[b, n, c]: elements that are equal to it
// share dy.
template <typename T>
void max_over_all_gradient(const T* x, const T* y, const T* dy, int64_t B, int64_t N, int64_t C,
                           T* dx);

}  // namespace lamina
