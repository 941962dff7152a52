#include "gemm.h"

#include <cblas.h>

#include <algorithm>
#include <vector>

namespace lamina {
namespace {

// Once, before the first product: OpenBLAS must not start threads of its own.
void use_one_blas_thread() {
  static const bool done = [] {
    scipy_openblas_set_num_threads(1);
    return true;
  }();
  (void)done;
}

CBLAS_TRANSPOSE flag(Stored stored) { return stored == Stored::kPlain ? CblasNoTrans : CblasTrans; }

// Below this many multiplications a second thread costs more than it gives.
constexpr int64_t kWorthAThread = 64 * 1024;

// From here on a sum is long enough to be shared between threads. Of 288 x 32 sums over 25,088 a
// thread's part takes 0.90 of what its tile would take on 2 threads, 0.58 on 4 and 0.45 on 16; of
// 784 x 32 sums over 256 there is nothing to win, and the shares must still be added.
constexpr int64_t kLongSum = 4096;

// c = op(a) op(b) + beta c by shares of k, one a thread, each summed apart and added in order.
template <typename T>
void multiply_in_shares(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k,
                        const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
                        int64_t ldc) {
  const int64_t a_step = a_stored == Stored::kPlain ? 1 : lda;
  const int64_t b_step = b_stored == Stored::kPlain ? ldb : 1;
  std::vector<T> sums(size_t(num_threads()) * size_t(m * n), T(0));
  parallel_for_shares(k, kLongSum / 2, [&](int share, int64_t begin, int64_t end) {
    multiply(a_stored, b_stored, m, n, end - begin, a + begin * a_step, lda, b + begin * b_step,
             ldb, T(0), sums.data() + share * m * n, n);
  });
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      T total = beta == 0 ? T(0) : beta * c[i * ldc + j];
      for (size_t s = size_t(i * n + j); s < sums.size(); s += size_t(m * n)) total += sums[s];
      c[i * ldc + j] = total;
    }
  }
}

// `multiply` where c is a row or a column: a matrix times a vector, which needs no packing.
template <typename T>
void multiply_vector(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k, const T* a,
                     int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const bool column = n == 1, plain_a = a_stored == Stored::kPlain;
  const bool plain_b = b_stored == Stored::kPlain;
  const int64_t size = column ? m : n, c_step = column ? ldc : 1;
  // The matrix is stored with `size` rows of k, or transposed with k rows of `size`.
  const T *matrix = column ? a : b, *vector = column ? b : a;
  const bool transposed = column ? !plain_a : plain_b;
  const int64_t step = column ? (plain_b ? ldb : 1) : (plain_a ? 1 : lda);
  if (beta == 0) {  // whatever c holds, NaN included
    for (int64_t i = 0; i < size; ++i) c[i * c_step] = 0;
  }
  const auto call = [&](auto gemv) {
    gemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, blasint(transposed ? k : size),
         blasint(transposed ? size : k), T(1), matrix, blasint(column ? lda : ldb), vector,
         blasint(step), beta, c, blasint(c_step));
  };
  if constexpr (sizeof(T) == 4) {
    call(scipy_cblas_sgemv);
  } else {
    call(scipy_cblas_dgemv);
  }
}

}  // namespace

void multiply_transposed(const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                         int64_t ldc, int64_t m, int64_t n, int64_t k) {
  use_one_blas_thread();
  if (m == 1) {  // a product with a single row reads b once, in order
    scipy_cblas_sgemv(CblasRowMajor, CblasNoTrans, blasint(n), blasint(k), 1, b, blasint(ldb), a, 1,
                      0, c, 1);
    return;
  }
  multiply(Stored::kPlain, Stored::kTransposed, m, n, k, a, lda, b, ldb, 0.0f, c, ldc);
}

template <typename T>
void multiply(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k, const T* a,
              int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  use_one_blas_thread();
  if (m == 0 || n == 0) return;
  if (k == 0) {  // nothing to sum: OpenBLAS would refuse the empty matrices
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == 0 ? T(0) : beta * c[i * ldc + j];
    }
    return;
  }
  if (m == 1 || n == 1) {
    return multiply_vector(a_stored, b_stored, m, n, k, a, lda, b, ldb, beta, c, ldc);
  }
  const auto call = [&](auto gemm) {
    gemm(CblasRowMajor, flag(a_stored), flag(b_stored), blasint(m), blasint(n), blasint(k), T(1), a,
         blasint(lda), b, blasint(ldb), beta, c, blasint(ldc));
  };
  if constexpr (sizeof(T) == 4) {
    call(scipy_cblas_sgemm);
  } else {
    call(scipy_cblas_dgemm);
  }
}

template <typename T>
void multiply_in_tiles(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k,
                       const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
                       int64_t ldc) {
  const int64_t row_step = a_stored == Stored::kPlain ? lda : 1;
  const int64_t column_step = b_stored == Stored::kPlain ? 1 : ldb;
  if (k >= kLongSum && k >= 16 * std::max(m, n) && num_threads() > 1) {
    return multiply_in_shares(a_stored, b_stored, m, n, k, a, lda, b, ldb, beta, c, ldc);
  }
  for_tiles(m, n, k, [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    multiply(a_stored, b_stored, rows, columns, k, a + row * row_step, lda,
             b + column * column_step, ldb, beta, c + row * ldc + column, ldc);
  });
}

template <typename T>
void multiply_batches(Stored a_stored, Stored b_stored, int64_t batch, int64_t m, int64_t n,
                      int64_t k, const T* a, const T* b, T* c) {
  const int64_t lda = a_stored == Stored::kPlain ? k : m, ldb = b_stored == Stored::kPlain ? n : k;
  if (batch < num_threads()) {
    for (int64_t i = 0; i < batch; ++i) {
      multiply_in_tiles(a_stored, b_stored, m, n, k, a + i * m * k, lda, b + i * k * n, ldb, T(0),
                        c + i * m * n, n);
    }
    return;
  }
  const int64_t grain = kWorthAThread / std::max<int64_t>(m * n * k, 1);
  parallel_for(batch, std::max<int64_t>(grain, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      multiply(a_stored, b_stored, m, n, k, a + i * m * k, lda, b + i * k * n, ldb, T(0),
               c + i * m * n, n);
    }
  });
}

template void multiply(Stored, Stored, int64_t, int64_t, int64_t, const float*, int64_t,
                       const float*, int64_t, float, float*, int64_t);
template void multiply(Stored, Stored, int64_t, int64_t, int64_t, const double*, int64_t,
                       const double*, int64_t, double, double*, int64_t);
template void multiply_in_tiles(Stored, Stored, int64_t, int64_t, int64_t, const float*, int64_t,
                                const float*, int64_t, float, float*, int64_t);
template void multiply_in_tiles(Stored, Stored, int64_t, int64_t, int64_t, const double*, int64_t,
                                const double*, int64_t, double, double*, int64_t);
template void multiply_batches(Stored, Stored, int64_t, int64_t, int64_t, int64_t, const float*,
                               const float*, float*);
template void multiply_batches(Stored, Stored, int64_t, int64_t, int64_t, int64_t, const double*,
                               const double*, double*);

std::string openblas_config() { return scipy_openblas_get_config(); }

}  // namespace lamina
