#include <algorithm>
#include <cmath>
#include <vector>

#include "lanes.h"
#include "normalization.h"
#include "parallel.h"
#include "shares.h"
#include "simd.h"

namespace lamina {
namespace {

constexpr int64_t kBlockRows = 64;  // summed apart, so that rounding does not grow with all rows

template <typename T>
struct Moments {
  T mean, variance;
};

template <typename T>
Moments<T> moments_of(const T* x, int64_t D) {
  constexpr int64_t lanes = kLanesOf<T>;
  Vector<T> total{}, rest{}, squares{};
  for_channels<T>(0, D, [&](auto some, int64_t j) { total += some.load(x + j); });
  const T mean = sum(total) / T(D);
  int64_t j = 0;
  for (; j + lanes <= D; j += lanes) {
    const Vector<T> d = load(x + j) - mean;
    rest += d;
    squares += d * d;
  }
  T rest_sum = sum(rest), squares_sum = sum(squares);
  for (; j < D; ++j) {
    const T d = x[j] - mean;
    rest_sum += d;
    squares_sum += d * d;
  }
  // What rounding left of the sum of differences, which should be 0, mends the mean.
  const T error = rest_sum / T(D);
  return {mean + error, squares_sum / T(D) - error * error};
}

// One row's dx; its parts of d_gamma and d_beta are added to those.
template <typename T>
void gradient_of_row(const T* x, const T* dy, T mean, T inverse, const T* gamma, bool centered,
                     int64_t D, T* dx, T* d_gamma, T* d_beta) {
  const T origin = centered ? mean : T(0);
  Vector<T> sums{}, products{};
  for_channels<T>(0, D, [&](auto some, int64_t j) {
    const Vector<T> g = some.load(dy + j);
    // The lanes beyond the row's end hold no part of the mean: g is 0 there.
    const Vector<T> gx = g * ((some.load(x + j) - origin) * inverse);
    some.store(d_gamma + j, some.load(d_gamma + j) + gx);
    some.store(d_beta + j, some.load(d_beta + j) + g);
    if (gamma) {
      sums += g * some.load(gamma + j);
      products += gx * some.load(gamma + j);
    } else {
      sums += g;
      products += gx;
    }
  });
  const T shift = centered ? sum(sums) / T(D) : T(0);
  const T slope = sum(products) / T(D) * inverse;
  for_channels<T>(0, D, [&](auto some, int64_t j) {
    const Vector<T> g = gamma ? some.load(dy + j) * some.load(gamma + j) : some.load(dy + j);
    some.store(dx + j, (g - shift - (some.load(x + j) - mean) * slope) * inverse);
  });
}

}  // namespace

template <typename T>
void layer_normalization(const T* x, const T* gamma, const T* beta, T epsilon, bool centered,
                         int64_t N, int64_t D, T* y, T* mean, T* inverse) {
  parallel_for(N, grain_of_rows(D), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* const row = x + i * D;
      T* const out = y + i * D;
      const auto [m, variance] = moments_of(row, D);
      const T factor = 1 / std::sqrt(variance + epsilon);
      mean[i] = m;
      inverse[i] = factor;
      const T origin = centered ? mean[i] : T(0);
      for_channels<T>(0, D, [&](auto some, int64_t j) {
        Vector<T> v = (some.load(row + j) - origin) * factor;
        if (gamma) v *= some.load(gamma + j);
        if (beta) v += some.load(beta + j);
        some.store(out + j, v);
      });
    }
  });
}

template <typename T>
void layer_normalization_gradient(const T* x, const T* dy, const T* mean, const T* inverse,
                                  const T* gamma, bool centered, int64_t N, int64_t D, T* dx,
                                  T* d_gamma, T* d_beta) {
  // Of d_gamma, and of d_beta.
  const SumsOfShares<T> sums(
      2 * D, N, grain_of_rows(D), [&](T* totals, int64_t begin, int64_t end) {
        std::vector<T> of_block(size_t(2 * D));
        T* const block = of_block.data();
        for (int64_t first = begin; first < end; first += kBlockRows) {
          std::fill(block, block + 2 * D, T(0));
          for (int64_t i = first; i < std::min(first + kBlockRows, end); ++i) {
            gradient_of_row(x + i * D, dy + i * D, mean[i], inverse[i], gamma, centered, D,
                            dx + i * D, block, block + D);
          }
          for (int64_t j = 0; j < 2 * D; ++j) totals[j] += block[j];
        }
      });
  sums.write(0, 1, D, d_gamma, D);
  sums.write(D, 1, D, d_beta, D);
}

#define LAMINA_INSTANTIATE(T)                                                                    \
  template void layer_normalization(const T*, const T*, const T*, T, bool, int64_t, int64_t, T*, \
                                    T*, T*);                                                     \
  template void layer_normalization_gradient(const T*, const T*, const T*, const T*, const T*,   \
                                             bool, int64_t, int64_t, T*, T*, T*);
LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
