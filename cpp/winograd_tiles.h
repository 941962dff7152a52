// The tiles of Winograd's F(2 x 2, 3 x 3) (winograd.h) and how their cells are transformed: what
// the products and the gradient of the kernel share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "correlation.h"
#include "simd.h"

namespace lamina::winograd_tiles {

inline constexpr int kCells = 4, kProducts = kCells * kCells, kOut = 2;

// The tiles of B images, numbered one after the other, and where each lies.
struct Tiles {
  int64_t H, W, C, OH, OW, top, left, down, across;

  explicit Tiles(const Grid& grid)
      : H(grid.y.size),
        W(grid.x.size),
        C(grid.C),
        OH(grid.y.places),
        OW(grid.x.places),
        top(grid.y.offsets[0]),
        left(grid.x.offsets[0]),
        down((OH + 1) / kOut),
        across((OW + 1) / kOut) {}

  int64_t count(int64_t B) const { return B * down * across; }
  int64_t image(int64_t tile) const { return tile / (down * across); }
  int64_t y(int64_t tile) const { return tile / across % down * kOut; }
  int64_t x(int64_t tile) const { return tile % across * kOut; }
};

// The distance between rows of `count` elements, 16 of which are written to in turn: were it a
// multiple of 4096 bytes, they would all want the same few places of the first level of cache.
template <typename T>
int64_t apart(int64_t count) {
  constexpr int64_t lanes = kLanesOf<T>;
  return (count + lanes - 1) / lanes * lanes | lanes;
}

// Four cells of one axis, transformed: B^T d.
template <typename V>
inline void transform_cells(const V& d0, const V& d1, const V& d2, const V& d3, V* t, int step) {
  t[0] = d0 - d2;
  t[step] = d1 + d2;
  t[2 * step] = d2 - d1;
  t[3 * step] = d1 - d3;
}

// Asks for the square of two by two cells that the tile below reads and this one does not: what
// tiles read lies in stretches too short for the processor to guess the next one.
template <typename T>
inline void prefetch_square(const T* first, int64_t row, int64_t cell) {
  for (int i = 0; i < kOut * kOut; ++i) {
    __builtin_prefetch(first + i / kOut * row + i % kOut * cell);
  }
}

// Some channels of the cells of one tile, transformed, to 16 rows of them that are `step` apart.
// `nothing` is a row of C zeros for the cells outside of the image.
template <typename T>
void transform_tile(const Tiles& tiles, int64_t tile, Range channels, const T* images,
                    const T* nothing, T* out, int64_t step) {
  constexpr int lanes = kLanesOf<T>;
  const T* cells[kProducts];
  const T* image = images + tiles.image(tile) * tiles.H * tiles.W * tiles.C;
  const int64_t top = tiles.y(tile) + tiles.top, left = tiles.x(tile) + tiles.left;
  for (int i = 0; i < kProducts; ++i) {
    const int64_t y = top + i / kCells, x = left + i % kCells;
    const bool inside = y >= 0 && y < tiles.H && x >= 0 && x < tiles.W;
    cells[i] = inside ? image + (y * tiles.W + x) * tiles.C : nothing;
  }
  const T* below = image + ((top + kCells) * tiles.W + left + 1) * tiles.C;
  for (int64_t c = channels.begin; c < channels.end; c += lanes) {
    const int64_t some = std::min<int64_t>(lanes, channels.end - c);
    prefetch_square(below + c, tiles.W * tiles.C, tiles.C);
    Vector<T> rows[kProducts], all[kProducts];
#pragma GCC unroll 4
    for (int j = 0; j < kCells; ++j) {
      transform_cells(load_some(cells[j] + c, some), load_some(cells[4 + j] + c, some),
                      load_some(cells[8 + j] + c, some), load_some(cells[12 + j] + c, some),
                      rows + j, kCells);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kProducts; i += kCells) {
      transform_cells(rows[i], rows[i + 1], rows[i + 2], rows[i + 3], all + i, 1);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kProducts; ++i)
      store_some(out + i * step + c - channels.begin, all[i], some);
  }
}

}  // namespace lamina::winograd_tiles
