#include "pieces.h"

namespace lamina {
namespace {

// A block of rows of a and of k stays in the second level of cache while the strips pass by.
constexpr int64_t kRows = 168, kDepth = 384;

template <typename T>
Strip<T> from_row(Strip<T> strip, int64_t k) {
  strip.data += k * strip.step;
  return strip;
}

// Rows [row, row + rows) of c, of op(a) = a.
template <typename T>
void multiply_by_rows(const T* a, int64_t lda, const Panels<T>& b, const Piece& p, int64_t k,
                      int64_t depth, T* c, int64_t ldc, bool add) {
  for_row_blocks(p.rows, kRows, [&](int64_t begin, int64_t end) {
    const int64_t row = p.row + begin;
    for (int64_t s = p.first; s < p.last; ++s) {
      const Strip<T> strip = from_row(b[s], k);
      multiply_matrix(a + row * lda + k, lda, end - begin, depth, strip, c + row * ldc, ldc,
                      strip.first, add);
    }
  });
}

// A few rows of a strip that lies in its matrix, side by side.
template <typename T>
Strip<T> packed_rows(Strip<T> strip, int64_t rows, T* packed) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t width = strip.vectors * lanes;
  for (int64_t k = 0; k < rows; ++k) {
    for (int64_t j = 0; j < width; j += lanes) {
      store(packed + k * width + j, load(strip.data + k * strip.step + j));
    }
  }
  strip.data = packed;
  strip.step = width;
  return strip;
}

}  // namespace

template <typename T>
void multiply_by_columns(const T* a, int64_t lda, const Panels<T>& b, const Piece& p, int64_t k,
                         int64_t depth, T* c, int64_t ldc, bool add) {
  const T *rows[kColumnsDepth], *next[kColumnsDepth];
  for (int64_t i = 0; i < depth; ++i) {
    rows[i] = a + (k + i) * lda;
    next[i] = a + std::min(k + depth + i, b.depth() - 1) * lda;
  }
  T packed[kColumnsDepth * kStripVectors * kLanesOf<T>];
  for (int64_t s = p.first; s < p.last; ++s) {
    Strip<T> strip = from_row(b[s], k);
    const bool lies_apart = strip.step > strip.vectors * kLanesOf<T>;
    if (lies_apart && p.rows > kFewRows) strip = packed_rows(strip, depth, packed);
    // What is packed after this, of which each tile fetches a line of every row: the next strip, or
    // the first one of the rows below.
    const bool is_last = s + 1 == p.last;
    const Strip<T> after = from_row(b[is_last ? p.first : s + 1],
                                    is_last ? std::min(k + depth, b.depth() - depth) : k);
    int64_t line = 0;
    for_even_tiles(p.rows, tile_rows(strip.vectors), [&](int64_t from, int64_t to) {
      T* out[kMostRows] = {};
      for (int64_t r = from; r < to; ++r) out[r - from] = c + (p.row + r) * ldc;
      const int64_t offset = p.row + from;
      const T* const* soon = s == p.first ? next : rows;
      const T* right = after.data + line * kLanesOf<T>;
      multiply_columns(rows, offset, to - from, depth, strip, out, strip.first, add,
                       [&](int64_t i) {
                         __builtin_prefetch(soon[i] + offset);
                         __builtin_prefetch(right + i * after.step);
                       });
      line = std::min<int64_t>(line + 1, after.vectors - 1);
    });
  }
}

template <typename T>
void multiply_piece(Stored a_stored, const T* a, int64_t lda, const Panels<T>& b,
                    const Piece& piece, T* c, int64_t ldc, bool add) {
  const bool plain = a_stored == Stored::kPlain;
  if (b.depth() == 0 && !add) {  // nothing to sum
    for (int64_t r = piece.row; r < piece.row + piece.rows; ++r) {
      for (int64_t s = piece.first; s < piece.last; ++s) {
        const int64_t columns = (b[s].vectors - 1) * kLanesOf<T> + b[s].last;
        std::fill_n(c + r * ldc + b[s].first, columns, T(0));
      }
    }
    return;
  }
  for_even_tiles(b.depth(), plain ? kDepth : kColumnsDepth, [&](int64_t k, int64_t end) {
    const auto multiply_block = plain ? multiply_by_rows<T> : multiply_by_columns<T>;
    multiply_block(a, lda, b, piece, k, end - k, c, ldc, add || k > 0);
  });
}

#define LAMINA_INSTANTIATE(T)                                                                   \
  template void multiply_by_columns(const T*, int64_t, const Panels<T>&, const Piece&, int64_t, \
                                    int64_t, T*, int64_t, bool);                                \
  template void multiply_piece(Stored, const T*, int64_t, const Panels<T>&, const Piece&, T*,   \
                               int64_t, bool);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
