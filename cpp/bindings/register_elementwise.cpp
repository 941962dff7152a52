#include "bindings/bindings.h"
#include "elementwise.h"

namespace lamina::bindings {
namespace {

template <typename T>
Array<T> value(const ElementwiseFunction& f, const Array<T>& x, Parameters<T> parameters) {
  Array<T> y = new_array<T>(shape_of(x));
  T* out = y.mutable_data();
  const py::gil_scoped_release release;
  if constexpr (sizeof(T) == 4) {
    f.value_float(x.data(), out, x.size(), parameters);
  } else {
    f.value_double(x.data(), out, x.size(), parameters);
  }
  return y;
}

template <typename T>
Array<T> gradient(const ElementwiseFunction& f, const Array<T>& kept, const Array<T>& dy,
                  Parameters<T> parameters) {
  require(shape_of(kept) == shape_of(dy), f.name,
          "_gradient: ", f.from_output ? "y has shape " : "x has shape ", kept, ", dy ", dy,
          "; they must be alike");
  Array<T> dx = new_array<T>(shape_of(dy));
  T* out = dx.mutable_data();
  const py::gil_scoped_release release;
  if constexpr (sizeof(T) == 4) {
    f.gradient_float(kept.data(), dy.data(), out, dy.size(), parameters);
  } else {
    f.gradient_double(kept.data(), dy.data(), out, dy.size(), parameters);
  }
  return dx;
}

// name(x, numbers...) and name_gradient(kept, dy, numbers...)
template <typename T, typename... Numbers>
void define(py::module_& m, const ElementwiseFunction& f) {
  m.def(
      f.name,
      [&f](const Array<T>& x, Numbers... numbers) {
        return value<T>(f, x, Parameters<T>{T(numbers)...});
      },
      py::arg("x").noconvert(), (static_cast<void>(sizeof(Numbers)), py::arg())...);
  m.def((std::string(f.name) + "_gradient").c_str(),
        [&f](const Array<T>& kept, const Array<T>& dy, Numbers... numbers) {
          return gradient<T>(f, kept, dy, Parameters<T>{T(numbers)...});
        },
        py::arg(f.from_output ? "y" : "x").noconvert(), py::arg("dy").noconvert(),
        (static_cast<void>(sizeof(Numbers)), py::arg())...);
}

template <typename T>
void define_for(py::module_& m, const ElementwiseFunction& f) {
  if (f.parameters == 0) define<T>(m, f);
  if (f.parameters == 1) define<T, double>(m, f);
  if (f.parameters == 2) define<T, double, double>(m, f);
  if (f.parameters == 3) define<T, double, double, double>(m, f);
}

}  // namespace

void register_elementwise(py::module_& m) {
  py::dict keeps_output;
  for (const ElementwiseFunction& f : elementwise_functions()) {
    define_for<float>(m, f);
    define_for<double>(m, f);
    keeps_output[f.name] = f.from_output;
  }
  m.attr("elementwise_keeps_output") = keeps_output;
}

}  // namespace lamina::bindings
