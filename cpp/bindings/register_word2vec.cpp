#include "bindings/bindings.h"
#include "word2vec/trainer.h"

namespace lamina::bindings {

void register_word2vec(py::module_& m) { (void)m; }

}  // namespace lamina::bindings
