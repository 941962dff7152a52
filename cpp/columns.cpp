#include "columns.h"

#include <algorithm>
#include <numeric>

#include "simd.h"

namespace lamina::columns {
namespace {

constexpr int64_t kBlockBytes = 32 * 1024;
constexpr int64_t kLeastRows = 16, kMostRows = 256;  // of a block
constexpr int64_t kMostFolded = 64 * 16;             // columns after folding

// Few columns that do not fill whole vectors are folded: k rows of C columns are read as one row of
// k * C columns, and the k parts of the result are merged.
template <typename T>
int64_t folds(int64_t N, int64_t C) {
  constexpr int64_t lanes = kLanesOf<T>;
  if (C <= 0 || C % lanes == 0 || C >= 4 * lanes) return 1;
  const int64_t k = lanes / std::gcd(C, lanes);
  return N >= k ? k : 1;
}

template <typename T>
int64_t block_rows(int64_t C) {
  return std::clamp(kBlockBytes / std::max<int64_t>(C * int64_t(sizeof(T)), 1), kLeastRows,
                    kMostRows);
}

// Calls tile(j, width, load, store) over the columns: four vectors at a time, then one, then what
// is left of one. `width` is a constant, and load and store take so much of a vector as there is.
template <typename T, typename Tile>
void walk_columns(int64_t C, Tile tile) {
  constexpr int64_t lanes = kLanesOf<T>;
  const auto whole_load = [](const T* p) { return load(p); };
  const auto whole_store = [](T* p, Vector<T> v) { store(p, v); };
  int64_t j = 0;
  for (; j + 4 * lanes <= C; j += 4 * lanes) {
    tile(j, std::integral_constant<int, 4>{}, whole_load, whole_store);
  }
  for (; j + lanes <= C; j += lanes) {
    tile(j, std::integral_constant<int, 1>{}, whole_load, whole_store);
  }
  if (j == C) return;
  const int64_t rest = C - j;
  tile(
      j, std::integral_constant<int, 1>{}, [rest](const T* p) { return load_first(p, rest); },
      [rest](T* p, Vector<T> v) { store_first(p, v, rest); });
}

// Adds one block of rows, `kept` of which count, to the moments of `count` rows.
template <typename T>
void add_block(const T* x, const uint8_t* keep, const T* pivot, int64_t rows, int64_t kept,
               int64_t C, T* mean, T* squares, int64_t count) {
  const T share = T(kept) / T(count + kept);
  const T weight = T(count) * share;
  walk_columns<T>(C, [&](int64_t j, auto width, auto get, auto put) {
    constexpr int W = decltype(width)::value, lanes = kLanesOf<T>;
    Vector<T> origin[W], block_mean[W]{}, block_squares[W]{};
    for (int w = 0; w < W; ++w) origin[w] = get(pivot + j + w * lanes);
    const auto each_kept = [&](auto use) {
      for (int64_t i = 0; i < rows; ++i) {
        if (keep && !keep[i]) continue;
        for (int w = 0; w < W; ++w) use(w, get(x + i * C + j + w * lanes) - origin[w]);
      }
    };
    each_kept([&](int w, Vector<T> v) { block_mean[w] += v; });
    for (int w = 0; w < W; ++w) block_mean[w] /= T(kept);
    each_kept([&](int w, Vector<T> v) {
      const Vector<T> d = v - block_mean[w];
      block_squares[w] += d * d;
    });
    for (int w = 0; w < W; ++w) {
      T* const m = mean + j + w * lanes;
      T* const s = squares + j + w * lanes;
      const Vector<T> d = block_mean[w] - get(m);
      put(s, get(s) + block_squares[w] + d * d * weight);
      put(m, get(m) + d * share);
    }
  });
}

template <typename T>
int64_t moments_of_rows(const T* x, const uint8_t* keep, const T* pivot, int64_t N, int64_t C,
                        T* mean, T* squares) {
  std::fill(mean, mean + C, T(0));
  std::fill(squares, squares + C, T(0));
  const int64_t block = block_rows<T>(C);
  int64_t count = 0;
  for (int64_t begin = 0; begin < N; begin += block) {
    const int64_t rows = std::min(block, N - begin);
    const uint8_t* const kept_rows = keep ? keep + begin : nullptr;
    const int64_t kept = keep ? rows - std::count(kept_rows, kept_rows + rows, uint8_t(0)) : rows;
    if (kept == 0) continue;
    add_block(x + begin * C, kept_rows, pivot, rows, kept, C, mean, squares, count);
    count += kept;
  }
  return count;
}

template <typename T>
void gradient_sums_of_rows(const T* x, const T* dy, const T* mean, int64_t N, int64_t C, T* sums,
                           T* products) {
  std::fill(sums, sums + C, T(0));
  std::fill(products, products + C, T(0));
  const int64_t block = block_rows<T>(C);
  for (int64_t begin = 0; begin < N; begin += block) {
    const int64_t end = std::min(begin + block, N);
    walk_columns<T>(C, [&](int64_t j, auto width, auto get, auto put) {
      constexpr int W = decltype(width)::value, lanes = kLanesOf<T>;
      // Summed by block first: rounding grows with the rows of a block, not with all.
      Vector<T> s[W]{}, p[W]{}, m[W];
      for (int w = 0; w < W; ++w) m[w] = get(mean + j + w * lanes);
      for (int64_t i = begin; i < end; ++i) {
        for (int w = 0; w < W; ++w) {
          const Vector<T> g = get(dy + i * C + j + w * lanes);
          s[w] += g;
          p[w] += g * (get(x + i * C + j + w * lanes) - m[w]);
        }
      }
      for (int w = 0; w < W; ++w) {
        T* const sum_at = sums + j + w * lanes;
        T* const product_at = products + j + w * lanes;
        put(sum_at, get(sum_at) + s[w]);
        put(product_at, get(product_at) + p[w]);
      }
    });
  }
}

// k copies of v behind each other, in `copies` unless v itself will do.
template <typename T>
const T* repeated(const T* v, int64_t C, int64_t k, T* copies) {
  if (k == 1) return v;
  for (int64_t f = 0; f < k; ++f) std::copy(v, v + C, copies + f * C);
  return copies;
}

}  // namespace

template <typename T>
void merge_moments(T* mean, T* squares, int64_t count, const T* other_mean, const T* other_squares,
                   int64_t other_count, int64_t C) {
  if (other_count == 0) return;
  const T share = T(other_count) / T(count + other_count);
  const T weight = T(count) * share;
  for (int64_t j = 0; j < C; ++j) {
    const T d = other_mean[j] - mean[j];
    squares[j] += other_squares[j] + d * d * weight;
    mean[j] += d * share;
  }
}

template <typename T>
int64_t moments(const T* x, const uint8_t* keep, const T* pivot, int64_t N, int64_t C, T* mean,
                T* squares) {
  const int64_t k = keep ? 1 : folds<T>(N, C);
  if (k == 1) return moments_of_rows(x, keep, pivot, N, C, mean, squares);
  T wide_mean[kMostFolded], wide_squares[kMostFolded], copies[kMostFolded] = {};
  const T* const wide_pivot = repeated(pivot, C, k, copies);
  const int64_t rows = N / k, folded = rows * k;
  moments_of_rows(x, nullptr, wide_pivot, rows, k * C, wide_mean, wide_squares);
  // The rows that are left over come first, then the parts.
  moments_of_rows(x + folded * C, nullptr, pivot, N - folded, C, mean, squares);
  for (int64_t f = 0; f < k; ++f) {
    merge_moments(mean, squares, N - folded + f * rows, wide_mean + f * C, wide_squares + f * C,
                  rows, C);
  }
  return N;
}

template <typename T>
void gradient_sums(const T* x, const T* dy, const T* mean, int64_t N, int64_t C, T* sums,
                   T* products) {
  const int64_t k = folds<T>(N, C);
  if (k == 1) return gradient_sums_of_rows(x, dy, mean, N, C, sums, products);
  T wide_sums[kMostFolded], wide_products[kMostFolded], copies[kMostFolded] = {};
  const T* const wide_mean = repeated(mean, C, k, copies);
  const int64_t rows = N / k, folded = rows * k;
  gradient_sums_of_rows(x, dy, wide_mean, rows, k * C, wide_sums, wide_products);
  gradient_sums_of_rows(x + folded * C, dy + folded * C, mean, N - folded, C, sums, products);
  for (int64_t j = 0; j < k * C; ++j) {
    sums[j % C] += wide_sums[j];
    products[j % C] += wide_products[j];
  }
}

template <typename T>
void scale_and_shift(const T* x, const T* mean, const T* scale, const T* shift, T* y, int64_t N,
                     int64_t C) {
  const int64_t k = folds<T>(N, C);
  T copies[3][kMostFolded];
  const T* const m = repeated(mean, C, k, copies[0]);
  const T* const a = repeated(scale, C, k, copies[1]);
  const T* const b = repeated(shift, C, k, copies[2]);
  const auto rows_of = [&](int64_t begin, int64_t end, int64_t columns) {
    for (int64_t i = begin; i < end; i += columns) {
      walk_columns<T>(columns, [&](int64_t j, auto width, auto get, auto put) {
        for (int w = 0; w < decltype(width)::value; ++w, j += kLanesOf<T>) {
          put(y + i + j, (get(x + i + j) - get(m + j)) * get(a + j) + get(b + j));
        }
      });
    }
  };
  const int64_t folded = N / k * k;
  rows_of(0, folded * C, k * C);
  rows_of(folded * C, N * C, C);
}

template <typename T>
void combine_gradients(const T* x, const T* dy, const uint8_t* keep, const T* mean, const T* scale,
                       const T* slope, const T* shift, T* dx, int64_t N, int64_t C) {
  const int64_t k = keep ? 1 : folds<T>(N, C);
  T copies[4][kMostFolded];
  const T* const m = repeated(mean, C, k, copies[0]);
  const T* const a = repeated(scale, C, k, copies[1]);
  const T* const b = repeated(slope, C, k, copies[2]);
  const T* const c = repeated(shift, C, k, copies[3]);
  const auto rows_of = [&](int64_t begin, int64_t end, int64_t columns) {
    for (int64_t i = begin; i < end; i += columns) {
      const bool kept = !keep || keep[i / columns];
      walk_columns<T>(columns, [&](int64_t j, auto width, auto get, auto put) {
        for (int w = 0; w < decltype(width)::value; ++w, j += kLanesOf<T>) {
          Vector<T> g = get(dy + i + j) * get(a + j);
          if (kept) {
            g += (get(x + i + j) - get(m + j)) * get(b + j) + get(c + j);
          }
          put(dx + i + j, g);
        }
      });
    }
  };
  const int64_t folded = N / k * k;
  rows_of(0, folded * C, k * C);
  rows_of(folded * C, N * C, C);
}

#define LAMINA_INSTANTIATE(T)                                                                  \
  template int64_t moments(const T*, const uint8_t*, const T*, int64_t, int64_t, T*, T*);      \
  template void merge_moments(T*, T*, int64_t, const T*, const T*, int64_t, int64_t);          \
  template void gradient_sums(const T*, const T*, const T*, int64_t, int64_t, T*, T*);         \
  template void scale_and_shift(const T*, const T*, const T*, const T*, T*, int64_t, int64_t); \
  template void combine_gradients(const T*, const T*, const uint8_t*, const T*, const T*,      \
                                  const T*, const T*, T*, int64_t, int64_t);
LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina::columns
