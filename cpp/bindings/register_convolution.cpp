#include <optional>
#include <string>

#include "bindings/bindings.h"
#include "bindings/images.h"
#include "conv2d.h"
#include "depthwise.h"

namespace lamina::bindings {
namespace {

// x: what has the places' cells; y: what has the places. Either may be the one to be computed.
Convolution convolution_of(int64_t B, const Pair& cells, int64_t channels, const py::array& kernel,
                           const Pair& places, const Pair& strides, const Pair& dilation,
                           const Pair& before, int64_t groups) {
  require(kernel.ndim() == 4 && kernel.size() > 0,
          "kernel must be (rows, columns, channels, filters), got ", kernel);
  const int64_t filters = kernel.shape(3);
  require(groups > 0 && channels % groups == 0 && filters % groups == 0 &&
              kernel.shape(2) == channels / groups,
          "a kernel ", kernel, " in ", groups, " groups does not fit ", channels, " channels");
  return {
      windows_of(B, cells, {kernel.shape(0), kernel.shape(1)}, places, strides, dilation, before),
      channels, filters, groups};
}

template <typename T>
const T* bias_of(const std::optional<Array<T>>& bias, int64_t size) {
  if (!bias) return nullptr;
  require(bias->ndim() == 1 && bias->shape(0) == size, "bias must be (", size, ",), got ", *bias);
  return bias->data();
}

template <typename T>
Array<T> convolve(const Array<T>& x, const Array<T>& kernel, const std::optional<Array<T>>& bias,
                  const Pair& size, const Pair& strides, const Pair& dilation, const Pair& before,
                  int64_t groups, const std::string& activation) {
  require_images(x, "x");
  const Convolution c = convolution_of(x.shape(0), cells_of(x), x.shape(3), kernel, size, strides,
                                       dilation, before, groups);
  const T* bias_data = bias_of(bias, c.F);
  const Activation f = activation_named(activation);
  Array<T> y = new_images<T>(x.shape(0), size, c.F);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  conv2d(c, x.data(), kernel.data(), bias_data, f, out);
  return y;
}

template <typename T>
Array<T> gradient_input(const Array<T>& dy, const Array<T>& kernel,
                        const std::optional<Array<T>>& bias, const Pair& size, const Pair& strides,
                        const Pair& dilation, const Pair& before, int64_t groups,
                        const std::string& activation) {
  require_images(dy, "dy");
  require(kernel.ndim() == 4 && kernel.shape(3) == dy.shape(3), "dy ", dy,
          " must have the filters of kernel ", kernel);
  require(groups > 0, "groups must be positive");
  const int64_t channels = kernel.shape(2) * groups;
  const Convolution c = convolution_of(dy.shape(0), size, channels, kernel, cells_of(dy), strides,
                                       dilation, before, groups);
  const T* bias_data = bias_of(bias, c.C);
  const Activation f = activation_named(activation);
  Array<T> dx = new_images<T>(dy.shape(0), size, c.C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  conv2d_gradient_input(c, dy.data(), kernel.data(), bias_data, f, out);
  return dx;
}

// Images and what their windows gave, which a gradient by kernel reads.
void require_pair(const py::array& x, const py::array& dy, int64_t groups) {
  require_images(x, "x");
  require_images(dy, "dy");
  require(x.shape(0) == dy.shape(0), "x ", x, " and dy ", dy, " must have as many images");
  require(groups > 0 && x.shape(3) % groups == 0 && dy.shape(3) % groups == 0,
          "groups must divide the channels of x and of dy");
}

template <typename T>
Array<T> gradient_kernel(const Array<T>& x, const Array<T>& dy, const Pair& window,
                         const Pair& strides, const Pair& dilation, const Pair& before,
                         int64_t groups) {
  require_pair(x, dy, groups);
  const Convolution c{
      windows_of(x.shape(0), cells_of(x), window, cells_of(dy), strides, dilation, before),
      x.shape(3), dy.shape(3), groups};
  Array<T> d_kernel = new_images<T>(window[0], {window[1], c.C / groups}, c.F);
  T* out = d_kernel.mutable_data();
  py::gil_scoped_release release;
  conv2d_gradient_kernel(c, x.data(), dy.data(), out);
  return d_kernel;
}

void require_depthwise(const py::array& kernel) {
  require(kernel.ndim() == 4 && kernel.size() > 0,
          "kernel must be (rows, columns, channels, multiplier), got ", kernel);
}

template <typename T>
Array<T> depthwise(const Array<T>& x, const Array<T>& kernel, const std::optional<Array<T>>& bias,
                   const Pair& size, const Pair& strides, const Pair& dilation, const Pair& before,
                   const std::string& activation) {
  require_images(x, "x");
  require_depthwise(kernel);
  const int64_t C = x.shape(3), M = kernel.shape(3);
  require(kernel.shape(2) == C, "kernel ", kernel, " does not fit x ", x);
  const Windows w = windows_of(x.shape(0), cells_of(x), {kernel.shape(0), kernel.shape(1)}, size,
                               strides, dilation, before);
  const T* bias_data = bias_of(bias, C * M);
  const Activation f = activation_named(activation);
  Array<T> y = new_images<T>(x.shape(0), size, C * M);
  T* out = y.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d(w, C, M, x.data(), kernel.data(), bias_data, f, out);
  return y;
}

template <typename T>
Array<T> depthwise_gradient_input(const Array<T>& dy, const Array<T>& kernel, const Pair& size,
                                  const Pair& strides, const Pair& dilation, const Pair& before) {
  require_images(dy, "dy");
  require_depthwise(kernel);
  const int64_t C = kernel.shape(2), M = kernel.shape(3);
  require(dy.shape(3) == C * M, "kernel ", kernel, " does not fit dy ", dy);
  const Windows w = windows_of(dy.shape(0), size, {kernel.shape(0), kernel.shape(1)}, cells_of(dy),
                               strides, dilation, before);
  Array<T> dx = new_images<T>(dy.shape(0), size, C);
  T* out = dx.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d_gradient_input(w, C, M, dy.data(), kernel.data(), out);
  return dx;
}

template <typename T>
Array<T> depthwise_gradient_kernel(const Array<T>& x, const Array<T>& dy, const Pair& window,
                                   const Pair& strides, const Pair& dilation, const Pair& before) {
  require_pair(x, dy, 1);
  const int64_t C = x.shape(3), M = dy.shape(3) / C;
  require(M > 0 && dy.shape(3) == C * M, "dy must have as many channels as x, or a multiple, got ",
          dy);
  const Windows w =
      windows_of(x.shape(0), cells_of(x), window, cells_of(dy), strides, dilation, before);
  Array<T> d_kernel = new_images<T>(window[0], {window[1], C}, M);
  T* out = d_kernel.mutable_data();
  py::gil_scoped_release release;
  depthwise_conv2d_gradient_kernel(w, C, M, x.data(), dy.data(), out);
  return d_kernel;
}

template <typename T>
void register_for(py::module_& m) {
  const auto bias = py::arg("bias").noconvert().none(true);
  m.def("conv2d", &convolve<T>, py::arg("x").noconvert(), py::arg("kernel").noconvert(), bias,
        py::arg("size"), py::arg("strides"), py::arg("dilation"), py::arg("before"),
        py::arg("groups"), py::arg("activation"));
  m.def("conv2d_gradient_input", &gradient_input<T>, py::arg("dy").noconvert(),
        py::arg("kernel").noconvert(), bias, py::arg("size"), py::arg("strides"),
        py::arg("dilation"), py::arg("before"), py::arg("groups"), py::arg("activation"));
  m.def("conv2d_gradient_kernel", &gradient_kernel<T>, py::arg("x").noconvert(),
        py::arg("dy").noconvert(), py::arg("window"), py::arg("strides"), py::arg("dilation"),
        py::arg("before"), py::arg("groups"));
  m.def("depthwise_conv2d", &depthwise<T>, py::arg("x").noconvert(), py::arg("kernel").noconvert(),
        bias, py::arg("size"), py::arg("strides"), py::arg("dilation"), py::arg("before"),
        py::arg("activation"));
  m.def("depthwise_conv2d_gradient_input", &depthwise_gradient_input<T>, py::arg("dy").noconvert(),
        py::arg("kernel").noconvert(), py::arg("size"), py::arg("strides"), py::arg("dilation"),
        py::arg("before"));
  m.def("depthwise_conv2d_gradient_kernel", &depthwise_gradient_kernel<T>, py::arg("x").noconvert(),
        py::arg("dy").noconvert(), py::arg("window"), py::arg("strides"), py::arg("dilation"),
        py::arg("before"));
}

}  // namespace

void register_convolution(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
