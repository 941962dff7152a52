#include "pooling.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "parallel.h"
#include "simd.h"
#include "window_loops.h"

namespace lamina {
namespace {

constexpr int kTogether = 4;  // registers of channels at once

// Calls use(ky kw + kx, cell) for every cell of a window that is within the image.
template <typename Use>
inline void for_each_cell(const Windows& w, const Range& rows, const Range& columns, int64_t y,
                          int64_t x, Use use) {
  for (int64_t ky = rows.begin; ky < rows.end; ++ky) {
    for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
      use(ky * w.kw + kx, (y + ky * w.dilation_y) * w.W + x + kx * w.dilation_x);
    }
  }
}

// Calls use(place, image, y, x, rows, columns) for every place: where its window begins, and which
// of its rows and columns are within the image.
template <typename Use>
inline void for_each_window(const Windows& w, int64_t begin, int64_t end, Use use) {
  for_each_place(w, begin, end, [&](int64_t place, int64_t image, int64_t y, int64_t x) {
    use(place, image, y, x, inside(y, w.dilation_y, w.kh, 0, w.H),
        inside(x, w.dilation_x, w.kw, 0, w.W));
  });
}

// The same in parallel, rows of places shared.
template <typename Use>
void over_windows(const Windows& w, int64_t C, Use use) {
  parallel_for(w.B * w.OH, grain_of_rows(w.OW * w.kh * w.kw * C), [&](int64_t begin, int64_t end) {
    for_each_window(w, begin * w.OW, end * w.OW, use);
  });
}

// The largest of each channel, NaN if one is; if it is wanted, `chosen` gets which it was.
template <typename T, bool kWantsChosen>
void max_of_window(const Windows& w, int64_t C, const T* image, const Range& rows,
                   const Range& columns, int64_t y, int64_t x, T* out, T* chosen) {
  for_channels_together<T, kTogether>(0, C, [&](auto count, auto lanes, int64_t j) {
    constexpr int R = count();
    Vector<T> best[R], which[R];
    for (int r = 0; r < R; ++r) {
      best[r] = broadcast(-std::numeric_limits<T>::infinity());
      which[r] = broadcast(T(rows.begin * w.kw + columns.begin));
    }
    for_each_cell(w, rows, columns, y, x, [&](int64_t k, int64_t cell) {
      for (int r = 0; r < R; ++r) {
        const Vector<T> value = lanes.load(image + cell * C + j + r * kLanesOf<T>);
        const auto better = (value > best[r]) | (value != value);
        best[r] = better ? value : best[r];
        if constexpr (kWantsChosen) which[r] = better ? broadcast(T(k)) : which[r];
      }
    });
    for (int r = 0; r < R; ++r) {
      lanes.store(out + j + r * kLanesOf<T>, best[r]);
      if constexpr (kWantsChosen) lanes.store(chosen + j + r * kLanesOf<T>, which[r]);
    }
  });
}

}  // namespace

template <typename T>
void max_pool2d(const Windows& w, int64_t C, const T* x, T* y, T* chosen) {
  const auto pool = [&](auto wants_chosen) {
    over_windows(w, C,
                 [&](int64_t place, int64_t image, int64_t y0, int64_t x0, const Range& rows,
                     const Range& columns) {
                   max_of_window<T, wants_chosen()>(w, C, x + image * w.H * w.W * C, rows, columns,
                                                    y0, x0, y + place * C,
                                                    wants_chosen() ? chosen + place * C : nullptr);
                 });
  };
  chosen ? pool(std::true_type()) : pool(std::false_type());
}

template <typename T>
void max_pool2d_gradient(const Windows& w, int64_t C, const T* chosen, const T* dy, T* dx) {
  const int64_t cells = w.H * w.W, places = w.OH * w.OW;
  // Where every cell is in exactly one window, nothing is to be added up.
  const bool tiled = w.stride_y == w.kh && w.stride_x == w.kw && w.OH * w.kh >= w.H + w.top &&
                     w.OW * w.kw >= w.W + w.left;
  parallel_over_images(w.B, C, cells * C, [&](int64_t b, int64_t begin, int64_t end) {
    T* image = dx + b * cells * C;
    for (int64_t i = 0; i < cells && !tiled; ++i) {
      std::fill(image + i * C + begin, image + i * C + end, T(0));
    }
    for_each_window(
        w, b * places, (b + 1) * places,
        [&](int64_t place, int64_t, int64_t y, int64_t x, const Range& rows, const Range& columns) {
          for_channels<T>(begin, end, [&](auto lanes, int64_t j) {
            const Vector<T> given = lanes.load(dy + place * C + j);
            const Vector<T> which = lanes.load(chosen + place * C + j);
            for_each_cell(w, rows, columns, y, x, [&](int64_t k, int64_t cell) {
              T* to = image + cell * C + j;
              const Vector<T> part = which == broadcast(T(k)) ? given : Vector<T>{};
              lanes.store(to, tiled ? part : lanes.load(to) + part);
            });
          });
        });
  });
}

template <typename T>
void average_pool2d(const Windows& w, int64_t C, const T* x, T* y) {
  over_windows(w, C,
               [&](int64_t place, int64_t image, int64_t y0, int64_t x0, const Range& rows,
                   const Range& columns) {
                 const T* cells = x + image * w.H * w.W * C;
                 const T count = T((rows.end - rows.begin) * (columns.end - columns.begin));
                 for_channels_together<T, kTogether>(
                     0, C, [&](auto registers, auto lanes, int64_t j) {
                       constexpr int R = registers();
                       Vector<T> sums[R] = {};
                       for_each_cell(w, rows, columns, y0, x0, [&](int64_t, int64_t cell) {
                         for (int r = 0; r < R; ++r) {
                           sums[r] += lanes.load(cells + cell * C + j + r * kLanesOf<T>);
                         }
                       });
                       for (int r = 0; r < R; ++r) {
                         lanes.store(y + place * C + j + r * kLanesOf<T>, sums[r] / count);
                       }
                     });
               });
}

template <typename T>
void average_pool2d_gradient(const Windows& w, int64_t C, const T* dy, T* dx) {
  const int64_t cells = w.H * w.W, places = w.OH * w.OW;
  parallel_over_images(w.B, C, cells * C, [&](int64_t b, int64_t begin, int64_t end) {
    T* image = dx + b * cells * C;
    for (int64_t i = 0; i < cells; ++i) std::fill(image + i * C + begin, image + i * C + end, T(0));
    for_each_window(
        w, b * places, (b + 1) * places,
        [&](int64_t place, int64_t, int64_t y, int64_t x, const Range& rows, const Range& columns) {
          const T count = T((rows.end - rows.begin) * (columns.end - columns.begin));
          for_channels<T>(begin, end, [&](auto lanes, int64_t j) {
            const Vector<T> given = lanes.load(dy + place * C + j) / count;
            for_each_cell(w, rows, columns, y, x, [&](int64_t, int64_t cell) {
              T* to = image + cell * C + j;
              lanes.store(to, lanes.load(to) + given);
            });
          });
        });
  });
}

template <typename T>
void weighted_sum(const T* x, const T* weights, int64_t B, int64_t N, int64_t C, T* y) {
  parallel_over_images(B, C, N * C, [&](int64_t b, int64_t begin, int64_t end) {
    for_channels_together<T, kTogether>(begin, end, [&](auto count, auto lanes, int64_t j) {
      constexpr int R = count();
      Vector<T> sums[R] = {};
      for (int64_t n = b * N; n < (b + 1) * N; ++n) {
        if (weights[n] == 0) continue;  // a masked step may hold anything, NaN included
        for (int r = 0; r < R; ++r) {
          sums[r] += weights[n] * lanes.load(x + n * C + j + r * kLanesOf<T>);
        }
      }
      for (int r = 0; r < R; ++r) lanes.store(y + b * C + j + r * kLanesOf<T>, sums[r]);
    });
  });
}

template <typename T>
void weighted_sum_gradient(const T* dy, const T* weights, int64_t B, int64_t N, int64_t C, T* dx) {
  parallel_for(B * N, grain_of_rows(C), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T weight = weights[i];
      for_channels<T>(0, C, [&](auto lanes, int64_t j) {
        lanes.store(dx + i * C + j, weight * lanes.load(dy + i / N * C + j));
      });
    }
  });
}

template <typename T>
void max_over_all_gradient(const T* x, const T* y, const T* dy, int64_t B, int64_t N, int64_t C,
                           T* dx) {
  parallel_over_images(B, C, N * C, [&](int64_t b, int64_t begin, int64_t end) {
    for_channels<T>(begin, end, [&](auto lanes, int64_t j) {
      const int64_t first = b * N * C + j;
      const Vector<T> top = lanes.load(y + b * C + j);
      Vector<T> count{};
      for (int64_t n = 0; n < N; ++n) {
        count += lanes.load(x + first + n * C) == top ? broadcast(T(1)) : Vector<T>{};
      }
      const Vector<T> share = lanes.load(dy + b * C + j) / count;
      for (int64_t n = 0; n < N; ++n) {
        lanes.store(dx + first + n * C, lanes.load(x + first + n * C) == top ? share : Vector<T>{});
      }
    });
  });
}

template void max_pool2d(const Windows&, int64_t, const float*, float*, float*);
template void max_pool2d(const Windows&, int64_t, const double*, double*, double*);
template void max_pool2d_gradient(const Windows&, int64_t, const float*, const float*, float*);
template void max_pool2d_gradient(const Windows&, int64_t, const double*, const double*, double*);
template void average_pool2d(const Windows&, int64_t, const float*, float*);
template void average_pool2d(const Windows&, int64_t, const double*, double*);
template void average_pool2d_gradient(const Windows&, int64_t, const float*, float*);
template void average_pool2d_gradient(const Windows&, int64_t, const double*, double*);
template void weighted_sum(const float*, const float*, int64_t, int64_t, int64_t, float*);
template void weighted_sum(const double*, const double*, int64_t, int64_t, int64_t, double*);
template void weighted_sum_gradient(const float*, const float*, int64_t, int64_t, int64_t, float*);
template void weighted_sum_gradient(const double*, const double*, int64_t, int64_t, int64_t,
                                    double*);
template void max_over_all_gradient(const float*, const float*, const float*, int64_t, int64_t,
                                    int64_t, float*);
template void max_over_all_gradient(const double*, const double*, const double*, int64_t, int64_t,
                                    int64_t, double*);

}  // namespace lamina
