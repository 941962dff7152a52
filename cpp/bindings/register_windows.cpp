#include "bindings/bindings.h"
#include "bindings/images.h"

namespace lamina::bindings {
namespace {

// Checked to be in ranges in which no product of two overflows.
Windows windows_of(const Pair& cells, const Pair& window, const Pair& places, const Pair& strides,
                   const Pair& dilation, const Pair& before) {
  constexpr int64_t limit = int64_t(1) << 30;
  for (const Pair& pair : {cells, window, places, strides, dilation}) {
    require(0 < pair[0] && pair[0] <= limit && 0 < pair[1] && pair[1] <= limit,
            "images, windows, places, strides and dilation must be positive, and below 2^30");
  }
  require(0 <= before[0] && before[0] <= limit && 0 <= before[1] && before[1] <= limit,
          "before must not be negative");
  return {0,          cells[0],   cells[1],    window[0],   window[1], places[0], places[1],
          strides[0], strides[1], dilation[0], dilation[1], before[0], before[1]};
}

}  // namespace

void register_windows(py::module_& m) {
  py::class_<Windows>(m, "Windows", py::module_local())
      .def(py::init(&windows_of), py::arg("cells"), py::arg("window"), py::arg("places"),
           py::arg("strides"), py::arg("dilation"), py::arg("before"));
}

}  // namespace lamina::bindings
