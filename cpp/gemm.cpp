#include "gemm.h"

#include <cblas.h>

#include <algorithm>

#include "parallel.h"

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
  // The longer side of c is cut; a share is at least 16 rows or columns, a register tile's.
  const bool cut_rows = m >= n;
  const int64_t side = cut_rows ? m : n, work = std::max<int64_t>((cut_rows ? n : m) * k, 1);
  const int64_t grain = std::max<int64_t>(16, kWorthAThread / work);
  parallel_for((side + 15) / 16, (grain + 15) / 16, [&](int64_t first, int64_t last) {
    const int64_t begin = first * 16, count = std::min(last * 16, side) - begin;
    if (cut_rows) {
      const T* rows = a_stored == Stored::kPlain ? a + begin * lda : a + begin;
      multiply(a_stored, b_stored, count, n, k, rows, lda, b, ldb, beta, c + begin * ldc, ldc);
    } else {
      const T* columns = b_stored == Stored::kPlain ? b + begin : b + begin * ldb;
      multiply(a_stored, b_stored, m, count, k, a, lda, columns, ldb, beta, c + begin, ldc);
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

std::string openblas_config() { return scipy_openblas_get_config(); }

}  // namespace lamina
