#include "dense.h"

#include <algorithm>

#include "gemm.h"
#include "pieces.h"

namespace lamina {
namespace {

// Rows of y are multiplied, then activated, in blocks of about this many elements, which stay in
// the second level of cache between the two.
constexpr int64_t kBlock = 64 * 1024;

}  // namespace

template <typename T>
void dense(const T* x, const T* kernel, const T* bias, T* y, int64_t N, int64_t I, int64_t O,
           Activation activation) {
  if (N == 1 || O == 1) {
    multiply(Stored::kPlain, Stored::kPlain, N, O, I, x, I, kernel, O, y, O);
    return add_bias_and_activate(y, bias, N, O, activation);
  }
  const Factor<T> factor{Stored::kPlain, kernel, O, I, O, N <= kFewRows};
  const int64_t together = kBlock / std::max<int64_t>(O, 1);
  for_pieces(N, together, factor, [&](const Panels<T>& panels, const Piece& piece) {
    const Strip<T>&from = panels[piece.first], &to = panels[piece.last - 1];
    const int64_t column = from.first;
    const int64_t columns = to.first + (to.vectors - 1) * kLanesOf<T> + to.last - column;
    const T* own_bias = bias ? bias + column : nullptr;
    for_row_blocks(piece.rows, kBlock / columns, [&](int64_t r, int64_t end) {
      const Piece block{piece.row + r, end - r, piece.first, piece.last};
      multiply_piece(Stored::kPlain, x, I, panels, block, y, O, false);
      T* rows = y + block.row * O + column;
      if (columns == O) {
        add_bias_and_activate(rows, own_bias, block.rows, O, activation);
      } else {
        for (int64_t i = 0; i < block.rows; ++i) {
          add_bias_and_activate(rows + i * O, own_bias, 1, columns, activation);
        }
      }
    });
  });
}

template void dense(const float*, const float*, const float*, float*, int64_t, int64_t, int64_t,
                    Activation);
template void dense(const double*, const double*, const double*, double*, int64_t, int64_t, int64_t,
                    Activation);

}  // namespace lamina
