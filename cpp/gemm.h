// Matrix products, by OpenBLAS. Every call of it is serial: threads are ours (parallel.h), so that
// no second pool spins against the first. Matrices are row by row; lda, ldb and ldc are how many
// elements their stored rows are apart. T is float or double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "parallel.h"

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

// body(first_row, rows, first_column, columns) for the tiles that an m x n result of sums over k is
// cut into, one a thread; small products stay on the caller's. The longer side is cut, in multiples
// of 16, a register tile's.
template <typename Body>
void for_tiles(int64_t m, int64_t n, int64_t k, Body body) {
  // Below this many multiplications a second thread costs more than it gives.
  constexpr int64_t worth_a_thread = 64 * 1024;
  const bool cut_rows = m >= n;
  const int64_t side = cut_rows ? m : n, work = std::max<int64_t>((cut_rows ? n : m) * k, 1);
  const int64_t grain = std::max<int64_t>(16, worth_a_thread / work);
  parallel_for((side + 15) / 16, (grain + 15) / 16, [&](int64_t first, int64_t last) {
    const int64_t begin = first * 16, count = std::min(last * 16, side) - begin;
    if (cut_rows) {
      body(begin, count, int64_t(0), n);
    } else {
      body(int64_t(0), m, begin, count);
    }
  });
}

// `multiply` on every thread. c must not overlap a or b. Where c is small and k is long, as in the
// gradient of a kernel, each thread sums a share of k, and the shares are added in order.
template <typename T>
void multiply_in_tiles(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k,
                       const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

// The same for `batch` products whose matrices follow each other without gaps.
template <typename T>
void multiply_batches(Stored a_stored, Stored b_stored, int64_t batch, int64_t m, int64_t n,
                      int64_t k, const T* a, const T* b, T* c);

std::string openblas_config();

}  // namespace lamina
