#include <cmath>

#include "bindings/bindings.h"
#include "noise.h"

namespace lamina::bindings {
namespace {

template <typename T>
Array<T> dropout_of(const Array<T>& x, double rate, uint64_t seed) {
  require(rate >= 0 && rate < 1, "dropout: rate must be in [0, 1), got ", rate);
  Array<T> y = new_array<T>(shape_of(x));
  T* out = y.mutable_data();
  const py::gil_scoped_release release;
  dropout(x.data(), out, x.size(), rate, seed);
  return y;
}

template <typename T, auto fill>
Array<T> filled(const std::vector<py::ssize_t>& shape, double a, double b, uint64_t seed) {
  Array<T> y = new_array<T>(shape);
  T* out = y.mutable_data();
  const py::gil_scoped_release release;
  fill(out, y.size(), a, b, seed);
  return y;
}

void check_shape(const std::vector<py::ssize_t>& shape, const char* where) {
  for (const py::ssize_t size : shape) require(size >= 0, where, ": a size is negative");
}

void check_kind(char kind, const char* where) {
  require(kind == 'f' || kind == 'd', where, ": kind must be 'f' or 'd', got '", kind, "'");
}

py::array uniform(const std::vector<py::ssize_t>& shape, double low, double high, uint64_t seed,
                  char kind) {
  check_shape(shape, "random_uniform");
  check_kind(kind, "random_uniform");
  require(low <= high && std::isfinite(high - low),
          "random_uniform: low must not exceed high, and both must be finite");
  if (kind == 'f') return filled<float, &fill_uniform<float>>(shape, low, high, seed);
  return filled<double, &fill_uniform<double>>(shape, low, high, seed);
}

py::array normal(const std::vector<py::ssize_t>& shape, double mean, double deviation,
                 uint64_t seed, char kind) {
  check_shape(shape, "random_normal");
  check_kind(kind, "random_normal");
  require(deviation >= 0, "random_normal: deviation must not be negative");
  if (kind == 'f') return filled<float, &fill_normal<float>>(shape, mean, deviation, seed);
  return filled<double, &fill_normal<double>>(shape, mean, deviation, seed);
}

}  // namespace

void register_noise(py::module_& m) {
  m.def("dropout", &dropout_of<float>, py::arg("x").noconvert(), py::arg("rate"), py::arg("seed"));
  m.def("dropout", &dropout_of<double>, py::arg("x").noconvert(), py::arg("rate"), py::arg("seed"));
  m.def("random_uniform", &uniform, py::arg("shape"), py::arg("low"), py::arg("high"),
        py::arg("seed"), py::arg("kind"));
  m.def("random_normal", &normal, py::arg("shape"), py::arg("mean"), py::arg("deviation"),
        py::arg("seed"), py::arg("kind"));
}

}  // namespace lamina::bindings
