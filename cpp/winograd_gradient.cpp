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

// The sums of some tiles, for some of the channels.
template <typename T>
class TileSums {
 public:
  TileSums(const Tiles& tiles, Range channels, int64_t N)
      : tiles_(tiles),
        channels_(channels),
        count_(channels.end - channels.begin),
        N_(N),
        padded_((N + kLanesOf<T> - 1) / kLanesOf<T> * kLanesOf<T>),
        cells_step_(apart<T>(kColumnsDepth * count_)),
        places_step_(apart<T>(kColumnsDepth * padded_)),
        cells_(make_buffer<T>(size_t(kProducts * cells_step_))),
        places_(make_buffer<T>(size_t(kProducts * places_step_))),
        nothing_(size_t(std::max(tiles.C, N))) {}

  // Writes those rows of sums (16 x C x N) that belong to the channels.
  void write(const T* images, const T* dy, Range some, T* sums) {
    for_even_tiles(some.end - some.begin, kColumnsDepth, [&](int64_t begin, int64_t end) {
      const int64_t depth = end - begin;
      for (int64_t t = 0; t < depth; ++t) {
        const int64_t tile = some.begin + begin + t;
        transform_tile(tiles_, tile, channels_, images, nothing_.data(), cells_.get() + t * count_,
                       cells_step_);
        transform_places(tiles_, tile, dy, N_, nothing_.data(), places_.get() + t * padded_,
                         places_step_);
      }
      for (int i = 0; i < kProducts; ++i) {
        const T* rows[kColumnsDepth];
        for (int64_t t = 0; t < depth; ++t) rows[t] = cells_.get() + i * cells_step_ + t * count_;
        multiply(rows, depth, places_.get() + i * places_step_,
                 sums + (i * tiles_.C + channels_.begin) * N_, begin > 0);
      }
    });
  }

 private:
  // sums (channels x N) = or += the transpose of `depth` rows of channels, times as many of places.
  void multiply(const T* const* rows, int64_t depth, const T* places, T* sums, bool add) {
    constexpr int64_t lanes = kLanesOf<T>;
    for_even_tiles(padded_ / lanes, kStripVectors, [&](int64_t begin, int64_t end) {
      const int64_t column = begin * lanes;
      const Strip<T> strip{places + column, padded_, int(end - begin), column,
                           std::min(lanes, N_ - (end - 1) * lanes)};
      for_even_tiles(count_, tile_rows(strip.vectors), [&](int64_t from, int64_t to) {
        T* out[kMostRows] = {};
        for (int64_t c = from; c < to; ++c) out[c - from] = sums + c * N_;
        multiply_columns(rows, from, to - from, depth, strip, out, column, add, [](int64_t) {});
      });
    });
  }

  const Tiles& tiles_;
  const Range channels_;
  const int64_t count_, N_, padded_, cells_step_, places_step_;
  Buffer<T> cells_, places_;
  std::vector<T> nothing_;
};

// Whether threads take registers of channels, not tiles: each of them transforms all gradients
// then, but they write one array of sums, and need not add one for each thread. It pays where there
// are few tiles for each channel and no thread has over a quarter more channels than its part.
template <typename T>
bool takes_channels(int64_t tiles, int64_t C, int threads) {
  constexpr int64_t lanes = kLanesOf<T>, most_tiles_a_channel = 4;
  const int64_t registers = (C + lanes - 1) / lanes, most = (registers + threads - 1) / threads;
  return tiles < most_tiles_a_channel * C && 4 * most * threads * lanes <= 5 * C;
}

// The shares' sums, added and transformed back: a register of `some` of the size = C x N elements
// of d_kernel's nine cells, from `at` on.
template <typename T>
void write_register(const SumsOfShares<T>& sums, int64_t size, int64_t at, int64_t some,
                    T* d_kernel) {
  const int64_t shares = sums.count();
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

}  // namespace

template <typename T>
void winograd_gradient_kernel(int64_t B, const Grid& grid, const T* images, const T* dy, int64_t N,
                              T* d_kernel) {
  constexpr int64_t lanes = kLanesOf<T>;
  const Tiles tiles(grid);
  const int64_t C = tiles.C, size = C * N, count = tiles.count(B);
  const int threads = num_threads();
  const bool by_channels = takes_channels<T>(count, C, threads);
  SumsOfShares<T> sums(kProducts * size, by_channels ? 1 : threads);
  if (by_channels) {
    T* whole = sums.take(0);
    const int64_t grain = 1 + kProductsWorthAThread / (kProducts * count * lanes * N);
    parallel_for_shares(threads, (C + lanes - 1) / lanes, grain,
                        [&](int, int64_t begin, int64_t end) {
                          const Range channels{begin * lanes, std::min(end * lanes, C)};
                          TileSums<T>(tiles, channels, N).write(images, dy, {0, count}, whole);
                        });
  } else {
    const int64_t grain = 1 + kProductsWorthAThread / (kProducts * size);
    parallel_for_shares(threads, count, grain, [&](int share, int64_t first, int64_t last) {
      TileSums<T>(tiles, {0, C}, N).write(images, dy, {first, last}, sums.take(share));
    });
  }
  const int64_t registers = (size + lanes - 1) / lanes;
  parallel_for(registers, grain_of_rows(lanes * kProducts), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * lanes; at < std::min(end * lanes, size); at += lanes) {
      write_register(sums, size, at, std::min(lanes, size - at), d_kernel);
    }
  });
}

template void winograd_gradient_kernel(int64_t, const Grid&, const float*, const float*, int64_t,
                                       float*);
template void winograd_gradient_kernel(int64_t, const Grid&, const double*, const double*, int64_t,
                                       double*);

}  // namespace lamina
