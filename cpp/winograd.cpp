#include "winograd.h"

#include <algorithm>
#include <utility>

#include "activation_functions.h"
#include "buffer.h"
#include "panels.h"
#include "parallel.h"
#include "pieces.h"
#include "simd.h"
#include "winograd_tiles.h"

namespace lamina {
namespace {

using namespace winograd_tiles;

constexpr int64_t kBlockElements = 96 * 1024;  // transformed, in the second level of cache
constexpr int64_t kMostTiles = 96;

// Three elements of the kernel: G g.
template <typename V>
inline void transform_kernel(const V& g0, const V& g1, const V& g2, V* t, int step) {
  const V outer = g0 + g2;
  t[0] = g0;
  t[step] = (outer + g1) * 0.5f;
  t[2 * step] = (outer - g1) * 0.5f;
  t[3 * step] = g2;
}

// The same of both axes: a register of each of the nine cells, from `at` on, to one of each
// product.
template <typename T>
inline void transform_register(const std::vector<const T*>& blocks, int64_t at, int64_t some,
                               Vector<T> (&all)[kProducts]) {
  Vector<T> g[9], along[12];
  for (int i = 0; i < 9; ++i) g[i] = load_some(blocks[size_t(i)] + at, some);
  for (int i = 0; i < 3; ++i) transform_kernel(g[i], g[3 + i], g[6 + i], along + i, 3);
  for (int i = 0; i < kCells; ++i) {
    transform_kernel(along[3 * i], along[3 * i + 1], along[3 * i + 2], all + i * kCells, 1);
  }
}

// What the products multiply with: C rows for each, and one that is left out, for those that are
// written in turn not to be a multiple of 4096 bytes apart.
inline int64_t rows_of_a_product(int64_t C) { return C + 1; }

// A row of the blocks to that row of each product's, a register after the other.
template <typename T>
void transform_row(const KernelBlocks<T>& kernel, int64_t row,
                   const std::vector<typename Panels<T>::Register>& registers, T* packed) {
  const auto& [blocks, stored, stride, C, N] = kernel;
  int64_t n = 0;
  for (const auto& [first, step] : registers) {
    Vector<T> all[kProducts];
    transform_register(blocks, row * stride + n, std::min<int64_t>(kLanesOf<T>, N - n), all);
    T* to = packed + first + row * step;
    for (int i = 0; i < kProducts; ++i) store(to + i * rows_of_a_product(C) * step, all[i]);
    n += kLanesOf<T>;
  }
}

// A register of the blocks' rows, from `first_row` on, to a register of columns.
template <typename T>
void transform_columns(const KernelBlocks<T>& kernel, int64_t first_row,
                       const typename Panels<T>::Register& to, T* packed) {
  constexpr int64_t lanes = kLanesOf<T>;
  const auto& [blocks, stored, stride, C, N] = kernel;
  const int64_t rows = std::min(lanes, N - first_row);
  T squares[kProducts][lanes][lanes] = {};
  for (int64_t c = 0; c < C; c += lanes) {
    const int64_t some = std::min(lanes, C - c);
    for (int64_t j = 0; j < rows; ++j) {
      Vector<T> all[kProducts];
      transform_register(blocks, (first_row + j) * stride + c, some, all);
      for (int i = 0; i < kProducts; ++i) store(squares[i][j], all[i]);
    }
    for (int i = 0; i < kProducts; ++i) {
      const int64_t row = i * rows_of_a_product(C) + c;
      store_columns(squares[i], some, packed + to.first + row * to.step, to.step);
    }
  }
}

// The kernel's transform, packed: the rows of a product after those of the one before.
template <typename T>
Panels<T> transform(const KernelBlocks<T>& kernel) {
  constexpr int64_t lanes = kLanesOf<T>;
  const int64_t C = kernel.C, N = kernel.N;
  Panels<T> factors(kProducts * rows_of_a_product(C), N);
  T* packed = factors.packed();
  const auto registers = factors.registers();
  if (kernel.stored == Stored::kPlain) {
    parallel_for(C, grain_of_rows(kProducts * N), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) transform_row(kernel, row, registers, packed);
    });
  } else {
    const int64_t grain = grain_of_rows(kProducts * lanes * C);
    parallel_for(int64_t(registers.size()), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        transform_columns(kernel, i * lanes, registers[size_t(i)], packed);
      }
    });
  }
  return factors;
}

// Four products back to two places: A^T m.
template <typename V>
inline void transform_back(const V& m0, const V& m1, const V& m2, const V& m3, V* y, int step) {
  y[0] = m0 + m1 + m2;
  y[step] = m1 - m2 - m3;
}

// The products of one tile, 16 rows of N that are `step` apart, to its places.
template <typename T>
void write_tile(const Tiles& tiles, int64_t tile, const T* products, int64_t step, int64_t N,
                const T* bias, Activation activation, T* out) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t y = tiles.y(tile), x = tiles.x(tile);
  const bool below = y + 1 < tiles.OH, beside = x + 1 < tiles.OW;
  T* place = out + ((tiles.image(tile) * tiles.OH + y) * tiles.OW + x) * N;
  for (int64_t n = 0; n < N; n += lanes) {
    const int64_t some = std::min<int64_t>(lanes, N - n);
    Vector<T> rows[kOut * kCells], all[kOut * kOut];
#pragma GCC unroll 4
    for (int j = 0; j < kCells; ++j) {
      const T* from = products + j * step + n;
      transform_back(load_some(from, some), load_some(from + 4 * step, some),
                     load_some(from + 8 * step, some), load_some(from + 12 * step, some), rows + j,
                     kCells);
    }
#pragma GCC unroll 2
    for (int i = 0; i < kOut; ++i) {
      const Vector<T>* row = rows + i * kCells;
      transform_back(row[0], row[1], row[2], row[3], all + i * kOut, 1);
    }
    const Vector<T> added = bias ? load_some(bias + n, some) : Vector<T>{};
#pragma GCC unroll 4
    for (int i = 0; i < kOut * kOut; ++i) {
      if ((i >= kOut && !below) || (i % kOut && !beside)) continue;
      store_some(place + (i / kOut * tiles.OW + i % kOut) * N + n,
                 activate(activation, all[i] + added), some);
    }
  }
}

}  // namespace

template <typename T>
bool winograd_fits(int64_t B, const Grid& grid, int64_t N) {
  // Fewer take longer to transform, cells or kernel, than they save.
  constexpr int64_t least_channels = 24, least_places = 128;
  const auto plain = [](const Axis& axis) {
    return axis.step == 1 && axis.taps.size() == 3 && axis.is_contiguous() && axis.places > 1;
  };
  return sizeof(T) == sizeof(float) && plain(grid.y) && plain(grid.x) && grid.channels == grid.C &&
         grid.C >= least_channels && N >= least_channels && B * grid.places() >= least_places;
}

template <typename T>
void winograd(int64_t B, const Grid& grid, const T* images, const KernelBlocks<T>& kernel,
              const T* bias, Activation activation, T* out) {
  const Tiles tiles(grid);
  const int64_t C = tiles.C, N = kernel.N, count = tiles.count(B);
  const int64_t most = std::clamp<int64_t>(kBlockElements / (kProducts * (C + N)), 12, kMostTiles);
  const int64_t grain = std::min(most, 1 + kProductsWorthAThread / (kProducts * C * N));
  const PackedForThreads<Panels<T>> packed(kProducts * C * N, [&] { return transform(kernel); });
  const int64_t step = apart<T>(most * C), out_step = apart<T>(most * N);
  parallel_for_pieces(count, grain, most, [&] {
    Buffer<T> cells = make_buffer<T>(size_t(kProducts * step + C));
    std::fill_n(cells.get() + kProducts * step, C, T(0));  // what lies beyond the image
    return [&, factors = packed.here(), cells = std::move(cells),
            products = make_buffer<T>(size_t(kProducts * out_step))](int64_t begin, int64_t end) {
      const int64_t block = end - begin;
      const T* nothing = cells.get() + kProducts * step;
      for (int64_t t = 0; t < block; ++t) {
        transform_tile(tiles, begin + t, {0, C}, images, nothing, cells.get() + t * C, step);
      }
      for (int i = 0; i < kProducts; ++i) {
        multiply_rows_piece(cells.get() + i * step, C, *factors, i * rows_of_a_product(C), C,
                            {0, block, 0, factors->count()}, products.get() + i * out_step, N,
                            false, {});
      }
      for (int64_t t = 0; t < block; ++t) {
        write_tile(tiles, begin + t, products.get() + t * N, out_step, N, bias, activation, out);
      }
    };
  });
}

#define LAMINA_INSTANTIATE(T)                                                              \
  template bool winograd_fits<T>(int64_t, const Grid&, int64_t);                           \
  template void winograd(int64_t, const Grid&, const T*, const KernelBlocks<T>&, const T*, \
                         Activation, T*);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
