#include "sequence.h"

#include "gemm.h"
#include "sequence_loops.h"

namespace lamina {

template <typename T>
void read_states(const Walk& walk, const T* from, int64_t first, int64_t count, T* scratch) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  std::fill(scratch, scratch + count * padded, T(0));
  for (int64_t b = 0; from && b < count; ++b) {
    std::copy_n(from + (first + b) * U, U, scratch + b * padded);
  }
}

template <typename T>
void write_states(const Walk& walk, const T* scratch, int64_t first, int64_t count, T* to) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  for (int64_t b = 0; to && b < count; ++b) {
    std::copy_n(scratch + b * padded, U, to + (first + b) * U);
  }
}

template <typename T>
InputSums<T>::InputSums(const Walk& walk, const Inputs<T>& inputs, int64_t N, T* sums)
    : walk_(walk), inputs_(inputs), N_(N), sums_(sums) {
  const int64_t rows = walk.B * walk.T;
  if (walk.B < num_threads()) {  // whose threads would have no sequences to go by
    multiply(Stored::kPlain, Stored::kPlain, rows, N, inputs.D, inputs.x,
             std::max<int64_t>(inputs.D, 1), inputs.kernel, N, sums, N);
    return;
  }
  panels_.emplace(Stored::kPlain, inputs.kernel, N, inputs.D, N, 1, rows <= kFewRows);
}

template <typename T>
void InputSums<T>::prepare(int64_t step, int64_t first, int64_t count) const {
  const int64_t steps = std::max<int64_t>(1, kRows / count);
  if (!panels_ || step % steps != 0) return;
  const int64_t last = std::min(step + steps, walk_.T), rows = count * (last - step);
  std::vector<const T*> from(static_cast<size_t>(rows));
  std::vector<T*> to(static_cast<size_t>(rows));
  for (int64_t b = 0, i = 0; b < count; ++b) {
    for (int64_t s = step; s < last; ++s, ++i) {
      const int64_t at = (first + b) * walk_.T + walk_.place(s);
      from[size_t(i)] = inputs_.x + at * inputs_.D;
      to[size_t(i)] = sums_ + at * N_;
    }
  }
  for (int64_t i = 0; i < panels_->count(); ++i) {
    const Strip<T>& strip = (*panels_)[i];
    for_even_tiles(rows, tile_rows(strip.vectors), [&](int64_t begin, int64_t end) {
      multiply_rows(from.data() + begin, end - begin, 1, inputs_.D, strip, to.data() + begin,
                    strip.first, false);
    });
  }
}

template <typename T>
void input_gradient(const T* d_sums, const T* kernel, T* d_inputs, int64_t rows, int64_t D,
                    int64_t N) {
  multiply(Stored::kPlain, Stored::kTransposed, rows, D, N, d_sums, N, kernel, N, d_inputs,
           std::max<int64_t>(D, 1));
}

template <typename T>
void kernel_gradient(const T* inputs, const T* d_sums, int64_t d_stride, T* d_kernel,
                     int64_t stride, int64_t rows, int64_t D, int64_t N) {
  multiply(Stored::kTransposed, Stored::kPlain, D, N, rows, inputs, std::max<int64_t>(D, 1), d_sums,
           d_stride, d_kernel, stride);
}

template <typename T>
void bias_gradient(const T* d_sums, T* d_bias, int64_t rows, int64_t N) {
  // Blocks of rows are summed apart and then added, which keeps the rounding errors of long sums
  // small; threads share the columns.
  constexpr int64_t block = 128, width = 64;
  const int64_t strips = (N + width - 1) / width;
  parallel_for(strips, 1 + kElementsWorthAThread / (1 + rows * width),
               [&](int64_t from, int64_t to) {
                 T sums[width];
                 for (int64_t strip = from; strip < to; ++strip) {
                   const int64_t first = strip * width, columns = std::min(width, N - first);
                   std::fill(d_bias + first, d_bias + first + columns, T(0));
                   for (int64_t begin = 0; begin < rows; begin += block) {
                     std::fill(sums, sums + columns, T(0));
                     for (int64_t r = begin; r < std::min(rows, begin + block); ++r) {
                       for (int64_t j = 0; j < columns; ++j) sums[j] += d_sums[r * N + first + j];
                     }
                     for (int64_t j = 0; j < columns; ++j) d_bias[first + j] += sums[j];
                   }
                 }
               });
}

#define LAMINA_INSTANTIATE(T)                                                               \
  template void read_states(const Walk&, const T*, int64_t, int64_t, T*);                   \
  template void write_states(const Walk&, const T*, int64_t, int64_t, T*);                  \
  template class InputSums<T>;                                                              \
  template void input_gradient(const T*, const T*, T*, int64_t, int64_t, int64_t);          \
  template void kernel_gradient(const T*, const T*, int64_t, T*, int64_t, int64_t, int64_t, \
                                int64_t);                                                   \
  template void bias_gradient(const T*, T*, int64_t, int64_t);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
