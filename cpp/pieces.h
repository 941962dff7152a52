// Products with a packed matrix (panels.h), piece by piece, for kernels that have something to do
// with a piece while it is in cache. Whole products are in gemm.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "panels.h"
#include "parallel.h"
#include "tiles.h"

namespace lamina {

// A block of rows of a and of k stays in the second level of cache while the strips pass by.
inline constexpr int64_t kBlockRows = 168, kBlockDepth = 384;

// What a piece of a product is made of: rows [row, row + rows) of c, and strips [first, last).
struct Piece {
  int64_t row, rows, first, last;
};

// c = or += op(a) times the panels, for one piece of c, on the caller's thread; op(a) is m x K.
template <typename T>
void multiply_piece(Stored a_stored, const T* a, int64_t lda, const Panels<T>& b,
                    const Piece& piece, T* c, int64_t ldc, bool add);

// The same of a (m x depth) and as many rows of the panels, from `first` on.
template <typename T>
void multiply_rows_piece(const T* a, int64_t lda, const Panels<T>& b, int64_t first, int64_t depth,
                         const Piece& piece, T* c, int64_t ldc, bool add, Fetch fetch);

// c = or += the transpose of rows [k, k + depth) of a times the same rows of the panels, for one
// piece of c; at most kColumnsDepth rows.
template <typename T>
void multiply_by_columns(const T* a, int64_t lda, const Panels<T>& b, const Piece& piece, int64_t k,
                         int64_t depth, T* c, int64_t ldc, bool add);

// The right-hand matrix of a product: K rows, N columns, as Panels are given it.
template <typename T>
struct Factor {
  Stored stored;
  const T* data;
  int64_t stride, K, N;
  bool few_rows;

  Panels<T> pack() const { return Panels<T>(stored, data, stride, K, N, 1, few_rows); }
  int64_t strips() const { return Panels<T>::strips(N, few_rows && stored == Stored::kPlain); }
};

// Calls body(panels, piece) for the pieces of a product of m rows and b, of at most `rows` of them
// or as many as are worth a thread; small products stay on the caller's. Few rows are left
// together, and b's strips are dealt out, one piece a thread.
template <typename T, typename Body>
void for_pieces(int64_t m, int64_t rows, const Factor<T>& b, Body body) {
  const PackedForThreads<Panels<T>> packed(b.K * b.N, [&] { return b.pack(); });
  const int64_t strips = b.strips(), tiles = (m + kMostRows - 1) / kMostRows;
  const bool cut_rows = tiles >= strips;
  const int64_t count = cut_rows ? tiles : strips;
  const int64_t work = std::max<int64_t>(1, m * b.K * b.N / std::max<int64_t>(1, count));
  const int64_t piece = cut_rows ? (rows + kMostRows - 1) / kMostRows : count;
  parallel_for_pieces(count, 1 + kProductsWorthAThread / work, piece, [&] {
    return [&, panels = packed.here()](int64_t begin, int64_t end) {
      const int64_t row = begin * kMostRows;
      const int64_t below = std::min(end * kMostRows, m);
      body(*panels, cut_rows ? Piece{row, below - row, 0, strips} : Piece{0, m, begin, end});
    };
  });
}

}  // namespace lamina
