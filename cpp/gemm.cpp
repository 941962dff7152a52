#include "gemm.h"

#include <cblas.h>

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

}  // namespace

void multiply_transposed(const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                         int64_t ldc, int64_t m, int64_t n, int64_t k) {
  use_one_blas_thread();
  if (m == 1) {  // a product with a single row reads b once, in order
    scipy_cblas_sgemv(CblasRowMajor, CblasNoTrans, blasint(n), blasint(k), 1, b, blasint(ldb), a, 1,
                      0, c, 1);
    return;
  }
  scipy_cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1,
                    a, blasint(lda), b, blasint(ldb), 0, c, blasint(ldc));
}

std::string openblas_config() { return scipy_openblas_get_config(); }

}  // namespace lamina
