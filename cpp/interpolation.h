// Interpolation along one axis, by which images are enlarged: nearest, linear, cubic are different
// taps. Two axes are two calls.
//
// Dimensions: A what stands before the axis, N its cells, M cells of the result, C what stands
// behind it; K taps for each cell of the result.
//   x (A, N, C), y (A, M, C), cells and weights (M, K), the cells within [0, N): checked by the
//   caller y[a, m, c] = sum over k of weights[m, k] x[a, cells[m, k], c]
// Outputs overlap nothing. Rows of y (forward) or of A and C (backward) are shared among the
// threads.
#pragma once

#include <cstdint>

namespace lamina {

template <typename T>
void interpolate(const T* x, const int32_t* cells, const T* weights, int64_t A, int64_t N,
                 int64_t C, int64_t M, int64_t K, T* y);

template <typename T>
void interpolate_gradient(const T* dy, const int32_t* cells, const T* weights, int64_t A, int64_t N,
                          int64_t C, int64_t M, int64_t K, T* dx);

}  // namespace lamina
