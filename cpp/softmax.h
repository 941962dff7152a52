// Softmax over the last axis: y = exp(x) / sum(exp(x)), and its logarithm.
//
// Dimensions: N rows, C classes. All arrays are N x C without gaps; an output may be one of its
// inputs. In parallel over rows.
#pragma once

#include <cstdint>

namespace lamina {

template <typename T>
void softmax(const T* x, T* y, int64_t N, int64_t C);

// dx = y (dy - sum(y dy)), from the output y.
template <typename T>
void softmax_gradient(const T* y, const T* dy, T* dx, int64_t N, int64_t C);

template <typename T>
void log_softmax(const T* x, T* y, int64_t N, int64_t C);

// dx = dy - exp(y) sum(dy), from the output y.
template <typename T>
void log_softmax_gradient(const T* y, const T* dy, T* dx, int64_t N, int64_t C);

// The largest of a row's C elements (NaN if one is NaN), and the logarithm of the sum of
// exp(x - largest): the two numbers that make a softmax of a row. C > 0. On the caller's thread.
template <typename T>
struct RowScale {
  T largest, log_sum;
};
template <typename T>
RowScale<T> row_scale(const T* x, int64_t C);

}  // namespace lamina
