// How Python says where windows lie: pairs of (rows, columns).
#pragma once

#include <array>

#include "bindings/bindings.h"
#include "windows.h"

namespace lamina::bindings {

using Pair = std::array<int64_t, 2>;

// Checked to be in ranges in which no product of two overflows.
inline Windows windows_of(int64_t B, const Pair& cells, const Pair& window, const Pair& places,
                          const Pair& strides, const Pair& dilation, const Pair& before) {
  constexpr int64_t limit = int64_t(1) << 30;
  for (const Pair& pair : {cells, window, places, strides, dilation}) {
    require(0 < pair[0] && pair[0] <= limit && 0 < pair[1] && pair[1] <= limit,
            "images, windows, places, strides and dilation must be positive, and below 2^30");
  }
  require(0 <= before[0] && before[0] <= limit && 0 <= before[1] && before[1] <= limit,
          "before must not be negative");
  return {B,          cells[0],   cells[1],    window[0],   window[1], places[0], places[1],
          strides[0], strides[1], dilation[0], dilation[1], before[0], before[1]};
}

// Rows and columns of images (images, rows, columns, channels).
inline Pair cells_of(const py::array& images) { return {images.shape(1), images.shape(2)}; }

inline void require_images(const py::array& images, const char* name) {
  require(images.ndim() == 4 && images.shape(3) > 0, name,
          " must be (images, rows, columns, channels), got ", images);
}

// A new array of images, unless its size cannot be meant.
template <typename T>
Array<T> new_images(int64_t B, const Pair& cells, int64_t channels) {
  require(double(B) * double(cells[0]) * double(cells[1]) * double(channels) < double(1LL << 48),
          "the result would have more elements than memory can");
  return new_array<T>({B, cells[0], cells[1], channels});
}

}  // namespace lamina::bindings
