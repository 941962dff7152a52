// The innermost loops of every matrix product: a tile of sums that stays in registers.
//
// A strip is what a tile sees of the right-hand matrix: a few neighbouring registers of its columns
// (one to kMostVectors), all of its rows. It is packed, so that its rows follow each other, or
// lies in the matrix itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "simd.h"

namespace lamina {

inline constexpr int kMostVectors = 4, kMostRows = 12;
// Registers of what is packed: with 16, 6 rows of 2 leave room for the operands; with 32, 6 rows
// of 4. A matrix that is read where it lies is cut into kMostVectors, for long stretches of memory.
inline constexpr int kStripVectors = kVectorRegisters == 32 ? 4 : 2;
// What a product of columns had best take at once: so many rows stay in the first cache.
inline constexpr int64_t kColumnsDepth = 96;

// What a tile asks memory for before it is wanted.
struct Fetch {
  bool sums = false;  // where its sums go, unless that is scratch memory, which is in the cache
  bool next = false;  // the rows of the next tile, line by line: those that are as far from its own
                      // as these from each other; to ask for what lies behind the last does no harm
};

template <typename T>
struct Strip {
  const T* data;
  int64_t step;   // from row to row
  int vectors;    // registers of columns
  int64_t first;  // its first column, for whoever places the results
  int64_t last;   // how many lanes of the last register are columns; the others are not written
};

// Rows of a tile whose sums fit in registers beside a row of a strip of G vectors.
template <int G>
constexpr int kTileRows = std::min(kMostRows, (kVectorRegisters == 32 ? 24 : 12) / G);

inline int tile_rows(int vectors) {
  constexpr int rows[] = {kTileRows<1>, kTileRows<2>, kTileRows<3>, kTileRows<4>};
  return rows[vectors - 1];
}

namespace detail {

// Sums begin with zeros and are added to what is there at the end, so that rounding grows with the
// depth of a tile and the number of tiles, not with their product.
template <typename T, int R, int G>
struct Tile {
  Vector<T> sums[R][G];

  void begin() {
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sums[r][g] = Vector<T>{};
    }
  }

  // Asks for the lines that the sums go to.
  void fetch(T* const* out, int64_t column) const {
    constexpr int line = std::max(1, 64 / int(kLanesOf<T> * sizeof(T)));
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int g = 0; g < G; g += line) __builtin_prefetch(out[r] + column + g * kLanesOf<T>, 1);
    }
  }

  void end(const Strip<T>& strip, T* const* out, int64_t column, bool add) {
    if (add) add_what_is_there(strip, out, column);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        T* to = out[r] + column + g * kLanesOf<T>;
        g + 1 < G ? store(to, sums[r][g]) : store_some(to, sums[r][g], strip.last);
      }
    }
  }

  void add_what_is_there(const Strip<T>& strip, T* const* out, int64_t column) {
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        const T* from = out[r] + column + g * kLanesOf<T>;
        sums[r][g] += g + 1 < G ? load(from) : load_some(from, strip.last);
      }
    }
  }
};

// sums[r] += element(r) times a row of the strip, for each row r of a tile. Of the two operands the
// one that takes fewer registers stays in them: with 16, a sum too many would live in memory.
template <typename T, int R, int G, typename Element>
[[gnu::always_inline]] inline void add_outer(Vector<T> (&sums)[R][G], const T* b, Element element) {
  Vector<T> kept[std::min(R, G)];
  if constexpr (R < G) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) kept[r] = broadcast(element(r));
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const Vector<T> of_b = load(b + g * kLanesOf<T>);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r][g] += kept[r] * of_b;
    }
  } else {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) kept[g] = load(b + g * kLanesOf<T>);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Vector<T> factor = broadcast(element(r));
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sums[r][g] += factor * kept[g];
    }
  }
}

template <typename T, int R, int G>
void rows_tile(const T* const* rows, int64_t segments, int64_t length, const Strip<T>& strip,
               T* const* out, int64_t column, bool add, Fetch fetch) {
  constexpr int64_t line = 64 / sizeof(T);
  Tile<T, R, G> tile;
  tile.begin();
  if (fetch.sums) tile.fetch(out, column);
  const T* b = strip.data;
  const int64_t step = strip.step;
  for (int64_t s = 0; s < segments; ++s, rows += R) {
    const T* a[R];
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) a[r] = rows[r];
    const int64_t below = R * (rows[1] - rows[0]), some = fetch.next ? line : length;
    for (int64_t k = 0; k < length;) {
      if (fetch.next) {
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) __builtin_prefetch(a[r] + below + k);
      }
      const int64_t end = std::min(k + some, length);
#pragma GCC unroll 4
      for (; k < end; ++k, b += step) add_outer<T>(tile.sums, b, [&](int r) { return a[r][k]; });
    }
  }
  tile.end(strip, out, column, add);
}

// A single row has fewer sums than additions can be under way (two are begun in each of the four
// cycles that one takes): each of its sums is made in parts.
template <typename T, int G>
void row_tile(const T* const* rows, int64_t segments, int64_t length, const Strip<T>& strip,
              T* const* out, int64_t column, bool add) {
  constexpr int P = 8 / G;
  Tile<T, P, G> parts;
  parts.begin();
  const auto multiply = [](Vector<T>(&sums)[G], T factor, const T* of_b) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sums[g] += broadcast(factor) * load(of_b + g * kLanesOf<T>);
  };
  const T* b = strip.data;
  const int64_t step = strip.step;
  for (int64_t s = 0; s < segments; ++s) {
    const T* a = rows[s];
    int64_t k = 0;
    for (; k + P <= length; k += P, b += P * step) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) multiply(parts.sums[p], a[k + p], b + p * step);
    }
    for (; k < length; ++k, b += step) multiply(parts.sums[0], a[k], b);
  }
  Tile<T, 1, G> tile;
  for (int g = 0; g < G; ++g) {
    tile.sums[0][g] = parts.sums[0][g];
    for (int p = 1; p < P; ++p) tile.sums[0][g] += parts.sums[p][g];
  }
  tile.end(strip, out, column, add);
}

template <typename T, int R, int G, typename Fetch>
void columns_tile(const T* const* rows, int64_t offset, int64_t depth, const Strip<T>& strip,
                  T* const* out, int64_t column, bool add, const Fetch& fetch) {
  Tile<T, R, G> tile;
  tile.begin();
  const T* b = strip.data;
  const int64_t step = strip.step;
  for (int64_t k = 0; k < depth; ++k, b += step) {
    const T* a = rows[k] + offset;
    fetch(k);
    add_outer<T>(tile.sums, b, [&](int r) { return a[r]; });
  }
  tile.end(strip, out, column, add);
}

// Calls use(R, G as constants) for count rows, at most R, and the strip's vectors. Inlined, because
// a small tile notices what a call costs.
template <int R, int G, typename Use>
[[gnu::always_inline]] inline void with_rows(int64_t count, const Use& use) {
  if constexpr (R > 1) {
    if (count < R) return with_rows<R - 1, G>(count, use);
  }
  use(std::integral_constant<int, R>(), std::integral_constant<int, G>());
}
template <typename Use>
[[gnu::always_inline]] inline void with_sizes(int64_t count, int vectors, const Use& use) {
  switch (vectors) {
    case 1:
      return with_rows<kTileRows<1>, 1>(count, use);
    case 2:
      return with_rows<kTileRows<2>, 2>(count, use);
    case 3:
      return with_rows<kTileRows<3>, 3>(count, use);
    default:
      return with_rows<kTileRows<4>, 4>(count, use);
  }
}

}  // namespace detail

// For each of `count` rows, at most tile_rows(strip.vectors): out[r][column ...] = or += a row
// times the strip. A row lies in `segments` stretches of `length`; that of row r in segment s
// begins at rows[s count + r].
template <typename T>
void multiply_rows(const T* const* rows, int64_t count, int64_t segments, int64_t length,
                   const Strip<T>& strip, T* const* out, int64_t column, bool add,
                   Fetch fetch = {}) {
  detail::with_sizes(count, strip.vectors, [&](auto R, auto G) {
    if constexpr (R() == 1) {
      detail::row_tile<T, G()>(rows, segments, length, strip, out, column, add);
    } else {
      detail::rows_tile<T, R(), G()>(rows, segments, length, strip, out, column, add, fetch);
    }
  });
}

// The same for columns: out[r][column ...] = or += the sum over k < depth of
// rows[k][offset + r] times row k of the strip. fetch(k) may ask for a little of what will be read
// soon: the hardware does not foresee a way across rows.
template <typename T, typename Fetch>
void multiply_columns(const T* const* rows, int64_t offset, int64_t count, int64_t depth,
                      const Strip<T>& strip, T* const* out, int64_t column, bool add,
                      const Fetch& fetch) {
  detail::with_sizes(count, strip.vectors, [&](auto R, auto G) {
    detail::columns_tile<T, R(), G()>(rows, offset, depth, strip, out, column, add, fetch);
  });
}

// Calls body(begin, end) for [0, count) in tiles of at most `most`, which differ by one at most.
template <typename Body>
void for_even_tiles(int64_t count, int64_t most, Body body) {
  const int64_t tiles = (count + most - 1) / most;
  int64_t begin = 0;
  for (int64_t i = 1; begin < count; ++i) {  // one division a tile, and none for the last
    const int64_t end = i == tiles ? count : count * i / tiles;
    body(begin, end);
    begin = end;
  }
}

// The same for blocks of rows, which whole tiles of any shape fill.
template <typename Body>
void for_row_blocks(int64_t rows, int64_t most, Body body) {
  constexpr int64_t unit = 24;
  for_even_tiles(
      (rows + unit - 1) / unit, std::max<int64_t>(most / unit, 1),
      [&](int64_t begin, int64_t end) { body(begin * unit, std::min(end * unit, rows)); });
}

// multiply_rows for any number of rows that lie, whole and at equal distances, in a matrix; so do
// those of out.
template <typename T>
void multiply_matrix(const T* a, int64_t lda, int64_t rows, int64_t depth, const Strip<T>& strip,
                     T* out, int64_t out_stride, int64_t column, bool add, Fetch fetch) {
  for_even_tiles(rows, tile_rows(strip.vectors), [&](int64_t begin, int64_t end) {
    const T* from[kMostRows];
    T* to[kMostRows];
    for (int64_t r = begin; r < end; ++r) {
      from[r - begin] = a + r * lda;
      to[r - begin] = out + r * out_stride;
    }
    multiply_rows(from, end - begin, 1, depth, strip, to, column, add,
                  {.sums = fetch.sums, .next = fetch.next && end < rows});
  });
}

}  // namespace lamina
