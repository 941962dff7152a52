// Passes down the columns of a matrix, on the caller's thread: what batch and group normalisation
// are made of.
//
// Dimensions: N rows, C columns (channels). x, y and their gradients are N x C without gaps; all
// else has C elements. `keep`, unless null, has N bytes: rows where it is 0 are left out.
#pragma once

#include <cstdint>

namespace lamina::columns {

// With d = x - pivot, mean and squares become the mean of d and the sum of (d - mean)^2 over the
// rows kept, whose number is returned; both are 0 where there are none. Blocks of rows that fit the
// cache are gone through twice and merged (Chan, Golub, LeVeque 1983): one pass over memory. Any
// value of a column is a good pivot; without one, a mean that is large against the deviation would
// cost digits.
template <typename T>
int64_t moments(const T* x, const uint8_t* keep, const T* pivot, int64_t N, int64_t C, T* mean,
                T* squares);

// Adds the moments of other_count further rows.
template <typename T>
void merge_moments(T* mean, T* squares, int64_t count, const T* other_mean, const T* other_squares,
                   int64_t other_count, int64_t C);

// sums = the sum of dy's rows, products = the sum of dy * (x - mean).
template <typename T>
void gradient_sums(const T* x, const T* dy, const T* mean, int64_t N, int64_t C, T* sums,
                   T* products);

// y = (x - mean) * scale + shift; y may be x.
template <typename T>
void scale_and_shift(const T* x, const T* mean, const T* scale, const T* shift, T* y, int64_t N,
                     int64_t C);

// dx = dy * scale + (x - mean) * slope + shift, in rows left out dy * scale alone; dx may be dy.
template <typename T>
void combine_gradients(const T* x, const T* dy, const uint8_t* keep, const T* mean, const T* scale,
                       const T* slope, const T* shift, T* dx, int64_t N, int64_t C);

}  // namespace lamina::columns
