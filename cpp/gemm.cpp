#include "gemm.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "lanes.h"
#include "parallel.h"
#include "pieces.h"
#include "shares.h"
#include "simd.h"

namespace lamina {
namespace {

// Whether b is better read where it lies: few rows do not repay its packing, and of a transposed a
// the product packs a few rows of b at a time.
bool stays_in_place(Stored a_stored, int64_t m) {
  return m <= kFewRows || a_stored == Stored::kTransposed;
}

// c[i] = the dot product of row i of a (m x k) with b. A product with one column would fill one
// lane of every vector; this one fills them all.
template <typename T>
void dot_rows(const T* a, int64_t lda, const T* b, int64_t m, int64_t k, T* c) {
  constexpr int lanes = kLanesOf<T>, rows = 4;
  const auto take = [&]<int R>(std::integral_constant<int, R>, int64_t i) {
    Vector<T> sums[R] = {};
    int64_t j = 0;
    for (; j + lanes <= k; j += lanes) {
      const Vector<T> of_b = load(b + j);
      for (int r = 0; r < R; ++r) sums[r] += load(a + (i + r) * lda + j) * of_b;
    }
    if (j < k) {
      const Vector<T> of_b = load_first(b + j, k - j);
      for (int r = 0; r < R; ++r) sums[r] += load_first(a + (i + r) * lda + j, k - j) * of_b;
    }
    for (int r = 0; r < R; ++r) c[i + r] = sum(sums[r]);
  };
  const int64_t grain = kProductsWorthAThread / std::max<int64_t>(k, 1);
  parallel_for(m, std::max<int64_t>(grain, 1), [&](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + rows <= end; i += rows) take(std::integral_constant<int, rows>(), i);
    for (; i < end; ++i) take(std::integral_constant<int, 1>(), i);
  });
}

// Columns [first, last) of c (n) = a (k) times b (k x n), from one end of b to the other, some rows
// at a time: memory foresees that better than a way down some of the columns. Blocks of k are
// summed apart: rounding grows with their depth and their number, not with the product of the two.
template <typename T>
void multiply_row(const T* a, const T* b, int64_t ldb, int64_t k, int64_t first, int64_t last,
                  T* c) {
  constexpr int64_t rows = 8, depth = 384;
  const int64_t n = last - first;
  const auto add_rows = [&]<int R>(std::integral_constant<int, R>, int64_t i, T* sums) {
    const T* const from = b + i * ldb + first;
    Vector<T> factors[R];
    for (int r = 0; r < R; ++r) factors[r] = broadcast(a[i + r]);
    for_channels<T>(0, n, [&](auto some, int64_t j) {
      Vector<T> even = some.load(sums + j), odd{};
#pragma GCC unroll 4
      for (int r = 0; r < R; r += 2) {
        even += factors[r] * some.load(from + r * ldb + j);
        if (r + 1 < R) odd += factors[r + 1] * some.load(from + (r + 1) * ldb + j);
      }
      some.store(sums + j, even + odd);
    });
  };
  const auto add_block = [&](int64_t i, int64_t end, T* sums) {
    for (; i + rows <= end; i += rows) add_rows(std::integral_constant<int, rows>(), i, sums);
    for (; i < end; ++i) add_rows(std::integral_constant<int, 1>(), i, sums);
  };
  T* const total = c + first;
  std::fill(total, total + n, T(0));
  if (k <= depth) return add_block(0, k, total);
  std::vector<T> sums(static_cast<size_t>(n));
  for_even_tiles(k, depth, [&](int64_t begin, int64_t end) {
    std::fill(sums.begin(), sums.end(), T(0));
    add_block(begin, end, sums.data());
    for (int64_t j = 0; j < n; ++j) total[j] += sums[size_t(j)];
  });
}

// c = op(a) op(b) by shares of k.
template <typename T>
void multiply_in_shares(Stored a_stored, const T* a, int64_t lda, int64_t m, int64_t n, int64_t k,
                        Stored b_stored, const T* b, int64_t ldb, T* c, int64_t ldc) {
  const int64_t a_step = a_stored == Stored::kPlain ? 1 : lda;
  const int64_t b_step = b_stored == Stored::kPlain ? ldb : 1;
  const int64_t grain =
      std::max(kTermsWorthAShare, 1 + kProductsWorthAThread / std::max<int64_t>(1, m * n));
  const SumsOfShares<T> sums(m * n, k, grain, [&](T* own, int64_t begin, int64_t end) {
    const T *from = a + begin * a_step, *by = b + begin * b_step;
    if (m == 1 && a_step == 1 && b_stored == Stored::kPlain) {
      return multiply_row(from, by, ldb, end - begin, 0, n, own);
    }
    const Panels<T> panels(b_stored, by, ldb, end - begin, n, 1, stays_in_place(a_stored, m));
    multiply_piece(a_stored, from, lda, panels, {0, m, 0, panels.count()}, own, n, true);
  });
  sums.write(0, m, n, c, ldc);
}

}  // namespace

template <typename T>
void multiply(Stored a_stored, Stored b_stored, int64_t m, int64_t n, int64_t k, const T* a,
              int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc) {
  const bool a_is_row = m == 1 && (a_stored == Stored::kPlain || lda == 1);
  const bool b_is_column = n == 1 && (b_stored == Stored::kTransposed || ldb == 1) && ldc == 1;
  if (b_is_column && a_stored == Stored::kPlain) return dot_rows(a, lda, b, m, k, c);
  if (a_is_row && b_stored == Stored::kTransposed) return dot_rows(b, ldb, a, n, k, c);
  if (b_is_column) {  // the transpose of the product fills its vectors
    return multiply(Stored::kPlain, Stored::kPlain, 1, m, k, b, k, a, lda, c, m);
  }
  if (k >= 2 * kTermsWorthAShare && k >= 16 * std::max(m, n) && num_threads() > 1) {
    return multiply_in_shares(a_stored, a, lda, m, n, k, b_stored, b, ldb, c, ldc);
  }
  if (a_is_row) {
    constexpr int64_t lanes = kLanesOf<T>;
    const int64_t grain = 1 + kProductsWorthAThread / std::max<int64_t>(1, lanes * k);
    return parallel_for_shares(
        num_threads(), (n + lanes - 1) / lanes, grain, [&](int, int64_t begin, int64_t end) {
          multiply_row(a, b, ldb, k, begin * lanes, std::min(end * lanes, n), c);
        });
  }
  const Factor<T> factor{b_stored, b, ldb, k, n, stays_in_place(a_stored, m)};
  const int64_t rows = a_stored == Stored::kPlain ? kBlockRows : m;
  for_pieces(m, rows, factor, [&](const Panels<T>& panels, const Piece& piece) {
    multiply_piece(a_stored, a, lda, panels, piece, c, ldc, false);
  });
}

template <typename T>
void multiply_batches(Stored a_stored, Stored b_stored, int64_t batch, int64_t m, int64_t n,
                      int64_t k, const T* a, const T* b, T* c) {
  const int64_t lda = a_stored == Stored::kPlain ? k : m, ldb = b_stored == Stored::kPlain ? n : k;
  if (batch < num_threads()) {
    for (int64_t i = 0; i < batch; ++i) {
      multiply(a_stored, b_stored, m, n, k, a + i * m * k, lda, b + i * k * n, ldb, c + i * m * n,
               n);
    }
    return;
  }
  const int64_t grain = kProductsWorthAThread / std::max<int64_t>(m * n * k, 1);
  parallel_for(batch, std::max<int64_t>(grain, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Panels<T> panels(b_stored, b + i * k * n, ldb, k, n, 1, stays_in_place(a_stored, m));
      multiply_piece(a_stored, a + i * m * k, lda, panels, {0, m, 0, panels.count()}, c + i * m * n,
                     n, false);
    }
  });
}

#define LAMINA_INSTANTIATE(T)                                                                    \
  template void multiply(Stored, Stored, int64_t, int64_t, int64_t, const T*, int64_t, const T*, \
                         int64_t, T*, int64_t);                                                  \
  template void multiply_batches(Stored, Stored, int64_t, int64_t, int64_t, int64_t, const T*,   \
                                 const T*, T*);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
