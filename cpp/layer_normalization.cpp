#include <algorithm>
#include <cmath>
#include <vector>

#include "normalization.h"
#include "parallel.h"
#include "simd.h"

namespace lamina {
namespace {

constexpr int64_t kBlockRows = 64;  // summed apart, so that rounding does not grow with all rows

int64_t grain_of_rows(int64_t D) {
  return std::max<int64_t>(1, kElementsWorthAThread / std::max<int64_t>(D, 1));
}

// Calls body(j, load, store) for each vector of a row, and last for what is left of one.
template <typename T, typename Body>
void each_vector(int64_t D, Body body) {
  constexpr int64_t lanes = kLanesOf<T>;
  int64_t j = 0;
  for (; j + lanes <= D; j += lanes) {
    body(j, [](const T* p) { return load(p); }, [](T* p, Vector<T> v) { store(p, v); });
  }
  if (j == D) return;
  const int64_t rest = D - j;
  body(
      j, [rest](const T* p) { return load_first(p, rest); },
      [rest](T* p, Vector<T> v) { store_first(p, v, rest); });
}

template <typename T>
struct Moments {
  T mean, variance;
};

template <typename T>
Moments<T> moments_of(const T* x, int64_t D) {
  constexpr int64_t lanes = kLanesOf<T>;
  Vector<T> total{}, rest{}, squares{};
  each_vector<T>(D, [&](int64_t j, auto get, auto) { total += get(x + j); });
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
  each_vector<T>(D, [&](int64_t j, auto get, auto put) {
    const Vector<T> g = get(dy + j);
    // The lanes beyond the row's end hold no part of the mean: g is 0 there.
    const Vector<T> gx = g * ((get(x + j) - origin) * inverse);
    put(d_gamma + j, get(d_gamma + j) + gx);
    put(d_beta + j, get(d_beta + j) + g);
    if (gamma) {
      sums += g * get(gamma + j);
      products += gx * get(gamma + j);
    } else {
      sums += g;
      products += gx;
    }
  });
  const T shift = centered ? sum(sums) / T(D) : T(0);
  const T slope = sum(products) / T(D) * inverse;
  each_vector<T>(D, [&](int64_t j, auto get, auto put) {
    const Vector<T> g = gamma ? get(dy + j) * get(gamma + j) : get(dy + j);
    put(dx + j, (g - shift - (get(x + j) - mean) * slope) * inverse);
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
      each_vector<T>(D, [&](int64_t j, auto get, auto put) {
        Vector<T> v = (get(row + j) - origin) * factor;
        if (gamma) v *= get(gamma + j);
        if (beta) v += get(beta + j);
        put(out + j, v);
      });
    }
  });
}

template <typename T>
void layer_normalization_gradient(const T* x, const T* dy, const T* mean, const T* inverse,
                                  const T* gamma, bool centered, int64_t N, int64_t D, T* dx,
                                  T* d_gamma, T* d_beta) {
  const int threads = std::max(num_threads(), 1);
  // For each thread: its sums for d_gamma and d_beta, and those of the block of rows under way.
  std::vector<T> scratch(size_t(threads) * size_t(4 * D), T(0));
  parallel_for_shares(N, grain_of_rows(D), [&](int share, int64_t begin, int64_t end) {
    T* const totals = scratch.data() + share * 4 * D;
    T* const block = totals + 2 * D;
    for (int64_t first = begin; first < end; first += kBlockRows) {
      std::fill(block, block + 2 * D, T(0));
      for (int64_t i = first; i < std::min(first + kBlockRows, end); ++i) {
        gradient_of_row(x + i * D, dy + i * D, mean[i], inverse[i], gamma, centered, D, dx + i * D,
                        block, block + D);
      }
      for (int64_t j = 0; j < 2 * D; ++j) totals[j] += block[j];
    }
  });
  std::fill(d_gamma, d_gamma + D, T(0));
  std::fill(d_beta, d_beta + D, T(0));
  for (int share = 0; share < threads; ++share) {
    const T* const totals = scratch.data() + share * 4 * D;
    for (int64_t j = 0; j < D; ++j) {
      d_gamma[j] += totals[j];
      d_beta[j] += totals[D + j];
    }
  }
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
