#include <algorithm>
#include <vector>

#include "buffer.h"
#include "parallel.h"
#include "shares.h"
#include "tiles.h"
#include "winograd.h"
#include "winograd_tiles.h"

namespace lamina {
namespace {

using namespace winograd_tiles;

// Two gradients of one axis, transformed: A dy.
template <typename V>
inline void transform_gradients(const V& y0, const V& y1, V* t, int step) {
  t[0] = y0;
  t[step] = y0 + y1;
  t[2 * step] = y0 - y1;
  t[3 * step] = -y1;
}

// Four sums to three elements of the kernel's gradient: G^T s.
template <typename V>
inline void transform_sums(const V& s0, const V& s1, const V& s2, const V& s3, V* g, int step) {
  const V half = (s1 + s2) * 0.5f;
  g[0] = s0 + half;
  g[step] = (s1 - s2) * 0.5f;
  g[2 * step] = half + s3;
}

// The gradients of one tile's places, transformed, to 16 rows that are `step` apart, of whole
// registers. `nothing` is a row of zeros for the places outside of the grid.
template <typename T>
void transform_places(const Tiles& tiles, int64_t tile, const T* dy, int64_t N, const T* nothing,
                      T* out, int64_t step) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t y = tiles.y(tile), x = tiles.x(tile);
  const T* first = dy + ((tiles.image(tile) * tiles.OH + y) * tiles.OW + x) * N;
  const T* places[kOut * kOut];
  for (int i = 0; i < kOut * kOut; ++i) {
    const bool inside = y + i / kOut < tiles.OH && x + i % kOut < tiles.OW;
    places[i] = inside ? first + (i / kOut * tiles.OW + i % kOut) * N : nothing;
  }
  const T* below = first + kOut * tiles.OW * N;
  for (int64_t n = 0; n < N; n += lanes) {
    const int64_t some = std::min<int64_t>(lanes, N - n);
    prefetch_square(below + n, tiles.OW * N, N);
    Vector<T> columns[kCells * kOut], all[kProducts];
    for (int j = 0; j < kOut; ++j) {
      transform_gradients(load_some(places[j] + n, some), load_some(places[kOut + j] + n, some),
                          columns + j, kOut);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kCells; ++i) {
      transform_gradients(columns[kOut * i], columns[kOut * i + 1], all + i * kCells, 1);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kProducts; ++i) store(out + i * step + n, all[i]);
  }
}

// sums (16 x C x N) += what tiles [first, last) give.
template <typename T>
class TileSums {
 public:
  TileSums(const Tiles& tiles, int64_t N)
      : tiles_(tiles),
        N_(N),
        padded_((N + kLanesOf<T> - 1) / kLanesOf<T> * kLanesOf<T>),
        cells_step_(apart<T>(kColumnsDepth * tiles.C)),
        places_step_(apart<T>(kColumnsDepth * padded_)),
        cells_(make_buffer<T>(size_t(kProducts * cells_step_))),
        places_(make_buffer<T>(size_t(kProducts * places_step_))),
        nothing_(size_t(std::max(tiles.C, N))) {}

  void add(const T* images, const T* dy, int64_t first, int64_t last, T* sums) {
    const int64_t C = tiles_.C;
    for_even_tiles(last - first, kColumnsDepth, [&](int64_t begin, int64_t end) {
      const int64_t count = end - begin;
      for (int64_t t = 0; t < count; ++t) {
        const int64_t tile = first + begin + t;
        transform_tile(tiles_, tile, images, nothing_.data(), cells_.get() + t * C, cells_step_);
        transform_places(tiles_, tile, dy, N_, nothing_.data(), places_.get() + t * padded_,
                         places_step_);
      }
      for (int i = 0; i < kProducts; ++i) {
        const T* rows[kColumnsDepth];
        for (int64_t t = 0; t < count; ++t) rows[t] = cells_.get() + i * cells_step_ + t * C;
        add_product(rows, count, places_.get() + i * places_step_, sums + i * C * N_);
      }
    });
  }

 private:
  // sums (C x N) += the transpose of `count` rows of C, times as many of places.
  void add_product(const T* const* rows, int64_t count, const T* places, T* sums) {
    constexpr int64_t lanes = kLanesOf<T>;
    for_even_tiles(padded_ / lanes, kStripVectors, [&](int64_t begin, int64_t end) {
      const int64_t column = begin * lanes;
      const Strip<T> strip{places + column, padded_, int(end - begin), column,
                           std::min(lanes, N_ - (end - 1) * lanes)};
      for_even_tiles(tiles_.C, tile_rows(strip.vectors), [&](int64_t from, int64_t to) {
        T* out[kMostRows] = {};
        for (int64_t c = from; c < to; ++c) out[c - from] = sums + c * N_;
        multiply_columns(rows, from, to - from, count, strip, out, column, true, [](int64_t) {});
      });
    });
  }

  const Tiles& tiles_;
  int64_t N_, padded_, cells_step_, places_step_;
  Buffer<T> cells_, places_;
  std::vector<T> nothing_;
};

}  // namespace

template <typename T>
void winograd_gradient_kernel(int64_t B, const Grid& grid, const T* images, const T* dy, int64_t N,
                              T* d_kernel) {
  constexpr int64_t lanes = kLanesOf<T>;
  const Tiles tiles(grid);
  const int64_t C = tiles.C, size = C * N, all = kProducts * size;
  const int threads = num_threads();
  SumsOfShares<T> sums(all, threads);
  parallel_for_shares(threads, tiles.count(B), 1 + kProductsWorthAThread / all,
                      [&](int share, int64_t first, int64_t last) {
                        TileSums<T>(tiles, N).add(images, dy, first, last, sums.begin(share));
                      });
  const int64_t shares = sums.count(), registers = (size + lanes - 1) / lanes;
  parallel_for(registers, grain_of_rows(lanes * kProducts), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * lanes; at < std::min(end * lanes, size); at += lanes) {
      const int64_t some = std::min(lanes, size - at);
      Vector<T> total[kProducts] = {}, along[12], g[9];
      for (int64_t s = 0; s < shares; ++s) {
        const T* from = sums[s] + at;
        for (int i = 0; i < kProducts; ++i) total[i] += load_some(from + i * size, some);
      }
      for (int j = 0; j < kCells; ++j) {
        transform_sums(total[j], total[4 + j], total[8 + j], total[12 + j], along + j, kCells);
      }
      for (int i = 0; i < 3; ++i) {
        const Vector<T>* row = along + i * kCells;
        transform_sums(row[0], row[1], row[2], row[3], g + 3 * i, 1);
      }
      for (int i = 0; i < 9; ++i) store_some(d_kernel + i * size + at, g[i], some);
    }
  });
}

template void winograd_gradient_kernel(int64_t, const Grid&, const float*, const float*, int64_t,
                                       float*);
template void winograd_gradient_kernel(int64_t, const Grid&, const double*, const double*, int64_t,
                                       double*);

}  // namespace lamina
