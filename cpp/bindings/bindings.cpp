#include "bindings/bindings.h"

namespace lamina::bindings {

RowMatrix row_matrix(const py::array& array, const char* name, bool writeable) {
  const auto fail = [&](const std::string& got) {
    throw py::type_error(std::string(name) +
                         " must be a float32 matrix with contiguous rows, got " + got);
  };
  if (!py::isinstance<py::array_t<float>>(array))
    fail("dtype " + std::string(py::str(array.dtype())));
  if (array.ndim() != 2) fail(std::to_string(array.ndim()) + " dimensions");
  const int64_t rows = array.shape(0), columns = array.shape(1);
  if (columns > 1 && array.strides(1) != int64_t(sizeof(float)))
    fail("columns that are not contiguous");
  if (rows > 1 && (array.strides(0) < columns * int64_t(sizeof(float)) ||
                   array.strides(0) % int64_t(sizeof(float)) != 0)) {
    fail("rows that overlap or are not aligned");
  }
  if (writeable && !array.writeable()) fail("a read-only array");
  const int64_t stride = rows > 1 ? array.strides(0) / int64_t(sizeof(float)) : columns;
  return {static_cast<float*>(const_cast<void*>(array.data())), rows, columns, stride};
}

std::vector<py::ssize_t> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    text += (i ? ", " : "") + std::to_string(array.shape(i));
  }
  return text + (array.ndim() == 1 ? ",)" : ")");
}

Activation activation_named(const std::string& name) {
  if (name == "linear") return Activation::kLinear;
  if (name == "relu") return Activation::kRelu;
  if (name == "sigmoid") return Activation::kSigmoid;
  if (name == "tanh") return Activation::kTanh;
  if (name == "hard_sigmoid") return Activation::kHardSigmoid;
  throw py::value_error("no kernel has the activation '" + name +
                        "' built in; linear, relu, sigmoid, tanh and hard_sigmoid are");
}

}  // namespace lamina::bindings
