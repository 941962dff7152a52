#include "pieces.h"

namespace lamina {
namespace {

template <typename T>
Strip<T> from_row(Strip<T> strip, int64_t k) {
  strip.data += k * strip.step;
  return strip;
}

// Rows [row, row + rows) of c, of op(a) = a, and rows [k, k + depth) of b.
template <typename T>
void multiply_by_rows(const T* a, int64_t lda, const Panels<T>& b, const Piece& p, int64_t k,
                      int64_t depth, T* c, int64_t ldc, bool add, Fetch fetch) {
  for_row_blocks(p.rows, kBlockRows, [&](int64_t begin, int64_t end) {
    const int64_t row = p.row + begin;
    for (int64_t s = p.first; s < p.last; ++s) {
      const Strip<T> strip = from_row(b[s], k);
      fetch.next = s == p.first;  // the other strips find them in the cache
      multiply_matrix(a + row * lda, lda, end - begin, depth, strip, c + row * ldc, ldc,
                      strip.first, add, fetch);
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

// What the tiles of a block of rows fetch into the second cache meanwhile: the rows below it, line
// by line, those of a first. The hardware does not foresee a way across rows. Where there are more
// tiles than lines, a line takes 2, 4, ... of them, so that memory is asked evenly.
template <typename T>
class RowsBelow {
 public:
  // A line of some rows: those of one tile, which calls it for each of its own.
  struct Line {
    const T* begin;
    int64_t step, row;
    int shift;
    void operator()(int64_t k) const {
      __builtin_prefetch(begin + ((row + k) >> shift) * step, 0, 2);
    }
  };

  RowsBelow(const T* a, int64_t lda, const Panels<T>& b, const Piece& piece, int64_t k,
            int64_t depth)
      : a_lines_((piece.rows + kLanes - 1) / kLanes), lda_(lda), depth_(depth), lines_(a_lines_) {
    const int64_t below = std::min(k + depth, b.depth() - depth);
    a_ = a + below * lda + piece.row;
    b_ = from_row(b[piece.first], below);
    int64_t tiles = 0;
    for (int64_t s = piece.first; s < piece.last; ++s) {
      const int most = tile_rows(b[s].vectors);
      lines_ += b[s].vectors;
      tiles += (piece.rows + most - 1) / most;
    }
    while ((lines_ << (shift_ + 1)) <= tiles) ++shift_;
  }

  Line next() {
    const int64_t line = std::min(tile_ >> shift_, lines_ - 1);
    const int64_t row = (tile_++ & ((int64_t(1) << shift_) - 1)) * depth_;
    if (line < a_lines_) return {a_ + line * kLanes, lda_, row, shift_};
    return {b_.data + (line - a_lines_) * kLanes, b_.step, row, shift_};
  }

 private:
  static constexpr int64_t kLanes = kLanesOf<T>;

  const T* a_;
  Strip<T> b_;
  int64_t a_lines_, lda_, depth_, lines_, tile_ = 0;
  int shift_ = 0;
};

}  // namespace

template <typename T>
void multiply_by_columns(const T* a, int64_t lda, const Panels<T>& b, const Piece& p, int64_t k,
                         int64_t depth, T* c, int64_t ldc, bool add) {
  if (p.first == p.last) return;
  const T* rows[kColumnsDepth];
  for (int64_t i = 0; i < depth; ++i) rows[i] = a + (k + i) * lda;
  RowsBelow<T> below(a, lda, b, p, k, depth);
  T packed[kColumnsDepth * kMostVectors * kLanesOf<T>];
  for (int64_t s = p.first; s < p.last; ++s) {
    Strip<T> strip = from_row(b[s], k);
    const bool lies_apart = strip.step > strip.vectors * kLanesOf<T>;
    if (lies_apart && p.rows > kFewRows) strip = packed_rows(strip, depth, packed);
    for_even_tiles(p.rows, tile_rows(strip.vectors), [&](int64_t from, int64_t to) {
      T* out[kMostRows] = {};
      for (int64_t r = from; r < to; ++r) out[r - from] = c + (p.row + r) * ldc;
      multiply_columns(rows, p.row + from, to - from, depth, strip, out, strip.first, add,
                       below.next());
    });
  }
}

template <typename T>
void multiply_rows_piece(const T* a, int64_t lda, const Panels<T>& b, int64_t first, int64_t depth,
                         const Piece& piece, T* c, int64_t ldc, bool add, Fetch fetch) {
  for_even_tiles(depth, kBlockDepth, [&](int64_t k, int64_t end) {
    multiply_by_rows(a + k, lda, b, piece, first + k, end - k, c, ldc, add || k > 0, fetch);
  });
}

template <typename T>
void multiply_piece(Stored a_stored, const T* a, int64_t lda, const Panels<T>& b,
                    const Piece& piece, T* c, int64_t ldc, bool add) {
  if (b.depth() == 0 && !add) {  // nothing to sum
    for (int64_t r = piece.row; r < piece.row + piece.rows; ++r) {
      for (int64_t s = piece.first; s < piece.last; ++s) {
        const int64_t columns = (b[s].vectors - 1) * kLanesOf<T> + b[s].last;
        std::fill_n(c + r * ldc + b[s].first, columns, T(0));
      }
    }
    return;
  }
  if (a_stored == Stored::kPlain) {
    return multiply_rows_piece(a, lda, b, 0, b.depth(), piece, c, ldc, add, {.sums = true});
  }
  for_even_tiles(b.depth(), kColumnsDepth, [&](int64_t k, int64_t end) {
    multiply_by_columns(a, lda, b, piece, k, end - k, c, ldc, add || k > 0);
  });
}

#define LAMINA_INSTANTIATE(T)                                                                   \
  template void multiply_by_columns(const T*, int64_t, const Panels<T>&, const Piece&, int64_t, \
                                    int64_t, T*, int64_t, bool);                                \
  template void multiply_rows_piece(const T*, int64_t, const Panels<T>&, int64_t, int64_t,      \
                                    const Piece&, T*, int64_t, bool, Fetch);                    \
  template void multiply_piece(Stored, const T*, int64_t, const Panels<T>&, const Piece&, T*,   \
                               int64_t, bool);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
