#include "bindings/bindings.h"
#include "dense.h"
#include "gemm.h"

namespace lamina::bindings {
namespace {

template <typename T>
Array<T> dense_layer(const Array<T>& x, const Array<T>& kernel, const std::optional<Array<T>>& bias,
                     const std::string& activation_name) {
  const Activation activation = activation_named(activation_name);
  require(kernel.ndim() == 2, "dense: kernel must be a matrix, got ", kernel);
  const int64_t I = kernel.shape(0), O = kernel.shape(1);
  require(x.ndim() >= 1 && x.shape(x.ndim() - 1) == I, "dense: x ", x,
          " must end in the rows of kernel ", kernel);
  require(!bias || (bias->ndim() == 1 && bias->shape(0) == O),
          "dense: bias must be one for each column of kernel ", kernel);
  std::vector<py::ssize_t> shape = shape_of(x);
  int64_t N = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) N *= shape[i];
  shape.back() = O;
  Array<T> y = new_array<T>(shape);
  T* out = y.mutable_data();
  const T* bias_data = bias ? bias->data() : nullptr;
  const py::gil_scoped_release release;
  dense(x.data(), kernel.data(), bias_data, out, N, I, O, activation);
  return y;
}

template <typename T>
py::tuple gradient_of_activation(const Array<T>& y, const Array<T>& dy,
                                 const std::string& activation_name, bool with_bias) {
  const Activation activation = activation_named(activation_name);
  require(y.ndim() >= 1 && shape_of(y) == shape_of(dy), "activation_gradient: y ", y, " and dy ",
          dy, " must be alike, and no scalars");
  const int64_t C = y.shape(y.ndim() - 1), N = C ? y.size() / C : 0;
  // The gradient of a linear function is dy itself.
  const bool copies = activation != Activation::kLinear;
  Array<T> dz = copies ? new_array<T>(shape_of(y)) : dy;
  Array<T> d_bias = new_array<T>({with_bias ? C : 0});
  T* dz_out = copies ? dz.mutable_data() : nullptr;
  T* d_bias_out = with_bias ? d_bias.mutable_data() : nullptr;
  if (copies || with_bias) {
    const py::gil_scoped_release release;
    activation_gradient(y.data(), dy.data(), dz_out, d_bias_out, N, C, activation);
  }
  return py::make_tuple(dz, with_bias ? py::object(d_bias) : py::none());
}

template <typename T>
Array<T> matmul(const Array<T>& a, const Array<T>& b, bool transpose_a, bool transpose_b) {
  const py::ssize_t rank = a.ndim();
  require(rank == b.ndim() && (rank == 2 || rank == 3),
          "matmul: two matrices or two batches of them, got ", a, " and ", b);
  const int64_t batch = rank == 3 ? a.shape(0) : 1;
  require(rank == 2 || b.shape(0) == batch, "matmul: batches of different sizes, ", a, " and ", b);
  const int64_t m = a.shape(rank - 2 + transpose_a), k = a.shape(rank - 1 - transpose_a);
  const int64_t n = b.shape(rank - 1 - transpose_b);
  require(b.shape(rank - 2 + transpose_b) == k, "matmul: ", transpose_a ? "the transpose of " : "",
          a, " times ", transpose_b ? "the transpose of " : "", b, ": the inner sizes differ");
  Array<T> c = new_array<T>(rank == 3 ? std::vector<py::ssize_t>{batch, m, n}
                                      : std::vector<py::ssize_t>{m, n});
  T* out = c.mutable_data();
  const py::gil_scoped_release release;
  multiply_batches(transpose_a ? Stored::kTransposed : Stored::kPlain,
                   transpose_b ? Stored::kTransposed : Stored::kPlain, batch, m, n, k, a.data(),
                   b.data(), out);
  return c;
}

template <typename T>
void register_for(py::module_& m) {
  m.def("dense", &dense_layer<T>, py::arg("x").noconvert(), py::arg("kernel").noconvert(),
        py::arg("bias").noconvert().none(true), py::arg("activation"));
  m.def("activation_gradient", &gradient_of_activation<T>, py::arg("y").noconvert(),
        py::arg("dy").noconvert(), py::arg("activation"), py::arg("with_bias"));
  m.def("matmul", &matmul<T>, py::arg("a").noconvert(), py::arg("b").noconvert(),
        py::arg("transpose_a") = false, py::arg("transpose_b") = false);
}

}  // namespace

void register_dense(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
