#include "interpolation.h"

#include <algorithm>

#include "parallel.h"
#include "window_loops.h"

namespace lamina {
namespace {}  // namespace

template <typename T>
void interpolate(const T* x, const int32_t* cells, const T* weights, int64_t A, int64_t N,
                 int64_t C, int64_t M, int64_t K, T* y) {
  parallel_for(A * M, kElementsWorthAThread / (C * K) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = x + i / M * N * C;
      const int32_t* cell = cells + i % M * K;
      const T* weight = weights + i % M * K;
      for_channels<T>(0, C, [&](auto lanes, int64_t j) {
        Vector<T> sum{};
        for (int64_t k = 0; k < K; ++k) sum += weight[k] * lanes.load(from + cell[k] * C + j);
        lanes.store(y + i * C + j, sum);
      });
    }
  });
}

template <typename T>
void interpolate_gradient(const T* dy, const int32_t* cells, const T* weights, int64_t A, int64_t N,
                          int64_t C, int64_t M, int64_t K, T* dx) {
  parallel_over_images(A, C, M * K * C, [&](int64_t a, int64_t begin, int64_t end) {
    T* to = dx + a * N * C;
    for (int64_t n = 0; n < N; ++n) std::fill(to + n * C + begin, to + n * C + end, T(0));
    for (int64_t m = 0; m < M; ++m) {
      for_channels<T>(begin, end, [&](auto lanes, int64_t j) {
        const Vector<T> given = lanes.load(dy + (a * M + m) * C + j);
        for (int64_t k = 0; k < K; ++k) {
          T* cell = to + cells[m * K + k] * C + j;
          lanes.store(cell, lanes.load(cell) + weights[m * K + k] * given);
        }
      });
    }
  });
}

template void interpolate(const float*, const int32_t*, const float*, int64_t, int64_t, int64_t,
                          int64_t, int64_t, float*);
template void interpolate(const double*, const int32_t*, const double*, int64_t, int64_t, int64_t,
                          int64_t, int64_t, double*);
template void interpolate_gradient(const float*, const int32_t*, const float*, int64_t, int64_t,
                                   int64_t, int64_t, int64_t, float*);
template void interpolate_gradient(const double*, const int32_t*, const double*, int64_t, int64_t,
                                   int64_t, int64_t, int64_t, double*);

}  // namespace lamina
