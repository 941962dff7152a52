#include "pooling.h"

#include <algorithm>

#include "parallel.h"
#include "simd.h"
#include "window_loops.h"

namespace lamina {
namespace {

constexpr int64_t kWorthAThread = 16 * 1024;  // elements

// Which cell was chosen is kept among the values, as a number of their type, and is a whole number
// below 2^24 in either type.
typedef int32_t HalfInts __attribute__((vector_size(kLanes * 2)));
inline void write_chosen(int32_t* to, Floats k) { write(to, __builtin_convertvector(k, Ints)); }
inline void write_chosen(int32_t* to, Doubles k) {
  write(to, __builtin_convertvector(k, HalfInts));
}
template <typename T>
inline void write_chosen(int32_t* to, T k) {
  *to = int32_t(k);
}
inline void read_chosen(const int32_t* from, Floats& k) {
  k = __builtin_convertvector(read<Ints>(from), Floats);
}
inline void read_chosen(const int32_t* from, Doubles& k) {
  k = __builtin_convertvector(read<HalfInts>(from), Doubles);
}
template <typename T>
inline void read_chosen(const int32_t* from, T& k) {
  k = T(*from);
}

// Calls use(ky kw + kx, cell) for every cell of a window that is within the image.
template <typename Use>
inline void for_each_cell(const Windows& w, const Range& rows, const Range& columns, int64_t y,
                          int64_t x, Use use) {
  for (int64_t ky = rows.first; ky < rows.last; ++ky) {
    for (int64_t kx = columns.first; kx < columns.last; ++kx) {
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
  const int64_t grain = kWorthAThread / (w.OW * w.kh * w.kw * C) + 1;
  parallel_for(w.B * w.OH, grain, [&](int64_t begin, int64_t end) {
    for_each_window(w, begin * w.OW, end * w.OW, use);
  });
}

template <typename T>
void max_of_window(const Windows& w, int64_t C, const T* image, const Range& rows,
                   const Range& columns, int64_t y, int64_t x, T* out, int32_t* chosen) {
  const int64_t first = rows.first * w.kw + columns.first;
  const int64_t first_cell =
      (y + rows.first * w.dilation_y) * w.W + x + columns.first * w.dilation_x;
  for_channels<T>(0, C, [&](auto zero, int64_t j) {
    using V = decltype(zero);
    V best = read<V>(image + first_cell * C + j), which = zero + T(first);
    for_each_cell(w, rows, columns, y, x, [&](int64_t k, int64_t cell) {
      const V value = read<V>(image + cell * C + j);
      const auto better = (value > best) | (value != value);
      best = better ? value : best;
      which = better ? zero + T(k) : which;
    });
    write(out + j, best);
    if (chosen) write_chosen(chosen + j, which);
  });
}

}  // namespace

template <typename T>
void max_pool2d(const Windows& w, int64_t C, const T* x, T* y, int32_t* chosen) {
  over_windows(w, C,
               [&](int64_t place, int64_t image, int64_t y0, int64_t x0, const Range& rows,
                   const Range& columns) {
                 max_of_window(w, C, x + image * w.H * w.W * C, rows, columns, y0, x0,
                               y + place * C, chosen ? chosen + place * C : nullptr);
               });
}

template <typename T>
void max_pool2d_gradient(const Windows& w, int64_t C, const int32_t* chosen, const T* dy, T* dx) {
  const int64_t cells = w.H * w.W, places = w.OH * w.OW;
  parallel_over_images(w.B, C, cells * C, [&](int64_t b, int64_t begin, int64_t end) {
    T* image = dx + b * cells * C;
    for (int64_t i = 0; i < cells; ++i) std::fill(image + i * C + begin, image + i * C + end, T(0));
    for_each_window(
        w, b * places, (b + 1) * places,
        [&](int64_t place, int64_t, int64_t y, int64_t x, const Range& rows, const Range& columns) {
          for_channels<T>(begin, end, [&](auto zero, int64_t j) {
            using V = decltype(zero);
            const V given = read<V>(dy + place * C + j);
            V which = zero;
            read_chosen(chosen + place * C + j, which);
            for_each_cell(w, rows, columns, y, x, [&](int64_t k, int64_t cell) {
              T* to = image + cell * C + j;
              write(to, read<V>(to) + (which == zero + T(k) ? given : zero));
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
                 const T count = T((rows.last - rows.first) * (columns.last - columns.first));
                 for_channels<T>(0, C, [&](auto zero, int64_t j) {
                   using V = decltype(zero);
                   V sum = zero;
                   for_each_cell(w, rows, columns, y0, x0, [&](int64_t, int64_t cell) {
                     sum += read<V>(cells + cell * C + j);
                   });
                   write(y + place * C + j, V(sum / count));
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
          const T count = T((rows.last - rows.first) * (columns.last - columns.first));
          for_channels<T>(begin, end, [&](auto zero, int64_t j) {
            using V = decltype(zero);
            const V given = read<V>(dy + place * C + j) / count;
            for_each_cell(w, rows, columns, y, x, [&](int64_t, int64_t cell) {
              T* to = image + cell * C + j;
              write(to, V(read<V>(to) + given));
            });
          });
        });
  });
}

template <typename T>
void weighted_sum(const T* x, const T* weights, int64_t B, int64_t N, int64_t C, T* y) {
  parallel_over_images(B, C, N * C, [&](int64_t b, int64_t begin, int64_t end) {
    for_channels<T>(begin, end, [&](auto zero, int64_t j) {
      using V = decltype(zero);
      V sum = zero;
      for (int64_t n = 0; n < N; ++n) {
        const T weight = weights[b * N + n];
        // A masked step may hold anything, NaN included.
        if (weight != 0) sum += weight * read<V>(x + (b * N + n) * C + j);
      }
      write(y + b * C + j, sum);
    });
  });
}

template <typename T>
void weighted_sum_gradient(const T* dy, const T* weights, int64_t B, int64_t N, int64_t C, T* dx) {
  parallel_for(B * N, kWorthAThread / std::max<int64_t>(C, 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T weight = weights[i];
      for_channels<T>(0, C, [&](auto zero, int64_t j) {
        using V = decltype(zero);
        write(dx + i * C + j, V(weight * read<V>(dy + i / N * C + j)));
      });
    }
  });
}

template <typename T>
void max_over_all_gradient(const T* x, const T* y, const T* dy, int64_t B, int64_t N, int64_t C,
                           T* dx) {
  parallel_over_images(B, C, N * C, [&](int64_t b, int64_t begin, int64_t end) {
    for_channels<T>(begin, end, [&](auto zero, int64_t j) {
      using V = decltype(zero);
      const int64_t first = b * N * C + j;
      const V top = read<V>(y + b * C + j);
      V count = zero;
      for (int64_t n = 0; n < N; ++n) {
        count += read<V>(x + first + n * C) == top ? zero + T(1) : zero;
      }
      const V share = read<V>(dy + b * C + j) / count;
      for (int64_t n = 0; n < N; ++n) {
        write(dx + first + n * C, V(read<V>(x + first + n * C) == top ? share : zero));
      }
    });
  });
}

template void max_pool2d(const Windows&, int64_t, const float*, float*, int32_t*);
template void max_pool2d(const Windows&, int64_t, const double*, double*, int32_t*);
template void max_pool2d_gradient(const Windows&, int64_t, const int32_t*, const float*, float*);
template void max_pool2d_gradient(const Windows&, int64_t, const int32_t*, const double*, double*);
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
