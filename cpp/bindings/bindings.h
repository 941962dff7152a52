// What the register_*.cpp files share: arrays in, arrays out, and errors that name the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <concepts>
#include <string>
#include <vector>

#include "activation.h"

// Contiguous arrays of a type are taken as they are. pybind11 has numpy make one of each argument,
// even of such an array, and for three of them that takes longer than a small kernel.
template <typename T>
struct pybind11::detail::pyobject_caster<pybind11::array_t<T, pybind11::array::c_style>> {
  using type = array_t<T, array::c_style>;
  pyobject_caster() : value(reinterpret_steal<type>(handle())) {}
  bool load(handle given, bool convert) {
    if (type::check_(given)) {
      value = reinterpret_borrow<type>(given);
    } else if (convert) {
      value = type::ensure(given);
    }
    return bool(value);
  }
  static handle cast(const handle& result, return_value_policy, handle) { return result.inc_ref(); }
  PYBIND11_TYPE_CASTER(type, handle_type_name<type>::name);
};

namespace lamina::bindings {

namespace py = pybind11;

// A contiguous array of exactly this type; nothing is converted, so nothing is copied in silence.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

// A matrix whose rows are contiguous but may be further apart than they are long.
struct RowMatrix {
  float* data;
  int64_t rows, columns, stride;  // stride in floats
};

// A new array in memory that is reused (buffer.h). Its elements are whatever they are.
template <typename T>
Array<T> new_array(const std::vector<py::ssize_t>& shape);

// The shape of an array as a vector, and as text for a message: "(32, 20)".
std::vector<py::ssize_t> shape_of(const py::array& array);
std::string shape_text(const py::array& array);

// A part of a message: text, a number, or an array by its shape.
inline std::string text_of(const std::string& text) { return text; }
inline std::string text_of(char character) { return {character}; }
inline std::string text_of(std::integral auto number) { return std::to_string(number); }
inline std::string text_of(double number) { return std::to_string(number); }
inline std::string text_of(const py::array& array) { return shape_text(array); }

// Throws a ValueError unless the condition holds. The message is put together only then: to do so
// at every call took as long as a small kernel.
template <typename... Parts>
void require(bool holds, const Parts&... parts) {
  if (!holds) throw py::value_error((text_of(parts) + ...));
}

// "linear", "relu", "sigmoid", "tanh" or "hard_sigmoid"; a ValueError otherwise.
Activation activation_named(const std::string& name);

// Every py::class_ here is py::module_local(), because several SIMD levels can be loaded together.

// Checks that `array` is a float32 matrix with contiguous rows and says by `name` if it is not.
RowMatrix row_matrix(const py::array& array, const char* name, bool writeable);

void register_buffer(py::module_& m);
void register_convolution(py::module_& m);
void register_corpus(py::module_& m);
void register_dense(py::module_& m);
void register_elementwise(py::module_& m);
void register_embedding(py::module_& m);
void register_losses(py::module_& m);
void register_noise(py::module_& m);
void register_normalization(py::module_& m);
void register_optimizers(py::module_& m);
void register_phrases(py::module_& m);
void register_pooling(py::module_& m);
void register_recurrent(py::module_& m);
void register_text(py::module_& m);
void register_threads(py::module_& m);
void register_vectors(py::module_& m);
void register_windows(py::module_& m);
void register_word2vec(py::module_& m);

}  // namespace lamina::bindings
