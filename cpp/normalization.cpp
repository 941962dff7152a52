#include "normalization.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "columns.h"
#include "parallel.h"
#include "shares.h"

namespace lamina {

template <typename T>
int64_t batch_moments(const T* x, const uint8_t* keep, int64_t N, int64_t C, T* mean, T* variance) {
  const int64_t grain = grain_of_rows(C);
  std::fill(mean, mean + C, T(0));
  std::fill(variance, variance + C, T(0));
  const int64_t first =
      keep ? std::find_if(keep, keep + N, [](uint8_t k) { return k != 0; }) - keep : 0;
  if (first == N) return 0;
  const T* const pivot = x + first * C;
  const int threads = num_threads();
  SumsOfShares<T> means(C, threads), squares(C, threads);
  std::vector<int64_t> counts(size_t(threads), 0);
  parallel_for_shares(threads, N, grain, [&](int share, int64_t begin, int64_t end) {
    counts[size_t(share)] =
        columns::moments(x + begin * C, keep ? keep + begin : nullptr, pivot, end - begin, C,
                         means.begin(share), squares.begin(share));
  });
  int64_t count = 0;
  for (int64_t share = 0; share < means.count(); ++share) {
    columns::merge_moments(mean, variance, count, means[share], squares[share],
                           counts[size_t(share)], C);
    count += counts[size_t(share)];
  }
  for (int64_t j = 0; j < C; ++j) {
    mean[j] += pivot[j];
    variance[j] /= T(count);
  }
  return count;
}

template <typename T>
void batch_normalization(const T* x, const T* mean, const T* variance, const T* gamma,
                         const T* beta, T epsilon, int64_t N, int64_t C, T* y) {
  std::vector<T> scale(size_t(C), T(1)), shift(size_t(C), T(0));
  for (int64_t j = 0; j < C; ++j) {
    scale[size_t(j)] = (gamma ? gamma[j] : T(1)) / std::sqrt(variance[j] + epsilon);
    if (beta) shift[size_t(j)] = beta[j];
  }
  parallel_for(N, grain_of_rows(C), [&](int64_t begin, int64_t end) {
    columns::scale_and_shift(x + begin * C, mean, scale.data(), shift.data(), y + begin * C,
                             end - begin, C);
  });
}

template <typename T>
void batch_normalization_gradient(const T* x, const T* dy, const uint8_t* keep, int64_t kept,
                                  const T* mean, const T* variance, const T* gamma, T epsilon,
                                  int64_t N, int64_t C, T* dx, T* d_gamma, T* d_beta) {
  const int64_t grain = grain_of_rows(C);
  // Of d_gamma, and of d_beta.
  const SumsOfShares<T> sums(2 * C, N, grain, [&](T* totals, int64_t begin, int64_t end) {
    columns::gradient_sums(x + begin * C, dy + begin * C, mean, end - begin, C, totals + C, totals);
  });
  sums.write(0, 1, C, d_gamma, C);
  sums.write(C, 1, C, d_beta, C);
  std::vector<T> scale(size_t(C), T(0)), slope(size_t(C), T(0)), shift(size_t(C), T(0));
  for (int64_t j = 0; j < C; ++j) {
    const T inverse = 1 / std::sqrt(variance[j] + epsilon);
    const T factor = (gamma ? gamma[j] : T(1)) * inverse;
    scale[size_t(j)] = factor;
    if (kept > 0) {
      slope[size_t(j)] = -factor * inverse * inverse * d_gamma[j] / T(kept);
      shift[size_t(j)] = -factor * d_beta[j] / T(kept);
    }
    d_gamma[j] *= inverse;
  }
  parallel_for(N, grain, [&](int64_t begin, int64_t end) {
    columns::combine_gradients(x + begin * C, dy + begin * C, keep ? keep + begin : nullptr, mean,
                               scale.data(), slope.data(), shift.data(), dx + begin * C,
                               end - begin, C);
  });
}

template <typename T>
void group_normalization(const T* x, const T* gamma, const T* beta, T epsilon, int64_t N, int64_t S,
                         int64_t C, int64_t G, T* y, T* mean, T* inverse) {
  const int64_t D = C / G;
  const std::vector<T> zeros(size_t(C), T(0));
  parallel_for(N, grain_of_rows(S * C), [&](int64_t begin, int64_t end) {
    std::vector<T> pivot(size_t(C), T(0)), means(size_t(C), T(0)), scales(size_t(C), T(0));
    for (int64_t n = begin; n < end; ++n) {
      const T* const sample = x + n * S * C;
      // The groups' channels are merged: so they have one pivot.
      for (int64_t c = 0; c < C && S > 0; ++c) pivot[size_t(c)] = sample[c / D * D];
      columns::moments(sample, static_cast<const uint8_t*>(nullptr), pivot.data(), S, C,
                       means.data(), scales.data());
      for (int64_t g = 0; g < G; ++g) {
        T m = 0, squares = 0;
        for (int64_t j = 0; j < D; ++j) {
          columns::merge_moments(&m, &squares, j * S, &means[size_t(g * D + j)],
                                 &scales[size_t(g * D + j)], S, 1);
        }
        const T factor = 1 / std::sqrt(squares / T(std::max<int64_t>(S * D, 1)) + epsilon);
        m += pivot[size_t(g * D)];
        mean[n * G + g] = m;
        inverse[n * G + g] = factor;
        for (int64_t c = g * D; c < (g + 1) * D; ++c) {
          means[size_t(c)] = m;
          scales[size_t(c)] = gamma ? factor * gamma[c] : factor;
        }
      }
      columns::scale_and_shift(sample, means.data(), scales.data(), beta ? beta : zeros.data(),
                               y + n * S * C, S, C);
    }
  });
}

namespace {

// The arrays of C that one thread needs for a sample's gradient.
template <typename T>
struct GroupScratch {
  explicit GroupScratch(int64_t C)
      : means(size_t(C)),
        sums(size_t(C)),
        products(size_t(C)),
        scale(size_t(C)),
        slope(size_t(C)),
        shift(size_t(C)) {}
  std::vector<T> means, sums, products, scale, slope, shift;
};

// One group of one sample: from its channels' sums and products, how dx is combined.
template <typename T>
void combine_group(GroupScratch<T>& s, const T* gamma, T inverse, int64_t first, int64_t D,
                   int64_t S) {
  T sum = 0, product = 0;
  for (int64_t c = first; c < first + D; ++c) {
    const T factor = gamma ? gamma[c] : T(1);
    sum += factor * s.sums[size_t(c)];
    product += factor * s.products[size_t(c)];
  }
  for (int64_t c = first; c < first + D; ++c) {
    s.scale[size_t(c)] = (gamma ? gamma[c] : T(1)) * inverse;
    s.slope[size_t(c)] = -inverse * inverse * inverse * product / T(S * D);
    s.shift[size_t(c)] = -inverse * sum / T(S * D);
  }
}

}  // namespace

template <typename T>
void group_normalization_gradient(const T* x, const T* dy, const T* mean, const T* inverse,
                                  const T* gamma, int64_t N, int64_t S, int64_t C, int64_t G, T* dx,
                                  T* d_gamma, T* d_beta) {
  const int64_t D = C / G, grain = grain_of_rows(S * C);
  // Of d_gamma, and of d_beta.
  const SumsOfShares<T> sums(2 * C, N, grain, [&](T* totals, int64_t begin, int64_t end) {
    GroupScratch<T> scratch(C);
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = n * S * C;
      for (int64_t c = 0; c < C; ++c) scratch.means[size_t(c)] = mean[n * G + c / D];
      columns::gradient_sums(x + at, dy + at, scratch.means.data(), S, C, scratch.sums.data(),
                             scratch.products.data());
      for (int64_t g = 0; g < G; ++g) {
        combine_group(scratch, gamma, inverse[n * G + g], g * D, D, S);
      }
      for (int64_t c = 0; c < C; ++c) {
        totals[c] += scratch.products[size_t(c)] * inverse[n * G + c / D];
        totals[C + c] += scratch.sums[size_t(c)];
      }
      columns::combine_gradients(x + at, dy + at, static_cast<const uint8_t*>(nullptr),
                                 scratch.means.data(), scratch.scale.data(), scratch.slope.data(),
                                 scratch.shift.data(), dx + at, S, C);
    }
  });
  sums.write(0, 1, C, d_gamma, C);
  sums.write(C, 1, C, d_beta, C);
}

#define LAMINA_INSTANTIATE(T)                                                                     \
  template int64_t batch_moments(const T*, const uint8_t*, int64_t, int64_t, T*, T*);             \
  template void batch_normalization(const T*, const T*, const T*, const T*, const T*, T, int64_t, \
                                    int64_t, T*);                                                 \
  template void batch_normalization_gradient(const T*, const T*, const uint8_t*, int64_t,         \
                                             const T*, const T*, const T*, T, int64_t, int64_t,   \
                                             T*, T*, T*);                                         \
  template void group_normalization(const T*, const T*, const T*, T, int64_t, int64_t, int64_t,   \
                                    int64_t, T*, T*, T*);                                         \
  template void group_normalization_gradient(const T*, const T*, const T*, const T*, const T*,    \
                                             int64_t, int64_t, int64_t, int64_t, T*, T*, T*);
LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
