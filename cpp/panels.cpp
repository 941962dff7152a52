#include "panels.h"

#include <algorithm>

#include "parallel.h"

namespace lamina {
namespace {

// The transpose of a square: `rows` rows of `count` elements, at most a register of each, become
// `count` whole registers, `step` apart. Element by element it would take several times as long.
template <typename T>
void pack_square(const T* from, int64_t stride, int64_t rows, int64_t count, T* to, int64_t step) {
  constexpr int64_t lanes = kLanesOf<T>;
  T square[lanes][lanes];
  for (int64_t j = 0; j < lanes; ++j) {
    store(square[j], j < rows ? load_some(from + j * stride, count) : Vector<T>{});
  }
  store_columns(square, count, to, step);
}

}  // namespace

template <typename T>
int64_t Panels<T>::strips(int64_t U, bool in_place) {
  constexpr int64_t lanes = kLanesOf<T>;
  const int64_t most = in_place ? kMostVectors : kStripVectors;
  return ((U + lanes - 1) / lanes + most - 1) / most;
}

// Cuts the columns into strips; those that are not left in the matrix get memory to be packed into.
template <typename T>
void Panels<T>::lay_out(int64_t U, int gates, const T* matrix, int64_t stride, bool in_place) {
  constexpr int64_t lanes = kLanesOf<T>;
  const int64_t registers = (U + lanes - 1) / lanes;  // of one gate
  const int64_t count = gates > 1 ? registers : strips(U, in_place);
  const int64_t whole = in_place ? U / lanes : 0;  // registers that need no packing
  strips_.reserve(size_t(count));
  int64_t elements = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = registers * i / count, end = registers * (i + 1) / count;
    const int vectors = gates > 1 ? gates : int(end - begin);
    const int64_t last = std::min(lanes, U - (end - 1) * lanes);
    const bool stays = end <= whole;
    width_ += vectors * lanes;
    strips_.push_back({stays ? matrix + begin * lanes : nullptr, stays ? stride : vectors * lanes,
                       vectors, begin * lanes, last});
    elements += stays ? 0 : vectors * lanes * K_;
  }
  if (elements == 0) return;
  packed_ = make_buffer<T>(size_t(elements));
  const T* data = packed_.get();
  for (Strip<T>& strip : strips_) {
    if (strip.data) continue;
    strip.data = data;
    data += strip.step * K_;
  }
}

template <typename T>
Panels<T>::Panels(Stored stored, const T* matrix, int64_t stride, int64_t K, int64_t U, int gates,
                  bool few_rows)
    : K_(K) {
  const bool in_place = few_rows && stored == Stored::kPlain && gates == 1;
  lay_out(U, gates, matrix, stride, in_place);
  if (packed_ == nullptr) return;
  const int64_t first = in_place ? count() - 1 : 0;  // the others are where they were
  parallel_for(count() - first, grain_of_rows(kLanesOf<T> * kStripVectors * K),
               [&](int64_t from, int64_t to) {
                 for (int64_t i = first + from; i < first + to; ++i) {
                   pack(stored, matrix, stride, U, gates, size_t(i), 0, K);
                 }
               });
}

template <typename T>
Panels<T>::Panels(Stored stored, const std::vector<const T*>& blocks, int64_t stride, int64_t depth,
                  int64_t U)
    : K_(int64_t(blocks.size()) * depth) {
  lay_out(U, 1, nullptr, 0, false);
  parallel_for(int64_t(blocks.size()), grain_of_rows(U * depth), [&](int64_t from, int64_t to) {
    for (int64_t block = from; block < to; ++block) {
      for (size_t i = 0; i < strips_.size(); ++i) {
        pack(stored, blocks[size_t(block)], stride, U, 1, i, block * depth, depth);
      }
    }
  });
}

// Rows [0, rows) of `matrix` become the strip's from `row` on.
template <typename T>
void Panels<T>::pack(Stored stored, const T* matrix, int64_t stride, int64_t U, int gates, size_t i,
                     int64_t row, int64_t rows) {
  constexpr int64_t lanes = kLanesOf<T>;
  const Strip<T>& strip = strips_[i];
  for (int g = 0; g < strip.vectors; ++g) {
    const int64_t gate = gates > 1 ? g : 0;
    const int64_t first = gate * U + strip.first + (gates > 1 ? 0 : g * lanes);
    const int64_t columns = std::min(lanes, gate * U + U - first);
    T* out = const_cast<T*>(strip.data) + row * strip.step + g * lanes;
    if (stored == Stored::kPlain) {
      for (int64_t k = 0; k < rows; ++k, out += strip.step) {
        store(out, load_some(matrix + k * stride + first, columns));
      }
      continue;
    }
    for (int64_t k = 0; k < rows; k += lanes) {
      pack_square(matrix + first * stride + k, stride, columns, std::min(lanes, rows - k),
                  out + k * strip.step, strip.step);
    }
  }
}

template <typename T>
void Panels<T>::multiply(const Strip<T>& strip, const T* a, int64_t lda, int64_t rows,
                         T* sums) const {
  Strip<T> whole = strip;
  whole.last = kLanesOf<T>;
  multiply_matrix(a, lda, rows, K_, whole, sums, strip.vectors * kLanesOf<T>, 0, false,
                  {.next = true});
}

template <typename T>
void Panels<T>::add_product(const T* a, int64_t lda, int64_t rows, T* out,
                            int64_t out_stride) const {
  for (Strip<T> strip : strips_) {
    strip.last = kLanesOf<T>;
    multiply_matrix(a, lda, rows, K_, strip, out, out_stride, strip.first, true, {.next = true});
  }
}

template <typename T>
std::vector<typename Panels<T>::Register> Panels<T>::registers() const {
  std::vector<Register> all;
  for (const Strip<T>& strip : strips_) {
    for (int g = 0; g < strip.vectors; ++g) {
      all.push_back({strip.data - packed_.get() + g * kLanesOf<T>, strip.step});
    }
  }
  return all;
}

template class Panels<float>;
template class Panels<double>;

}  // namespace lamina
