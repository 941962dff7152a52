#include "bindings/bindings.h"
#include "buffer.h"

namespace lamina::bindings {

template <typename T>
Array<T> new_array(const std::vector<py::ssize_t>& shape) {
  size_t bytes = sizeof(T);
  for (const py::ssize_t size : shape) bytes *= size_t(size);
  void* buffer = allocate_buffer(bytes);
  const py::capsule owner(buffer, [](void* p) { free_buffer(p); });
  return Array<T>(shape, static_cast<const T*>(buffer), owner);
}

template Array<float> new_array(const std::vector<py::ssize_t>&);
template Array<double> new_array(const std::vector<py::ssize_t>&);
template Array<int32_t> new_array(const std::vector<py::ssize_t>&);
template Array<int64_t> new_array(const std::vector<py::ssize_t>&);
template Array<uint8_t> new_array(const std::vector<py::ssize_t>&);

namespace {

// The kinds that networks compute with, by the letter of numpy's dtype.char.
py::array empty(const std::vector<py::ssize_t>& shape, char kind) {
  for (const py::ssize_t size : shape) require(size >= 0, "empty: a size is negative");
  if (kind == 'f') return new_array<float>(shape);
  if (kind == 'd') return new_array<double>(shape);
  throw py::value_error(std::string("empty: kind must be 'f' or 'd', got '") + kind + "'");
}

}  // namespace

void register_buffer(py::module_& m) {
  m.def("empty", &empty, py::arg("shape"), py::arg("kind"));
  m.def("cached_buffer_bytes", &cached_buffer_bytes);
  m.def("release_cached_buffers", &release_cached_buffers);
}

}  // namespace lamina::bindings
