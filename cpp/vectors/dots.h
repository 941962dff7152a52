// Dot products of every row of one matrix with every row of another.
#pragma once

#include <cstdint>

namespace lamina::vectors {

// c (m x n) = a (m x k) times the transpose of b (n x k), on the caller's thread. lda, ldb and ldc
// are how many elements the rows are apart. b is read once for every four rows of a.
void dot_products(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
                  int64_t m, int64_t n, int64_t k);

}  // namespace lamina::vectors
