// Matrix products. Matrices are row by row; lda, ldb and ldc are how many elements their stored
// rows are apart. T is float or double. c must not overlap a or b.
#pragma once

#include <cstdint>

namespace lamina {

// A matrix that is kTransposed is stored as its transpose.
enum class Stored { kPlain, kTransposed };

// c (m x n) = op(a) (m x k) times op(b) (k x n), on every thread. Where c is small and k is long,
// as in the gradient of a kernel, each thread sums a share of k, and the shares are added in order.
// Blocks of k are summed apart, so that rounding does not grow with k.
template <typename T>
void multiply(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k, const T* a,
              int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc);

// The same for `batch` products whose matrices follow each other without gaps.
template <typename T>
void multiply_batches(Stored a_stored, Stored b_stored, int64_t batch, int64_t m, int64_t n,
                      int64_t k, const T* a, const T* b, T* c);

}  // namespace lamina
