// Matrix products, by OpenBLAS. Every call here is serial: threads are ours (parallel.h), so that
// no second pool spins against the first.
#pragma once

#include <cstdint>
#include <string>

namespace lamina {

// c (m x n) = a (m x k) times the transpose of b (n x k). Rows are lda, ldb and ldc floats apart.
void multiply_transposed(const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                         int64_t ldc, int64_t m, int64_t n, int64_t k);

std::string openblas_config();

}  // namespace lamina
