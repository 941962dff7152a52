// Batch, group and layer normalisation, forward and backward.
//
// Dimensions: N rows (places of all samples, or samples), S places of a sample, C channels,
// G groups of C / G channels, D elements of a row. Arrays have no gaps and channels come last.
// gamma and beta are factors and summands, either may be null (1 and 0). Every pass runs in
// parallel over rows or samples; the result depends on the number of threads in its last bits
// alone.
//
// d_gamma and d_beta are always written; what a variance is computed from counts (not counts - 1).
#pragma once

#include <cstdint>

namespace lamina {

// The mean and the variance (C each) of the rows of x (N x C) for which keep (N bytes, or null for
// all) is not 0. Both are 0 where no row is kept. Returns how many are.
template <typename T>
int64_t batch_moments(const T* x, const uint8_t* keep, int64_t N, int64_t C, T* mean, T* variance);

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta; y may be x.
template <typename T>
void batch_normalization(const T* x, const T* mean, const T* variance, const T* gamma,
                         const T* beta, T epsilon, int64_t N, int64_t C, T* y);

// The gradient of that. With `kept` > 0, mean and variance are the moments of x's kept rows, `kept`
// in number, and dx has their part in it; with 0 they are constants. dx may be dy.
template <typename T>
void batch_normalization_gradient(const T* x, const T* dy, const uint8_t* keep, int64_t kept,
                                  const T* mean, const T* variance, const T* gamma, T epsilon,
                                  int64_t N, int64_t C, T* dx, T* d_gamma, T* d_beta);

// x (N x S x C): each sample's groups of channels are normalised over their places and channels.
// mean and inverse (N x G) become each group's mean and 1 / sqrt(variance + epsilon).
template <typename T>
void group_normalization(const T* x, const T* gamma, const T* beta, T epsilon, int64_t N, int64_t S,
                         int64_t C, int64_t G, T* y, T* mean, T* inverse);

template <typename T>
void group_normalization_gradient(const T* x, const T* dy, const T* mean, const T* inverse,
                                  const T* gamma, int64_t N, int64_t S, int64_t C, int64_t G, T* dx,
                                  T* d_gamma, T* d_beta);

// x (N x D): each row is normalised; gamma and beta have D elements. mean and inverse (N) become
// each row's mean and 1 / sqrt(variance + epsilon). If not `centered`, the mean stays in the
// numerator: y = x * inverse * gamma + beta.
template <typename T>
void layer_normalization(const T* x, const T* gamma, const T* beta, T epsilon, bool centered,
                         int64_t N, int64_t D, T* y, T* mean, T* inverse);

template <typename T>
void layer_normalization_gradient(const T* x, const T* dy, const T* mean, const T* inverse,
                                  const T* gamma, bool centered, int64_t N, int64_t D, T* dx,
                                  T* d_gamma, T* d_beta);

}  // namespace lamina
