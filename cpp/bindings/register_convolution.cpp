#include <optional>
#include <string>

#include "bindings/bindings.h"
#include "bindings/images.h"
#include "conv2d.h"
#include "depthwise.h"

namespace lamina::bindings {
namespace {

// The windows are on the cells of x and at the places of y, whichever of the two is computed.
Convolution convolution_of(const Windows& w, int64_t channels, const py::array& kernel,
                           int64_t groups) {
  require(kernel.ndim() == 4 && kernel.size() > 0,
          "kernel must be (rows, columns, channels, filters), got ", kernel);
  const int64_t filters = kernel.shape(3);
  require(kernel.shape(0) == w.kh && kernel.shape(1) == w.kw, "windows of ", w.kh, " x ", w.kw,
          " cells do not fit kernel ", kernel);
  require(groups > 0 && channels % groups == 0 && filters % groups == 0 &&
              kernel.shape(2) == channels / groups,
          "a kernel ", kernel, " in ", groups, " groups does not fit ", channels, " channels");
  return {w, channels, filters, groups};
}

template <typename T>
const T* bias_of(const std::optional<Array<T>>& bias, int64_t size) {
  if (!bias) return nullptr;
  require(bias->ndim() == 1 && bias->shape(0) == size, "bias must be (", size, ",), got ", *bias);
  return bias->data();
}

template <typename T>
Array<T> convolve(const Array<T>& x, const Array<T>& kernel, const std::optional<Array<T>>& bias,
                  const Windows& windows, int64_t groups, const std::string& activation) {
  const Windows w = on_cells(windows, x);
  const Convolution c = convolution_of(w, x.shape(3), kernel, groups);
  const T* bias_data = bias_of(bias, c.F);
  const Activation f = activation_named(activation);
  Array<T> y = new_images<T>(w.B, w.OH, w.OW, c.F);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  conv2d(c, x.data(), kernel.data(), bias_data, f, out);
  return y;
}

template <typename T>
Array<T> gradient_input(const Array<T>& dy, const Array<T>& kernel,
                        const std::optional<Array<T>>& bias, const Windows& windows, int64_t groups,
                        const std::string& activation) {
  const Windows w = on_places(windows, dy);
  require(kernel.ndim() == 4 && kernel.shape(3) == dy.shape(3), "dy ", dy,
          " must have the filters of kernel ", kernel);
  require(groups > 0, "groups must be positive");
  const Convolution c = convolution_of(w, kernel.shape(2) * groups, kernel, groups);
  const T* bias_data = bias_of(bias, c.C);
  const Activation f = activation_named(activation);
  Array<T> dx = new_images<T>(w.B, w.H, w.W, c.C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  conv2d_gradient_input(c, dy.data(), kernel.data(), bias_data, f, out);
  return dx;
}

template <typename T>
Array<T> gradient_kernel(const Array<T>& x, const Array<T>& dy, const Windows& windows,
                         int64_t groups) {
  const Windows w = on_both(windows, x, dy);
  require(groups > 0 && x.shape(3) % groups == 0 && dy.shape(3) % groups == 0,
          "groups must divide the channels of x and of dy");
  const Convolution c{w, x.shape(3), dy.shape(3), groups};
  Array<T> d_kernel = new_images<T>(w.kh, w.kw, c.C / groups, c.F);
  T* out = d_kernel.mutable_data();
  py::gil_scoped_release release;
  conv2d_gradient_kernel(c, x.data(), dy.data(), out);
  return d_kernel;
}

void require_depthwise(const Windows& w, const py::array& kernel) {
  require(kernel.ndim() == 4 && kernel.size() > 0,
          "kernel must be (rows, columns, channels, multiplier), got ", kernel);
  require(kernel.shape(0) == w.kh && kernel.shape(1) == w.kw, "windows of ", w.kh, " x ", w.kw,
          " cells do not fit kernel ", kernel);
}

template <typename T>
Array<T> depthwise(const Array<T>& x, const Array<T>& kernel, const std::optional<Array<T>>& bias,
                   const Windows& windows, const std::string& activation) {
  const Windows w = on_cells(windows, x);
  require_depthwise(w, kernel);
  const int64_t C = x.shape(3), M = kernel.shape(3);
  require(kernel.shape(2) == C, "kernel ", kernel, " does not fit x ", x);
  const T* bias_data = bias_of(bias, C * M);
  const Activation f = activation_named(activation);
  Array<T> y = new_images<T>(w.B, w.OH, w.OW, C * M);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d(w, C, M, x.data(), kernel.data(), bias_data, f, out);
  return y;
}

template <typename T>
Array<T> depthwise_gradient_input(const Array<T>& dy, const Array<T>& kernel,
                                  const Windows& windows) {
  const Windows w = on_places(windows, dy);
  require_depthwise(w, kernel);
  const int64_t C = kernel.shape(2), M = kernel.shape(3);
  require(dy.shape(3) == C * M, "kernel ", kernel, " does not fit dy ", dy);
  Array<T> dx = new_images<T>(w.B, w.H, w.W, C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d_gradient_input(w, C, M, dy.data(), kernel.data(), out);
  return dx;
}

template <typename T>
Array<T> depthwise_gradient_kernel(const Array<T>& x, const Array<T>& dy, const Windows& windows) {
  const Windows w = on_both(windows, x, dy);
  const int64_t C = x.shape(3), M = dy.shape(3) / C;
  require(M > 0 && dy.shape(3) == C * M, "dy must have as many channels as x, or a multiple, got ",
          dy);
  Array<T> d_kernel = new_images<T>(w.kh, w.kw, C, M);
  T* out = d_kernel.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d_gradient_kernel(w, C, M, x.data(), dy.data(), out);
  return d_kernel;
}

template <typename T>
void register_for(py::module_& m) {
  const auto x = py::arg("x").noconvert(), dy = py::arg("dy").noconvert();
  const auto kernel = py::arg("kernel").noconvert();
  const auto bias = py::arg("bias").noconvert().none(true);
  const auto windows = py::arg("windows"), groups = py::arg("groups");
  const auto activation = py::arg("activation");
  m.def("conv2d", &convolve<T>, x, kernel, bias, windows, groups, activation);
  m.def("conv2d_gradient_input", &gradient_input<T>, dy, kernel, bias, windows, groups, activation);
  m.def("conv2d_gradient_kernel", &gradient_kernel<T>, x, dy, windows, groups);
  m.def("depthwise_conv2d", &depthwise<T>, x, kernel, bias, windows, activation);
  m.def("depthwise_conv2d_gradient_input", &depthwise_gradient_input<T>, dy, kernel, windows);
  m.def("depthwise_conv2d_gradient_kernel", &depthwise_gradient_kernel<T>, x, dy, windows);
}

}  // namespace

void register_convolution(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
