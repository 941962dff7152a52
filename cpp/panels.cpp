#include "panels.h"

#include <algorithm>

#include "parallel.h"

namespace lamina {
namespace {

// Rows whose sums fit in registers beside one row of a panel of G vectors.
template <int G>
constexpr int kTileRows = std::min(8, (kVectorRegisters == 32 ? 24 : 12) / G);

template <typename T, int R, int G>
void multiply_tile(int64_t K, const T* a, int64_t lda, const T* panel, T* sums) {
  constexpr int lanes = kLanesOf<T>;
  Vector<T> total[R][G] = {};
  for (int64_t k = 0; k < K; ++k) {
    Vector<T> b[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) b[g] = load(panel + (k * G + g) * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector<T> factor = broadcast(a[r * lda + k]);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) total[r][g] += factor * b[g];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) store(sums + (r * G + g) * lanes, total[r][g]);
  }
}

// Calls multiply_tile for `rows`, at most R of them.
template <typename T, int R, int G>
void multiply_rows(int64_t rows, int64_t K, const T* a, int64_t lda, const T* panel, T* sums) {
  if constexpr (R > 1) {
    if (rows < R) return multiply_rows<T, R - 1, G>(rows, K, a, lda, panel, sums);
  }
  multiply_tile<T, R, G>(K, a, lda, panel, sums);
}

// All rows, in tiles whose sizes differ by at most one.
template <typename T, int G>
void multiply_panel(int64_t rows, int64_t K, const T* a, int64_t lda, const T* panel, T* sums) {
  constexpr int64_t most = kTileRows<G>;
  const int64_t tiles = (rows + most - 1) / most;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = rows * i / tiles, end = rows * (i + 1) / tiles;
    multiply_rows<T, int(most), G>(end - begin, K, a + begin * lda, lda, panel,
                                   sums + begin * G * kLanesOf<T>);
  }
}

}  // namespace

template <typename T>
Panels<T>::Panels(Stored stored, const T* matrix, int64_t stride, int64_t K, int64_t U, int gates)
    : K_(K) {
  constexpr int64_t lanes = kLanesOf<T>;
  const int64_t registers = (U + lanes - 1) / lanes;  // of one gate
  const int64_t count = gates > 1 ? registers : (registers + kPanelVectors - 1) / kPanelVectors;
  const size_t size = size_t(registers * gates * lanes * K);
  packed_ = make_buffer<T>(size);
  T* data = packed_.get();
  std::fill(data, data + size, T(0));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = registers * i / count, end = registers * (i + 1) / count;
    const int vectors = gates > 1 ? gates : int(end - begin);
    panels_.push_back({data, vectors, begin * lanes});
    data += vectors * lanes * K;
  }
  parallel_for(count, 1 + (1 << 16) / (1 + lanes * gates * K), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const Panel& panel = panels_[size_t(i)];
      for (int g = 0; g < panel.vectors; ++g) {
        const int64_t gate = gates > 1 ? g : 0;
        const int64_t first = panel.first + (gates > 1 ? 0 : g * lanes);
        const int64_t columns = std::min(lanes, U - first);
        T* out = const_cast<T*>(panel.data) + g * lanes;
        for (int64_t k = 0; k < K; ++k, out += panel.vectors * lanes) {
          const bool plain = stored == Stored::kPlain;
          const T* from_matrix =
              matrix + (plain ? k * stride + gate * U + first : (gate * U + first) * stride + k);
          for (int64_t j = 0; j < columns; ++j) out[j] = from_matrix[plain ? j : j * stride];
        }
      }
    }
  });
}

template <typename T>
void Panels<T>::multiply(const Panel& panel, const T* a, int64_t lda, int64_t rows, T* sums) const {
  switch (panel.vectors) {
    case 1:
      return multiply_panel<T, 1>(rows, K_, a, lda, panel.data, sums);
    case 2:
      return multiply_panel<T, 2>(rows, K_, a, lda, panel.data, sums);
    case 3:
      return multiply_panel<T, 3>(rows, K_, a, lda, panel.data, sums);
    default:
      return multiply_panel<T, 4>(rows, K_, a, lda, panel.data, sums);
  }
}

template <typename T>
void Panels<T>::add_product(const T* a, int64_t lda, int64_t rows, T* sums, T* out,
                            int64_t out_stride) const {
  constexpr int lanes = kLanesOf<T>;
  for (const Panel& panel : panels_) {
    multiply(panel, a, lda, rows, sums);
    const T* from = sums;
    for (int64_t r = 0; r < rows; ++r) {
      T* to = out + r * out_stride + panel.first;
      for (int g = 0; g < panel.vectors; ++g, from += lanes, to += lanes) {
        store(to, load(to) + load(from));
      }
    }
  }
}

template class Panels<float>;
template class Panels<double>;

}  // namespace lamina
