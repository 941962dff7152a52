#include "sequence.h"

#include <algorithm>

#include "gemm.h"
#include "lanes.h"
#include "pieces.h"
#include "sequence_loops.h"
#include "shares.h"

namespace lamina {
namespace {

// sum (N) += `rows` rows of N, which are summed apart first: rounding grows with them and not with
// all. Two sums at once, for no addition to wait for the last one.
template <typename T>
void add_rows(const T* from, int64_t stride, int64_t rows, int64_t N, T* sum) {
  for_channels<T>(0, N, [&](auto some, int64_t j) {
    Vector<T> even{}, odd{};
    for (int64_t r = 0; r + 1 < rows; r += 2) {
      even += some.load(from + r * stride + j);
      odd += some.load(from + (r + 1) * stride + j);
    }
    if (rows % 2) even += some.load(from + (rows - 1) * stride + j);
    some.store(sum + j, some.load(sum + j) + (even + odd));
  });
}

}  // namespace

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
      multiply_rows(from + begin, end - begin, 1, D, strip, to + begin, strip.first, false,
                    {.next = end < rows});
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
void parameter_gradients(const T* d_sums, int64_t d_stride, int64_t rows, int64_t N,
                         const std::vector<KernelGradient<T>>& kernels, T* d_bias) {
  int64_t inputs = 0;
  for (const KernelGradient<T>& kernel : kernels) inputs += kernel.D;
  // Few rows are not worth sums of their own for each thread: then threads share the columns.
  constexpr int64_t lanes = kLanesOf<T>;
  const int threads = num_threads();
  const bool cut_rows = rows >= threads * kTermsWorthAShare;
  SumsOfShares<T> sums((inputs + 1) * N, cut_rows ? threads : 1);
  const auto add_part = [&](int64_t row, int64_t last_row, int64_t column, int64_t columns, T* to) {
    const T* from = d_sums + row * d_stride + column;
    const Panels<T> panels(Stored::kPlain, from, d_stride, last_row - row, columns, 1, true);
    for_even_tiles(last_row - row, kColumnsDepth, [&](int64_t k, int64_t end) {
      T* sum = to;
      for (const KernelGradient<T>& kernel : kernels) {
        const Piece all{0, kernel.D, 0, panels.count()};
        multiply_by_columns(kernel.inputs + row * kernel.D, kernel.D, panels, all, k, end - k, sum,
                            N, true);
        sum += kernel.D * N;
      }
      add_rows(from + k * d_stride, d_stride, end - k, columns, sum);
    });
  };
  if (cut_rows) {
    parallel_for_shares(threads, rows, kTermsWorthAShare,
                        [&](int share, int64_t begin, int64_t end) {
                          add_part(begin, end, 0, N, sums.begin(share));
                        });
  } else {
    T* all = sums.begin(0);
    const int64_t work = 1 + rows * (inputs + 1) * lanes;
    parallel_for_shares(threads, (N + lanes - 1) / lanes, 1 + kProductsWorthAThread / work,
                        [&](int, int64_t begin, int64_t end) {
                          const int64_t column = begin * lanes;
                          add_part(0, rows, column, std::min(N, end * lanes) - column,
                                   all + column);
                        });
  }
  int64_t first = 0;
  for (const KernelGradient<T>& kernel : kernels) {
    sums.write(first, kernel.D, N, kernel.gradient, kernel.stride);
    first += kernel.D * N;
  }
  sums.write(first, 1, N, d_bias, N);
}

#define LAMINA_INSTANTIATE(T)                                                      \
  template void read_states(const Walk&, const T*, int64_t, int64_t, T*);          \
  template void write_states(const Walk&, const T*, int64_t, int64_t, T*);         \
  template class InputSums<T>;                                                     \
  template class BlockSums<T>;                                                     \
  template void input_gradient(const T*, const T*, T*, int64_t, int64_t, int64_t); \
  template void parameter_gradients(const T*, int64_t, int64_t, int64_t,           \
                                    const std::vector<KernelGradient<T>>&, T*);

LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
