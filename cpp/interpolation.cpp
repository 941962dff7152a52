#include "interpolation.h"

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "window_loops.h"

namespace lamina {
namespace {

// to += weight * from
template <typename T>
void add_weighted(T weight, const T* from, int64_t count, T* to) {
  for_channels<T>(0, count, [&](auto lanes, int64_t j) {
    lanes.store(to + j, lanes.load(to + j) + weight * lanes.load(from + j));
  });
}

// One row of the result, out of a row of the image.
template <typename T>
void spread_row(const T* row, int64_t C, const Taps<T>& across, T* y) {
  for (int64_t place = 0; place < across.places; ++place) {
    const int32_t* cells = across.cells + place * across.count;
    const T* weights = across.weights + place * across.count;
    for_channels<T>(0, C, [&](auto lanes, int64_t j) {
      Vector<T> sum{};
      for (int64_t k = 0; k < across.count; ++k) {
        sum += weights[k] * lanes.load(row + cells[k] * C + j);
      }
      lanes.store(y + place * C + j, sum);
    });
  }
}

// The gradient of that, added to the row of the image.
template <typename T>
void gather_row(const T* dy, int64_t C, const Taps<T>& across, T* row) {
  for (int64_t place = 0; place < across.places; ++place) {
    for (int64_t k = place * across.count; k < (place + 1) * across.count; ++k) {
      add_weighted(across.weights[k], dy + place * C, C, row + across.cells[k] * C);
    }
  }
}

}  // namespace

template <typename T>
void interpolate(const T* x, int64_t B, int64_t H, int64_t W, int64_t C, const Taps<T>& down,
                 const Taps<T>& across, T* y) {
  const int64_t work = (W * down.count + across.places * across.count) * C;
  parallel_for(B * down.places, grain_of_rows(work), [&](int64_t begin, int64_t end) {
    std::vector<T> mixed(size_t(W * C));
    for (int64_t i = begin; i < end; ++i) {
      const T* image = x + i / down.places * H * W * C;
      const int32_t* cells = down.cells + i % down.places * down.count;
      const T* weights = down.weights + i % down.places * down.count;
      const T* row = image + cells[0] * W * C;
      if (down.count > 1 || weights[0] != 1) {
        std::fill(mixed.begin(), mixed.end(), T(0));
        for (int64_t k = 0; k < down.count; ++k) {
          add_weighted(weights[k], image + cells[k] * W * C, W * C, mixed.data());
        }
        row = mixed.data();
      }
      spread_row(row, C, across, y + i * across.places * C);
    }
  });
}

template <typename T>
void interpolate_gradient(const T* dy, int64_t B, int64_t H, int64_t W, int64_t C,
                          const Taps<T>& down, const Taps<T>& across, T* dx) {
  const int64_t OH = down.places, OW = across.places;
  const int64_t work = OH * (OW * across.count + W * down.count) * C;
  parallel_for(B, grain_of_rows(work), [&](int64_t begin, int64_t end) {
    std::vector<T> row(size_t(W * C));
    std::fill(dx + begin * H * W * C, dx + end * H * W * C, T(0));
    for (int64_t i = begin * OH; i < end * OH; ++i) {
      std::fill(row.begin(), row.end(), T(0));
      gather_row(dy + i * OW * C, C, across, row.data());
      for (int64_t k = i % OH * down.count; k < (i % OH + 1) * down.count; ++k) {
        T* to = dx + (i / OH * H + down.cells[k]) * W * C;
        add_weighted(down.weights[k], row.data(), W * C, to);
      }
    }
  });
}

template void interpolate(const float*, int64_t, int64_t, int64_t, int64_t, const Taps<float>&,
                          const Taps<float>&, float*);
template void interpolate(const double*, int64_t, int64_t, int64_t, int64_t, const Taps<double>&,
                          const Taps<double>&, double*);
template void interpolate_gradient(const float*, int64_t, int64_t, int64_t, int64_t,
                                   const Taps<float>&, const Taps<float>&, float*);
template void interpolate_gradient(const double*, int64_t, int64_t, int64_t, int64_t,
                                   const Taps<double>&, const Taps<double>&, double*);

}  // namespace lamina
