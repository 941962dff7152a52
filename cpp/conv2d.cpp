#include "conv2d.h"

#include <algorithm>
#include <vector>

#include "buffer.h"
#include "gemm.h"
#include "parallel.h"
#include "simd.h"
#include "window_loops.h"

namespace lamina {
namespace {

constexpr int64_t kWorthAThread = 64 * 1024;  // multiplications
constexpr int64_t kTileElements = 64 * 1024;  // packed: a quarter of a megabyte, within L2
constexpr int64_t kLeastTile = 128;           // places: fewer would leave a product too narrow

// What follows from a Convolution. Row p of the packed windows has the K cells of place p.
struct Sizes {
  int64_t channels, filters;  // of a group
  int64_t K, places, tile;
  bool plain;  // a window is one cell of its own: x is already packed

  explicit Sizes(const Convolution& c)
      : channels(c.C / c.G),
        filters(c.F / c.G),
        K(c.windows.kh * c.windows.kw * channels),
        places(c.windows.places()),
        tile(std::min(std::max<int64_t>(places, 1), std::max(kLeastTile, kTileElements / K))) {
    const Windows& w = c.windows;
    plain = w.kh == 1 && w.kw == 1 && w.stride_y == 1 && w.stride_x == 1 && w.top == 0 &&
            w.left == 0 && w.OH == w.H && w.OW == w.W;
  }

  int64_t grain(const Convolution& c) const {
    return std::max<int64_t>(1, kWorthAThread / (K * c.F));
  }
};

template <typename T>
inline void copy(const T* from, T* to, int64_t count) {
  constexpr int lanes = kLanesOf<T>;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, load(from + i));
  if (i < count) store_first(to + i, load_first(from + i, count - i), count - i);
}

template <typename T>
inline void add(const T* from, T* to, int64_t count) {
  int64_t i = 0;
  for (; i + kLanesOf<T> <= count; i += kLanesOf<T>) store(to + i, load(to + i) + load(from + i));
  for (; i < count; ++i) to[i] += from[i];  // no mask: the next window may read what this one wrote
}

// Calls use(place, count, image, y, x) for the places [begin, end): `count` of them side by side,
// the windows of which lie wholly between the image's sides, or a single one that does not. The
// first window begins at (y, x).
template <typename Use>
void for_each_group(const Windows& w, int64_t begin, int64_t end, Use use) {
  const int64_t reach = (w.kw - 1) * w.dilation_x;
  const int64_t first = (w.left + w.stride_x - 1) / w.stride_x;
  const int64_t last = w.W - reach + w.left <= 0 ? 0 : (w.W - reach + w.left - 1) / w.stride_x + 1;
  for (int64_t place = begin; place < end;) {
    const int64_t ox = place % w.OW, oy = place / w.OW % w.OH;
    const bool inner = first <= ox && ox < last;
    const int64_t count = inner ? std::min(std::min(last, w.OW) - ox, end - place) : 1;
    use(place, count, place / (w.OW * w.OH), oy * w.stride_y - w.top, ox * w.stride_x - w.left);
    place += count;
  }
}

// Calls use(in_row, in_image, length) for every stretch of a window, beginning at (y, x), that is
// one stretch both of the packed row and of the image. Only rows [low, high) of the image count.
template <typename Use>
inline void for_each_stretch(const Convolution& c, const Sizes& s, int64_t group, int64_t y,
                             int64_t x, int64_t low, int64_t high, Use use) {
  const Windows& w = c.windows;
  const Range rows = inside(y, w.dilation_y, w.kh, low, high);
  const Range columns = inside(x, w.dilation_x, w.kw, 0, w.W);
  const int64_t width = columns.last - columns.first;
  if (width == 0) return;
  for (int64_t ky = rows.first; ky < rows.last; ++ky) {
    const int64_t row = (y + ky * w.dilation_y) * w.W + x;
    if (c.G == 1 && w.dilation_x == 1) {
      use((ky * w.kw + columns.first) * c.C, (row + columns.first) * c.C, width * c.C);
      continue;
    }
    for (int64_t kx = columns.first; kx < columns.last; ++kx) {
      use((ky * w.kw + kx) * s.channels, (row + kx * w.dilation_x) * c.C + group * s.channels,
          s.channels);
    }
  }
}

// The windows of places [begin, end), a row each.
template <typename T>
void pack(const Convolution& c, const Sizes& s, int64_t group, const T* x, int64_t begin,
          int64_t end, T* rows) {
  const Windows& w = c.windows;
  const int64_t step = w.stride_x * c.C;
  for_each_group(
      w, begin, end, [&](int64_t place, int64_t count, int64_t image, int64_t y0, int64_t x0) {
        T* row = rows + (place - begin) * s.K;
        const T* cells = x + image * w.H * w.W * c.C;
        const bool whole = y0 >= 0 && y0 + (w.kh - 1) * w.dilation_y < w.H && x0 >= 0 &&
                           x0 + (w.kw - 1) * w.dilation_x < w.W;
        if (!whole) std::fill(row, row + count * s.K, T(0));
        for_each_stretch(c, s, group, y0, x0, 0, w.H,
                         [&](int64_t in_row, int64_t in_image, int64_t length) {
                           for (int64_t i = 0; i < count; ++i) {
                             copy(cells + in_image + i * step, row + in_row + i * s.K, length);
                           }
                         });
      });
}

// Adds the rows of places [begin, end) to the cells they were packed from, if those are in rows
// [low, high) of their image.
template <typename T>
void unpack(const Convolution& c, const Sizes& s, int64_t group, const T* rows, int64_t begin,
            int64_t end, int64_t low, int64_t high, T* dx) {
  const Windows& w = c.windows;
  const int64_t step = w.stride_x * c.C;
  for_each_group(
      w, begin, end, [&](int64_t place, int64_t count, int64_t image, int64_t y0, int64_t x0) {
        const T* row = rows + (place - begin) * s.K;
        T* cells = dx + image * w.H * w.W * c.C;
        for_each_stretch(c, s, group, y0, x0, low, high,
                         [&](int64_t in_row, int64_t in_image, int64_t length) {
                           for (int64_t i = 0; i < count; ++i) {
                             add(row + in_row + i * s.K, cells + in_image + i * step, length);
                           }
                         });
      });
}

// A band is the rows [low, high) of one image's dx. Bands are computed apart, so that no two
// threads add to one cell; the windows that reach into two of them are computed for both.
template <typename T>
void band_gradient(const Convolution& c, const Sizes& s, int64_t image, int64_t low, int64_t high,
                   const T* dy, const T* kernel, T* rows, T* dx) {
  const Windows& w = c.windows;
  T* band = dx + (image * w.H + low) * w.W * c.C;
  std::fill(band, band + (high - low) * w.W * c.C, T(0));
  const int64_t reach = (w.kh - 1) * w.dilation_y, lowest = low + w.top - reach;
  const int64_t first = lowest <= 0 ? 0 : (lowest + w.stride_y - 1) / w.stride_y;
  const int64_t last = std::min(w.OH, (high - 1 + w.top) / w.stride_y + 1);
  const int64_t from = (image * w.OH + first) * w.OW, to = (image * w.OH + last) * w.OW;
  for (int64_t begin = from; begin < to; begin += s.tile) {
    const int64_t end = std::min(begin + s.tile, to);
    for (int64_t g = 0; g < c.G; ++g) {
      multiply(Stored::kPlain, Stored::kTransposed, end - begin, s.K, s.filters,
               dy + begin * c.F + g * s.filters, c.F, kernel + g * s.filters, c.F, T(0), rows, s.K);
      unpack(c, s, g, rows, begin, end, low, high, dx);
    }
  }
}

// A tile of packed rows for each thread.
template <typename T>
Buffer<T> tiles(const Sizes& s) {
  return make_buffer<T>(s.plain ? 0 : size_t(num_threads() * s.tile * s.K));
}

// into += each of the `count` sums, of `size` elements, in their order.
template <typename T>
void add_sums(const T* sums, int64_t count, int64_t size, T* into) {
  if (count == 0) return;
  parallel_for(size, kWorthAThread / count + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i) add(sums + i * size + begin, into + begin, end - begin);
  });
}

}  // namespace

template <typename T>
void conv2d(const Convolution& c, const T* x, const T* kernel, const T* bias, Activation activation,
            T* y) {
  const Sizes s(c);
  const Buffer<T> scratch = tiles<T>(s);
  parallel_for_shares(s.places, s.grain(c), [&](int share, int64_t first, int64_t last) {
    T* rows = scratch.get() + share * s.tile * s.K;
    for (int64_t begin = first; begin < last; begin += s.tile) {
      const int64_t end = std::min(begin + s.tile, last);
      for (int64_t g = 0; g < c.G; ++g) {
        if (!s.plain) pack(c, s, g, x, begin, end, rows);
        const T* packed = s.plain ? x + begin * c.C + g * s.channels : rows;
        multiply(Stored::kPlain, Stored::kPlain, end - begin, s.filters, s.K, packed,
                 s.plain ? c.C : s.K, kernel + g * s.filters, c.F, T(0),
                 y + begin * c.F + g * s.filters, c.F);
      }
      add_bias_and_activate(y + begin * c.F, bias, end - begin, c.F, activation);
    }
  });
}

template <typename T>
void conv2d_gradient_input(const Convolution& c, const T* dy, const T* kernel, const T* bias,
                           Activation activation, T* dx) {
  const Sizes s(c);
  const Windows& w = c.windows;
  if (s.plain) {
    parallel_for(s.places, s.grain(c), [&](int64_t begin, int64_t end) {
      for (int64_t g = 0; g < c.G; ++g) {
        multiply(Stored::kPlain, Stored::kTransposed, end - begin, s.channels, s.filters,
                 dy + begin * c.F + g * s.filters, c.F, kernel + g * s.filters, c.F, T(0),
                 dx + begin * c.C + g * s.channels, c.C);
      }
      add_bias_and_activate(dx + begin * c.C, bias, end - begin, c.C, activation);
    });
    return;
  }
  // An image is one band, unless there are too few images to keep every thread busy; a band is
  // several times as high as what it computes twice.
  const int64_t wanted = w.B >= 4 * num_threads() ? 1 : 4 * num_threads();
  const int64_t reach = (w.kh - 1) * w.dilation_y + 1;
  const int64_t bands = std::max<int64_t>(1, std::min(wanted, w.H / (4 * reach)));
  const int64_t work = std::max<int64_t>(1, w.OH * w.OW * s.K * c.F / bands);
  const Buffer<T> scratch = tiles<T>(s);
  parallel_for_shares(w.B * bands, std::max<int64_t>(1, kWorthAThread / work),
                      [&](int share, int64_t first, int64_t last) {
                        for (int64_t i = first; i < last; ++i) {
                          const int64_t image = i / bands, band = i % bands;
                          const int64_t low = w.H * band / bands, high = w.H * (band + 1) / bands;
                          band_gradient(c, s, image, low, high, dy, kernel,
                                        scratch.get() + share * s.tile * s.K, dx);
                          add_bias_and_activate(dx + (image * w.H + low) * w.W * c.C, bias,
                                                (high - low) * w.W, c.C, activation);
                        }
                      });
}

template <typename T>
void conv2d_gradient_kernel(const Convolution& c, const T* x, const T* dy, T* d_kernel) {
  const Sizes s(c);
  const int64_t size = s.K * c.F, threads = num_threads();
  std::fill(d_kernel, d_kernel + size, T(0));
  const Buffer<T> scratch = tiles<T>(s);
  // Share 0 adds to d_kernel itself. A thread's own sum must be worth its memory: at least a tile.
  const int64_t grain = std::max({s.grain(c), kLeastTile});
  const int64_t shares = std::max<int64_t>(1, std::min(threads, s.places / grain));
  const Buffer<T> sums = make_buffer<T>(size_t((shares - 1) * size));
  std::vector<char> used(size_t(shares), 0);
  parallel_for_shares(s.places, grain, [&](int share, int64_t first, int64_t last) {
    T* rows = scratch.get() + share * s.tile * s.K;
    T* sum = share == 0 ? d_kernel : sums.get() + (share - 1) * size;
    if (share > 0) std::fill(sum, sum + size, T(0));
    used[size_t(share)] = 1;
    for (int64_t begin = first; begin < last; begin += s.tile) {
      const int64_t end = std::min(begin + s.tile, last);
      for (int64_t g = 0; g < c.G; ++g) {
        if (!s.plain) pack(c, s, g, x, begin, end, rows);
        const T* packed = s.plain ? x + begin * c.C + g * s.channels : rows;
        multiply(Stored::kTransposed, Stored::kPlain, s.K, s.filters, end - begin, packed,
                 s.plain ? c.C : s.K, dy + begin * c.F + g * s.filters, c.F, T(1),
                 sum + g * s.filters, c.F);
      }
    }
  });
  // A team may be smaller than was asked for; its shares are the first ones.
  add_sums(sums.get(), std::count(used.begin() + 1, used.end(), 1), size, d_kernel);
}

template void conv2d(const Convolution&, const float*, const float*, const float*, Activation,
                     float*);
template void conv2d(const Convolution&, const double*, const double*, const double*, Activation,
                     double*);
template void conv2d_gradient_input(const Convolution&, const float*, const float*, const float*,
                                    Activation, float*);
template void conv2d_gradient_input(const Convolution&, const double*, const double*, const double*,
                                    Activation, double*);
template void conv2d_gradient_kernel(const Convolution&, const float*, const float*, float*);
template void conv2d_gradient_kernel(const Convolution&, const double*, const double*, double*);

}  // namespace lamina
