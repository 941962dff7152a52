#include "vectors/nearest.h"

#include <cmath>

#include "parallel.h"
#include "simd.h"

namespace lamina::vectors {
namespace {

float squared_length(const float* row, int64_t columns) {
  Floats total = {};
  int64_t d = 0;
  for (; d + kLanes <= columns; d += kLanes) total += load(row + d) * load(row + d);
  float rest = 0;
  for (; d < columns; ++d) rest += row[d] * row[d];
  return sum(total) + rest;
}

}  // namespace

void row_norms(const float* matrix, int64_t rows, int64_t columns, int64_t stride, float* norms) {
  const int threads = rows * columns > (1 << 18) ? num_threads() : 1;
  parallel(threads, [&](int thread, int count) {
    for (int64_t i = rows * thread / count; i < rows * (thread + 1) / count; ++i) {
      norms[i] = std::sqrt(squared_length(matrix + i * stride, columns));
    }
  });
}

}  // namespace lamina::vectors
