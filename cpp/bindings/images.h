// How Python says where windows lie: a `Windows` made once, of pairs (rows, columns), which is
// quicker to hand over than the pairs. How many images there are, the arrays say.
#pragma once

#include <array>

#include "bindings/bindings.h"
#include "windows.h"

namespace lamina::bindings {

using Pair = std::array<int64_t, 2>;

inline void require_images(const py::array& images, const char* name) {
  require(images.ndim() == 4 && images.shape(3) > 0, name,
          " must be (images, rows, columns, channels), got ", images);
}

// The windows on as many images, `x`, whose cells they are on.
inline Windows on_cells(Windows w, const py::array& x) {
  require_images(x, "x");
  require(x.shape(1) == w.H && x.shape(2) == w.W, "windows on ", w.H, " x ", w.W,
          " cells do not fit x ", x);
  w.B = x.shape(0);
  return w;
}

// The windows on as many images as `dy`, which has a cell for each of their places.
inline Windows on_places(Windows w, const py::array& dy) {
  require_images(dy, "dy");
  require(dy.shape(1) == w.OH && dy.shape(2) == w.OW, "windows at ", w.OH, " x ", w.OW,
          " places do not fit dy ", dy);
  w.B = dy.shape(0);
  return w;
}

// Both, for gradients that read images and what their windows gave.
inline Windows on_both(const Windows& w, const py::array& x, const py::array& dy) {
  const Windows here = on_cells(w, x);
  require(on_places(w, dy).B == here.B, "x ", x, " and dy ", dy, " must have as many images");
  return here;
}

// A new array of images, unless its size cannot be meant.
template <typename T>
Array<T> new_images(int64_t B, int64_t H, int64_t W, int64_t channels) {
  require(double(B) * double(H) * double(W) * double(channels) < double(1LL << 48),
          "the result would have more elements than memory can");
  return new_array<T>({B, H, W, channels});
}

}  // namespace lamina::bindings
