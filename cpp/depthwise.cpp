#include "depthwise.h"

#include <algorithm>
#include <vector>

#include "buffer.h"
#include "parallel.h"
#include "shares.h"
#include "simd.h"
#include "window_loops.h"

namespace lamina {
namespace {

constexpr int64_t kWorthAThread = 16 * 1024;  // multiplications

// Along one axis, which cells and elements of the kernel meet at each place: those of place p are
// taps[starts[p]] to taps[starts[p + 1]].
struct Tap {
  int64_t cell, k;
};
struct Taps {
  std::vector<int64_t> starts;
  std::vector<Tap> taps;
};

// For every place the cells of its window, or, `back`, for every cell the places that see it.
Taps taps_of(int64_t places, int64_t stride, int64_t before, int64_t count, int64_t dilation,
             int64_t cells, bool back) {
  Taps t;
  t.starts.push_back(0);
  for (int64_t i = 0; i < (back ? cells : places); ++i) {
    for (int64_t k = 0; k < count; ++k) {
      if (back) {
        const int64_t shifted = i + before - k * dilation;
        if (shifted < 0 || shifted % stride || shifted / stride >= places) continue;
        t.taps.push_back({shifted / stride, k});
      } else {
        const int64_t cell = i * stride - before + k * dilation;
        if (cell >= 0 && cell < cells) t.taps.push_back({cell, k});
      }
    }
    t.starts.push_back(int64_t(t.taps.size()));
  }
  return t;
}

Taps rows_of(const Windows& w, bool back) {
  return taps_of(w.OH, w.stride_y, w.top, w.kh, w.dilation_y, w.H, back);
}
Taps columns_of(const Windows& w, bool back) {
  return taps_of(w.OW, w.stride_x, w.left, w.kw, w.dilation_x, w.W, back);
}

// One row of `to`, N places wide: place by place, the sum over the taps of from * kernel. The rows
// of `from` are `width` cells. Both directions are this sum.
template <typename T>
void sum_over_taps(const T* from, int64_t width, const T* kernel, int64_t kw, int64_t C,
                   const Tap* rows_begin, const Tap* rows_end, const Taps& columns, int64_t N,
                   T* to) {
  for (int64_t i = 0; i < N; ++i) {
    const Tap* first = columns.taps.data() + columns.starts[size_t(i)];
    const Tap* last = columns.taps.data() + columns.starts[size_t(i + 1)];
    for_channels<T>(0, C, [&](auto lanes, int64_t j) {
      Vector<T> sum{};
      for (const Tap* row = rows_begin; row < rows_end; ++row) {
        const T* cells = from + row->cell * width * C + j;
        const T* weights = kernel + row->k * kw * C + j;
        for (const Tap* tap = first; tap < last; ++tap) {
          sum += lanes.load(cells + tap->cell * C) * lanes.load(weights + tap->k * C);
        }
      }
      lanes.store(to + i * C + j, sum);
    });
  }
}

// to (N x C M) = from (N x C), each element M times; and the sums of M neighbours, back.
template <typename T>
void repeat(const T* from, int64_t N, int64_t M, T* to) {
  parallel_for(N, kWorthAThread / M + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t m = 0; m < M; ++m) to[i * M + m] = from[i];
    }
  });
}
template <typename T>
void sum_repeated(const T* from, int64_t N, int64_t M, T* to) {
  parallel_for(N, kWorthAThread / M + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T sum = 0;
      for (int64_t m = 0; m < M; ++m) sum += from[i * M + m];
      to[i] = sum;
    }
  });
}

// A buffer for x with every channel M times, or none if it is x itself.
template <typename T>
Buffer<T> repeated(const Windows& w, int64_t C, int64_t M) {
  return M == 1 ? Buffer<T>() : make_buffer<T>(size_t(w.B * w.H * w.W * C * M));
}

// sum[ky, kx] += the products of x and dy at all places of one row of dy.
template <typename T>
void kernel_gradient_of_row(const Windows& w, int64_t C, const T* image, const T* dy, int64_t oy,
                            T* sum) {
  const int64_t y = oy * w.stride_y - w.top;
  const Range rows = inside(y, w.dilation_y, w.kh, 0, w.H);
  for (int64_t ky = rows.begin; ky < rows.end; ++ky) {
    const T* cells = image + (y + ky * w.dilation_y) * w.W * C;
    for (int64_t kx = 0; kx < w.kw; ++kx) {
      const int64_t x = kx * w.dilation_x - w.left, step = w.stride_x * C;
      const Range places = inside(x, w.stride_x, w.OW, 0, w.W);
      if (places.begin == places.end) continue;
      for_channels<T>(0, C, [&](auto lanes, int64_t j) {
        const T* a = cells + x * C + places.begin * step + j;
        const T* b = dy + places.begin * C + j;
        Vector<T> sums[4] = {};  // four, because each addition waits for the last
        int64_t left = places.end - places.begin;
        for (; left >= 4; left -= 4) {
          for (int i = 0; i < 4; ++i) sums[i] += lanes.load(a + i * step) * lanes.load(b + i * C);
          a += 4 * step;
          b += 4 * C;
        }
        for (; left > 0; --left, a += step, b += C) sums[0] += lanes.load(a) * lanes.load(b);
        T* target = sum + (ky * w.kw + kx) * C + j;
        lanes.store(target, lanes.load(target) + ((sums[0] + sums[1]) + (sums[2] + sums[3])));
      });
    }
  }
}

}  // namespace

template <typename T>
void depthwise_conv2d(const Windows& w, int64_t C, int64_t M, const T* x, const T* kernel,
                      const T* bias, Activation activation, T* y) {
  const Taps rows = rows_of(w, false), columns = columns_of(w, false);
  const Buffer<T> copy = repeated<T>(w, C, M);
  if (copy) repeat(x, w.B * w.H * w.W * C, M, copy.get());
  const T* cells = copy ? copy.get() : x;
  const int64_t CM = C * M, grain = kWorthAThread / (w.OW * w.kh * w.kw * CM) + 1;
  parallel_for(w.B * w.OH, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Tap* taps = rows.taps.data();
      const size_t oy = size_t(i % w.OH);
      T* row = y + i * w.OW * CM;
      sum_over_taps(cells + i / w.OH * w.H * w.W * CM, w.W, kernel, w.kw, CM,
                    taps + rows.starts[oy], taps + rows.starts[oy + 1], columns, w.OW, row);
      add_bias_and_activate(row, bias, w.OW, CM, activation);
    }
  });
}

template <typename T>
void depthwise_conv2d_gradient_input(const Windows& w, int64_t C, int64_t M, const T* dy,
                                     const T* kernel, T* dx) {
  const Taps rows = rows_of(w, true), columns = columns_of(w, true);
  const Buffer<T> copy = repeated<T>(w, C, M);
  T* cells = copy ? copy.get() : dx;
  const int64_t CM = C * M, grain = kWorthAThread / (w.W * w.kh * w.kw * CM) + 1;
  parallel_for(w.B * w.H, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Tap* taps = rows.taps.data();
      const size_t iy = size_t(i % w.H);
      sum_over_taps(dy + i / w.H * w.OH * w.OW * CM, w.OW, kernel, w.kw, CM, taps + rows.starts[iy],
                    taps + rows.starts[iy + 1], columns, w.W, cells + i * w.W * CM);
    }
  });
  if (copy) sum_repeated(copy.get(), w.B * w.H * w.W * C, M, dx);
}

template <typename T>
void depthwise_conv2d_gradient_kernel(const Windows& w, int64_t C, int64_t M, const T* x,
                                      const T* dy, T* d_kernel) {
  const Buffer<T> copy = repeated<T>(w, C, M);
  if (copy) repeat(x, w.B * w.H * w.W * C, M, copy.get());
  const T* cells = copy ? copy.get() : x;
  const int64_t CM = C * M, size = w.kh * w.kw * CM;
  const int64_t grain = 1 + kWorthAThread / (w.OW * size);
  const SumsOfShares<T> sums(size, w.B * w.OH, grain, [&](T* own, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      kernel_gradient_of_row(w, CM, cells + i / w.OH * w.H * w.W * CM, dy + i * w.OW * CM, i % w.OH,
                             own);
    }
  });
  sums.write(d_kernel);
}

template void depthwise_conv2d(const Windows&, int64_t, int64_t, const float*, const float*,
                               const float*, Activation, float*);
template void depthwise_conv2d(const Windows&, int64_t, int64_t, const double*, const double*,
                               const double*, Activation, double*);
template void depthwise_conv2d_gradient_input(const Windows&, int64_t, int64_t, const float*,
                                              const float*, float*);
template void depthwise_conv2d_gradient_input(const Windows&, int64_t, int64_t, const double*,
                                              const double*, double*);
template void depthwise_conv2d_gradient_kernel(const Windows&, int64_t, int64_t, const float*,
                                               const float*, float*);
template void depthwise_conv2d_gradient_kernel(const Windows&, int64_t, int64_t, const double*,
                                               const double*, double*);

}  // namespace lamina
