// The only file of the bindings that is compiled for each level, which it names.
#include "bindings/bindings.h"

PYBIND11_MODULE(LAMINA_MODULE, m) {
  m.doc() = "Lamina's kernels, compiled for one SIMD level";
  m.attr("version") = LAMINA_VERSION;
  m.attr("level") = LAMINA_LEVEL;
#if defined(__clang__)
  m.attr("compiler") = "Clang " __clang_version__;
#else
  m.attr("compiler") = "GCC " __VERSION__;
#endif
  lamina::bindings::register_windows(m);  // first: the signatures of others name it
  lamina::bindings::register_buffer(m);
  lamina::bindings::register_convolution(m);
  lamina::bindings::register_corpus(m);
  lamina::bindings::register_dense(m);
  lamina::bindings::register_elementwise(m);
  lamina::bindings::register_embedding(m);
  lamina::bindings::register_losses(m);
  lamina::bindings::register_noise(m);
  lamina::bindings::register_normalization(m);
  lamina::bindings::register_optimizers(m);
  lamina::bindings::register_phrases(m);
  lamina::bindings::register_pooling(m);
  lamina::bindings::register_recurrent(m);
  lamina::bindings::register_text(m);
  lamina::bindings::register_threads(m);
  lamina::bindings::register_vectors(m);
  lamina::bindings::register_word2vec(m);
}
