// The right-hand matrix of a product, cut into strips (tiles.h) and packed once for everybody who
// multiplies by it: products then read it in order and keep their sums in registers.
//
// K rows, N columns in groups: G gates of U units each (N = G U; a plain matrix is one group). With
// several gates, a strip is one register of units of each gate, so that whoever asks for it gets
// all gates of those units; with one gate, neighbouring registers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "buffer.h"
#include "gemm.h"
#include "parallel.h"
#include "tiles.h"

namespace lamina {

// Up to so many rows, packing the other matrix takes longer than it saves.
inline constexpr int64_t kFewRows = 24;

// The columns of a square of registers: `count` of them to rows that are `step` apart.
template <typename T>
void store_columns(const T (&square)[kLanesOf<T>][kLanesOf<T>], int64_t count, T* to,
                   int64_t step) {
  constexpr int64_t lanes = kLanesOf<T>;
  for (int64_t i = 0; i < count; ++i) {
    T turned[lanes];
    for (int64_t j = 0; j < lanes; ++j) turned[j] = square[j][i];
    store(to + i * step, load(turned));
  }
}

template <typename T>
class Panels {
 public:
  // Packs `matrix` (K x N, or stored as its transpose), whose stored rows are `stride` apart, on
  // every thread. At most kMostVectors gates. A plain matrix that few rows will be multiplied with
  // is left where it is, but for a strip that does not fill its registers. Throws std::bad_alloc.
  Panels(Stored stored, const T* matrix, int64_t stride, int64_t K, int64_t U, int gates = 1,
         bool few_rows = false);

  // The same of a matrix with one gate that lies in blocks of `depth` rows each, one upon another.
  Panels(Stored stored, const std::vector<const T*>& blocks, int64_t stride, int64_t depth,
         int64_t U);

  // Memory for a matrix of K rows with one gate, whose owner packs it: whole registers, those of
  // row k to packed() + first + k step.
  struct Register {
    int64_t first, step;
  };
  Panels(int64_t K, int64_t U) : K_(K) { lay_out(U, 1, nullptr, 0, false); }
  T* packed() { return packed_.get(); }
  std::vector<Register> registers() const;

  // How many strips U columns are cut into.
  static int64_t strips(int64_t U, bool in_place);

  int64_t depth() const { return K_; }
  int64_t width() const { return width_; }  // columns, those that fill up registers included
  int64_t count() const { return int64_t(strips_.size()); }
  const Strip<T>& operator[](int64_t i) const { return strips_[size_t(i)]; }

  // sums (rows x strip.vectors x kLanesOf<T>) = a (rows x K, rows lda apart) times a strip, on the
  // caller's thread. Columns beyond U are zeros.
  void multiply(const Strip<T>& strip, const T* a, int64_t lda, int64_t rows, T* sums) const;

  // out (rows x whole registers of U, out_stride apart) += a times the matrix, which has one gate.
  void add_product(const T* a, int64_t lda, int64_t rows, T* out, int64_t out_stride) const;

 private:
  void lay_out(int64_t U, int gates, const T* matrix, int64_t stride, bool in_place);
  void pack(Stored stored, const T* matrix, int64_t stride, int64_t U, int gates, size_t i,
            int64_t row, int64_t rows);

  int64_t K_, width_ = 0;
  Buffer<T> packed_;
  std::vector<Strip<T>> strips_;
};

// What is packed for the threads of a loop. What one of them would pack alone, each packs for
// itself: to read what another core has just written takes longer than to write it.
template <typename Packed>
class PackedForThreads {
 public:
  PackedForThreads(int64_t elements, std::function<Packed()> pack) : pack_(std::move(pack)) {
    if (elements >= 2 * kElementsWorthAThread) shared_ = std::make_shared<const Packed>(pack_());
  }

  // For the calling thread, as long as it keeps it. Throws std::bad_alloc.
  std::shared_ptr<const Packed> here() const {
    return shared_ ? shared_ : std::make_shared<const Packed>(pack_());
  }

 private:
  std::function<Packed()> pack_;
  std::shared_ptr<const Packed> shared_;
};

}  // namespace lamina
