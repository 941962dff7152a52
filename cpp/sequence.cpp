#include "sequence.h"

#include <algorithm>

#include "gemm.h"
#include "lanes.h"
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
  if (walk.B >= num_threads()) {
    panels_.emplace(Stored::kPlain, inputs.kernel, N, inputs.D, N, 1, rows <= kFewRows);
    return;
  }
  // So few sequences would leave threads without work.
  if (sums_ == nullptr) {
    own_ = make_buffer<T>(size_t(rows * N));
    sums_ = own_.get();
  }
  multiply(Stored::kPlain, Stored::kPlain, rows, N, inputs.D, inputs.x,
           std::max<int64_t>(inputs.D, 1), inputs.kernel, N, sums_, N);
}

template <typename T>
BlockSums<T>::BlockSums(const InputSums<T>& all, int64_t first, int64_t count)
    : all_(all), first_(first), count_(count), steps_(std::max<int64_t>(1, kRows / count)) {
  if (all.sums_) {
    stride_ = all.walk_.T * all.N_;
    begin_ = all.sums_ + first * stride_;
    return;
  }
  stride_ = steps_ * all.N_;
  scratch_ = make_buffer<T>(size_t(count * stride_));
  begin_ = scratch_.get();
}

template <typename T>
void BlockSums<T>::prepare(int64_t step) {
  if (!all_.panels_ || step % steps_ != 0) return;
  const Walk& walk = all_.walk_;
  const int64_t D = all_.inputs_.D, last = std::min(step + steps_, walk.T);
  const T* from[kRows];
  T* to[kRows];
  int64_t rows = 0;
  for (int64_t b = 0; b < count_; ++b) {
    for (int64_t s = step; s < last; ++s, ++rows) {
      from[rows] = all_.inputs_.x + ((first_ + b) * walk.T + walk.place(s)) * D;
      to[rows] = row(b, s);
    }
  }
  for (int64_t i = 0; i < all_.panels_->count(); ++i) {
    const Strip<T>& strip = (*all_.panels_)[i];
    for_even_tiles(rows, tile_rows(strip.vectors), [&](int64_t begin, int64_t end) {
      multiply_rows(from + begin, end - begin, 1, D, strip, to + begin, strip.first, false);
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
  // small; threads share the columns. Two sums at once, for no addition to wait for the last one.
  constexpr int64_t block = 128, lanes = kLanesOf<T>;
  const int64_t registers = (N + lanes - 1) / lanes;
  const int64_t grain = 1 + kElementsWorthAThread / (1 + rows * lanes);
  parallel_for(registers, grain, [&](int64_t from, int64_t to) {
    for_channels<T>(from * lanes, std::min(N, to * lanes), [&](auto some, int64_t j) {
      Vector<T> total{};
      for (int64_t begin = 0; begin < rows; begin += block) {
        const int64_t end = std::min(rows, begin + block);
        Vector<T> even{}, odd{};
        for (int64_t r = begin; r + 1 < end; r += 2) {
          even += some.load(d_sums + r * N + j);
          odd += some.load(d_sums + (r + 1) * N + j);
        }
        if ((end - begin) % 2) even += some.load(d_sums + (end - 1) * N + j);
        total += even + odd;
      }
      some.store(d_bias + j, total);
    });
  });
}

#define LAMINA_INSTANTIATE(T)                                                               \
  template void read_states(const Walk&, const T*, int64_t, int64_t, T*);                   \
  template void write_states(const Walk&, const T*, int64_t, int64_t, T*);                  \
  template class InputSums<T>;                                                              \
  template class BlockSums<T>;                                                              \
  template void input_gradient(const T*, const T*, T*, int64_t, int64_t, int64_t);          \
  template void kernel_gradient(const T*, const T*, int64_t, T*, int64_t, int64_t, int64_t, \
                                int64_t);                                                   \
  template void bias_gradient(const T*, T*, int64_t, int64_t);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
