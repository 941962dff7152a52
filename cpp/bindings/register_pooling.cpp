#include <algorithm>

#include "bindings/bindings.h"
#include "bindings/images.h"
#include "interpolation.h"
#include "pooling.h"

namespace lamina::bindings {
namespace {

// What a pooling kernel relies on: every window has a cell within the image.
Windows pools(const Windows& w) {
  require(w.top < w.kh && w.left < w.kw && (w.OH - 1) * w.stride_y - w.top < w.H &&
              (w.OW - 1) * w.stride_x - w.left < w.W,
          "a window lies outside of its image");
  require(w.kh * w.kw <= (1 << 24), "a window has more than 2^24 cells");
  require(w.dilation_y == 1 && w.dilation_x == 1, "windows that are pooled are not dilated");
  return w;
}

template <typename T>
py::object max_pool(const Array<T>& x, const Windows& windows, bool want_chosen) {
  const Windows w = pools(on_cells(windows, x));
  const int64_t C = x.shape(3);
  Array<T> y = new_images<T>(w.B, w.OH, w.OW, C);
  T* out = y.mutable_data();
  if (!want_chosen) {
    py::gil_scoped_release release;
    max_pool2d<T>(w, C, x.data(), out, nullptr);
  } else {
    Array<T> chosen = new_images<T>(w.B, w.OH, w.OW, C);
    T* chosen_out = chosen.mutable_data();
    {
      py::gil_scoped_release release;
      max_pool2d(w, C, x.data(), out, chosen_out);
    }
    return py::make_tuple(y, chosen);
  }
  return y;
}

template <typename T>
Array<T> max_pool_gradient(const Array<T>& chosen, const Array<T>& dy, const Windows& windows) {
  const Windows w = pools(on_places(windows, dy));
  require(shape_of(chosen) == shape_of(dy), "chosen ", chosen, " must have the shape of dy ", dy);
  const int64_t C = dy.shape(3);
  Array<T> dx = new_images<T>(w.B, w.H, w.W, C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  max_pool2d_gradient(w, C, chosen.data(), dy.data(), out);
  return dx;
}

template <typename T>
Array<T> average_pool(const Array<T>& x, const Windows& windows) {
  const Windows w = pools(on_cells(windows, x));
  const int64_t C = x.shape(3);
  Array<T> y = new_images<T>(w.B, w.OH, w.OW, C);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  average_pool2d(w, C, x.data(), out);
  return y;
}

template <typename T>
Array<T> average_pool_gradient(const Array<T>& dy, const Windows& windows) {
  const Windows w = pools(on_places(windows, dy));
  const int64_t C = dy.shape(3);
  Array<T> dx = new_images<T>(w.B, w.H, w.W, C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  average_pool2d_gradient(w, C, dy.data(), out);
  return dx;
}

template <typename T>
Array<T> sum_weighted(const Array<T>& x, const Array<T>& weights) {
  require(x.ndim() == 3 && weights.ndim() == 2 && weights.shape(0) == x.shape(0) &&
              weights.shape(1) == x.shape(1),
          "weights ", weights, " must be one for each row of x ", x);
  const int64_t B = x.shape(0), N = x.shape(1), C = x.shape(2);
  Array<T> y = new_array<T>({B, C});
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  weighted_sum(x.data(), weights.data(), B, N, C, out);
  return y;
}

template <typename T>
Array<T> sum_weighted_gradient(const Array<T>& dy, const Array<T>& weights) {
  require(dy.ndim() == 2 && weights.ndim() == 2 && weights.shape(0) == dy.shape(0), "dy ", dy,
          " and weights ", weights, " must have as many rows");
  const int64_t B = dy.shape(0), N = weights.shape(1), C = dy.shape(1);
  Array<T> dx = new_array<T>({B, N, C});
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  weighted_sum_gradient(dy.data(), weights.data(), B, N, C, out);
  return dx;
}

template <typename T>
Array<T> max_gradient(const Array<T>& x, const Array<T>& y, const Array<T>& dy) {
  require(x.ndim() == 3 && shape_of(y) == shape_of(dy) && y.ndim() == 2 &&
              y.shape(0) == x.shape(0) && y.shape(1) == x.shape(2),
          "y ", y, " and dy ", dy, " must be the largest of the rows of x ", x);
  const int64_t B = x.shape(0), N = x.shape(1), C = x.shape(2);
  Array<T> dx = new_array<T>({B, N, C});
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  max_over_all_gradient(x.data(), y.data(), dy.data(), B, N, C, out);
  return dx;
}

// Taps of an axis, every cell of which is within its `size`.
template <typename T>
Taps<T> taps_of(const Array<int32_t>& cells, const Array<T>& weights, int64_t size) {
  require(cells.ndim() == 2 && shape_of(cells) == shape_of(weights) && cells.size() > 0, "cells ",
          cells, " and weights ", weights, " must be matrices of one shape");
  const int32_t* begin = cells.data();
  require(std::all_of(begin, begin + cells.size(), [&](int32_t i) { return 0 <= i && i < size; }),
          "a cell is outside of the axis");
  return {begin, weights.data(), cells.shape(0), cells.shape(1)};
}

template <typename T>
Array<T> interpolated(const Array<T>& x, const Array<int32_t>& cells_down,
                      const Array<T>& weights_down, const Array<int32_t>& cells_across,
                      const Array<T>& weights_across) {
  require_images(x, "x");
  const int64_t B = x.shape(0), H = x.shape(1), W = x.shape(2), C = x.shape(3);
  const Taps<T> down = taps_of(cells_down, weights_down, H);
  const Taps<T> across = taps_of(cells_across, weights_across, W);
  Array<T> y = new_images<T>(B, down.places, across.places, C);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  interpolate(x.data(), B, H, W, C, down, across, out);
  return y;
}

template <typename T>
Array<T> interpolated_gradient(const Array<T>& dy, const Array<int32_t>& cells_down,
                               const Array<T>& weights_down, const Array<int32_t>& cells_across,
                               const Array<T>& weights_across, const Pair& size) {
  require_images(dy, "dy");
  for (const int64_t each : size) {
    require(each > 0 && each < (int64_t(1) << 31), "size must be positive, and below 2^31");
  }
  const Taps<T> down = taps_of(cells_down, weights_down, size[0]);
  const Taps<T> across = taps_of(cells_across, weights_across, size[1]);
  require(down.places == dy.shape(1) && across.places == dy.shape(2),
          "cells must be one row for each of dy's rows and columns");
  const int64_t B = dy.shape(0), C = dy.shape(3);
  Array<T> dx = new_images<T>(B, size[0], size[1], C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  interpolate_gradient(dy.data(), B, size[0], size[1], C, down, across, out);
  return dx;
}

template <typename T>
void register_for(py::module_& m) {
  const auto x = py::arg("x").noconvert(), dy = py::arg("dy").noconvert();
  const auto windows = py::arg("windows");
  m.def("max_pool2d", &max_pool<T>, x, windows, py::arg("want_chosen"));
  m.def("max_pool2d_gradient", &max_pool_gradient<T>, py::arg("chosen").noconvert(), dy, windows);
  m.def("average_pool2d", &average_pool<T>, x, windows);
  m.def("average_pool2d_gradient", &average_pool_gradient<T>, dy, windows);
  m.def("weighted_sum", &sum_weighted<T>, x, py::arg("weights").noconvert());
  m.def("weighted_sum_gradient", &sum_weighted_gradient<T>, dy, py::arg("weights").noconvert());
  m.def("max_over_all_gradient", &max_gradient<T>, x, py::arg("y").noconvert(), dy);
  m.def("interpolate", &interpolated<T>, x, py::arg("cells_down").noconvert(),
        py::arg("weights_down").noconvert(), py::arg("cells_across").noconvert(),
        py::arg("weights_across").noconvert());
  m.def("interpolate_gradient", &interpolated_gradient<T>, dy, py::arg("cells_down").noconvert(),
        py::arg("weights_down").noconvert(), py::arg("cells_across").noconvert(),
        py::arg("weights_across").noconvert(), py::arg("size"));
}

}  // namespace

void register_pooling(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
