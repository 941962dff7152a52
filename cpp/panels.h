// A matrix that many small products share, as the recurrent weights do at every time step: packed
// once, so that each product reads it in order and keeps its sums in registers.
//
// K rows, N columns in groups: G gates of U units each (N = G U; a plain matrix is one group). The
// columns are cut into panels of up to kPanelVectors registers: with several gates, one register of
// units of each gate, so that whoever asks for a panel gets all gates of those units; with one
// gate, neighbouring registers.
#pragma once

#include <cstdint>
#include <vector>

#include "buffer.h"
#include "gemm.h"
#include "simd.h"

namespace lamina {

inline constexpr int kPanelVectors = 4;

template <typename T>
class Panels {
 public:
  // Packs `matrix` (K x N, or stored as its transpose), whose stored rows are `stride` apart, on
  // every thread. At most kPanelVectors gates. Throws std::bad_alloc.
  Panels(Stored stored, const T* matrix, int64_t stride, int64_t K, int64_t U, int gates);

  struct Panel {
    const T* data;
    int vectors;    // registers of sums for each row
    int64_t first;  // the first unit
  };
  int64_t count() const { return int64_t(panels_.size()); }
  const Panel& operator[](int64_t i) const { return panels_[size_t(i)]; }

  // sums (rows x panel.vectors x kLanesOf<T>) = a (rows x K, rows lda apart) times the panel, on
  // the caller's thread. Columns beyond U are zeros.
  void multiply(const Panel& panel, const T* a, int64_t lda, int64_t rows, T* sums) const;

  // out (rows x whole registers of U, out_stride apart) += a times the matrix, which has one gate;
  // sums is scratch for rows x kPanelVectors registers.
  void add_product(const T* a, int64_t lda, int64_t rows, T* sums, T* out,
                   int64_t out_stride) const;

 private:
  int64_t K_;
  Buffer<T> packed_;
  std::vector<Panel> panels_;
};

}  // namespace lamina
