// Interpolation of images, by which they are resized: nearest, linear, cubic are different taps.
//
// Dimensions: B images, H x W cells, OH x OW cells of the result, C channels. Along an axis of N
// cells, `places` cells of the result are each made of `count` cells, its taps, within [0, N), as
// the caller has checked.
//   x (B, H, W, C), y (B, OH, OW, C), without gaps and not overlapping; down and across are the
//   taps of rows and columns: y[b, i, j] = sum over k, l of down.weights[i, k] across.weights[j, l]
//                                 x[b, down.cells[i, k], across.cells[j, l]]
// Rows of y (forward) or images (backward) are shared among the threads.
#pragma once

#include <cstdint>

namespace lamina {

template <typename T>
struct Taps {
  const int32_t* cells;  // (places, count)
  const T* weights;      // (places, count)
  int64_t places, count;
};

template <typename T>
void interpolate(const T* x, int64_t B, int64_t H, int64_t W, int64_t C, const Taps<T>& down,
                 const Taps<T>& across, T* y);

template <typename T>
void interpolate_gradient(const T* dy, int64_t B, int64_t H, int64_t W, int64_t C,
                          const Taps<T>& down, const Taps<T>& across, T* dx);

}  // namespace lamina
