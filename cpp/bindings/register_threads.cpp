#include "bindings/bindings.h"
#include "parallel.h"

namespace lamina::bindings {

void register_threads(py::module_& m) {
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("threads"));
}

}  // namespace lamina::bindings
