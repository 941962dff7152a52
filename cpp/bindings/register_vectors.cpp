#include "bindings/bindings.h"
#include "vectors/nearest.h"

namespace lamina::bindings {

void register_vectors(py::module_& m) {
  m.def(
      "row_norms",
      [](const py::array& matrix) {
        const RowMatrix a = row_matrix(matrix, "matrix", false);
        Array<float> norms(a.rows);
        float* out = norms.mutable_data();
        {
          py::gil_scoped_release release;
          vectors::row_norms(a.data, a.rows, a.columns, a.stride, out);
        }
        return norms;
      },
      py::arg("matrix"));
}

}  // namespace lamina::bindings
