#include "dense.h"

#include "gemm.h"

namespace lamina {
namespace {

// Rows of y are multiplied, then activated, in blocks of about this many elements, which stay in
// the second level of cache between the two.
constexpr int64_t kBlock = 64 * 1024;

}  // namespace

template <typename T>
void dense(const T* x, const T* kernel, const T* bias, T* y, int64_t N, int64_t I, int64_t O,
           Activation activation) {
  for_tiles(N, O, I, [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    const T* tile_bias = bias ? bias + column : nullptr;
    const int64_t step = std::max<int64_t>(kBlock / columns, 64);
    for (int64_t end = row + rows; row < end; row += step) {
      const int64_t count = std::min(step, end - row);
      T* tile = y + row * O + column;
      multiply(Stored::kPlain, Stored::kPlain, count, columns, I, x + row * I, I, kernel + column,
               O, T(0), tile, O);
      if (columns == O) {
        add_bias_and_activate(tile, tile_bias, count, O, activation);
      } else {
        for (int64_t i = 0; i < count; ++i) {
          add_bias_and_activate(tile + i * O, tile_bias, 1, columns, activation);
        }
      }
    }
  });
}

template void dense(const float*, const float*, const float*, float*, int64_t, int64_t, int64_t,
                    Activation);
template void dense(const double*, const double*, const double*, double*, int64_t, int64_t, int64_t,
                    Activation);

}  // namespace lamina
