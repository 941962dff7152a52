#include "vectors/dots.h"

#include <algorithm>

#include "simd.h"

namespace lamina::vectors {
namespace {

// A rows of a with as many rows of b as leave one sum for each lane of a register, which one
// shuffle tree then adds up.
template <int A>
void dot_tile(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
              int64_t n, int64_t k) {
  constexpr int B = kLanes / A;
  const float* rows[B];
  for (int j = 0; j < B; ++j) rows[j] = b + std::min<int64_t>(j, n - 1) * ldb;
  Floats sums[kLanes] = {};
  const auto add = [&](auto read, int64_t i) {
    Floats of_a[A];
    for (int r = 0; r < A; ++r) of_a[r] = read(a + r * lda + i);
#pragma GCC unroll 16
    for (int j = 0; j < B; ++j) {
      const Floats of_b = read(rows[j] + i);
      for (int r = 0; r < A; ++r) sums[r * B + j] += of_a[r] * of_b;
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) add([](const float* p) { return load(p); }, i);
  if (i < k) add([&](const float* p) { return load_first(p, k - i); }, i);
  const Floats totals = sum_each(sums);
  float found[kLanes];
  store(found, totals);
  for (int r = 0; r < A; ++r) {
    for (int64_t j = 0; j < std::min<int64_t>(B, n); ++j) c[r * ldc + j] = found[r * B + j];
  }
}

template <int A>
void dot_rows(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
              int64_t n, int64_t k) {
  constexpr int B = kLanes / A;
  for (int64_t j = 0; j < n; j += B) dot_tile<A>(a, lda, b + j * ldb, ldb, c + j, ldc, n - j, k);
}

}  // namespace

void dot_products(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
                  int64_t m, int64_t n, int64_t k) {
  constexpr int64_t step = kLanes >= 16 ? 4 : kLanes >= 8 ? 2 : 1;
  int64_t i = 0;
  for (; i + step <= m; i += step) dot_rows<step>(a + i * lda, lda, b, ldb, c + i * ldc, ldc, n, k);
  for (; i < m; ++i) dot_rows<1>(a + i * lda, lda, b, ldb, c + i * ldc, ldc, n, k);
}

}  // namespace lamina::vectors
