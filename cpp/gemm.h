// Matrix products, by OpenBLAS. Every call of it is serial: threads are ours (parallel.h), so that
// no second pool spins against the first. Matrices are row by row; lda, ldb and ldc are how many
// elements their stored rows are apart. T is float or double.
#pragma once

#include <cstdint>
#include <string>

namespace lamina {

// c (m x n) = a (m x k) times the transpose of b (n x k), on the caller's thread.
void multiply_transposed(const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                         int64_t ldc, int64_t m, int64_t n, int64_t k);

enum class Stored { kPlain, kTransposed };

// c (m x n) = op(a) (m x k) times op(b) (k x n) + beta c, on the caller's thread. A matrix that is
// kTransposed is stored as its transpose. With beta 0, c may hold anything, NaN included.
template <typename T>
void multiply(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k, const T* a,
              int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

// The same on every thread, in tiles of c; small products stay on the caller's. c must not overlap
// a or b. Each element is summed by one thread.
template <typename T>
void multiply_in_tiles(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k,
                       const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

std::string openblas_config();

}  // namespace lamina
