// Products with a packed matrix (panels.h), piece by piece, for kernels that have something to do
// with a piece while it is in cache. Whole products are in gemm.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "panels.h"
#include "parallel.h"

namespace lamina {

// What a piece of a product is made of: rows [row, row + rows) of c, and strips [first, last).
struct Piece {
  int64_t row, rows, first, last;
};

// c = or += op(a) times the panels, for one piece of c, on the caller's thread; op(a) is m x K.
template <typename T>
void multiply_piece(Stored a_stored, const T* a, int64_t lda, const Panels<T>& b,
                    const Piece& piece, T* c, int64_t ldc, bool add);

// c = or += the transpose of rows [k, k + depth) of a times the same rows of the panels, for one
// piece of c; at most kColumnsDepth rows.
template <typename T>
void multiply_by_columns(const T* a, int64_t lda, const Panels<T>& b, const Piece& piece, int64_t k,
                         int64_t depth, T* c, int64_t ldc, bool add);

// Calls body(piece) for the pieces of an m x N product of sums over k, one a thread; small products
// stay on the caller's.
template <typename T, typename Body>
void for_pieces(int64_t m, const Panels<T>& b, Body body) {
  const int64_t strips = b.count(), tiles = (m + kMostRows - 1) / kMostRows;
  const bool cut_rows = tiles >= strips;
  const int64_t pieces = std::max<int64_t>(1, cut_rows ? tiles : strips);
  const int64_t work = std::max<int64_t>(1, m * b.depth() * b.width() / pieces);
  parallel_for(cut_rows ? tiles : strips, 1 + kProductsWorthAThread / work,
               [&](int64_t begin, int64_t end) {
                 if (cut_rows) {
                   const int64_t row = begin * kMostRows;
                   body(Piece{row, std::min(end * kMostRows, m) - row, 0, strips});
                 } else {
                   body(Piece{0, m, begin, end});
                 }
               });
}

}  // namespace lamina
