#include "activation.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "activation_functions.h"
#include "parallel.h"
#include "shares.h"
#include "simd.h"

namespace lamina {
namespace {

constexpr int64_t kBlockTerms = 64;  // of a sum, that are added in single precision

// Calls use(constant) with the activation as a constant, which leaves no choice to inner loops.
template <typename Use>
void with_activation(Activation activation, Use use) {
  switch (activation) {
    case Activation::kLinear:
      return use(std::integral_constant<Activation, Activation::kLinear>());
    case Activation::kRelu:
      return use(std::integral_constant<Activation, Activation::kRelu>());
    case Activation::kSigmoid:
      return use(std::integral_constant<Activation, Activation::kSigmoid>());
    case Activation::kTanh:
      return use(std::integral_constant<Activation, Activation::kTanh>());
    case Activation::kHardSigmoid:
      return use(std::integral_constant<Activation, Activation::kHardSigmoid>());
  }
}

// Calls use(f) with the function of a vector that the activation is.
template <typename Use>
void with_function(Activation activation, Use use) {
  with_activation(activation, [&](auto chosen) {
    use([](auto z) { return activate(decltype(chosen)::value, z); });
  });
}

// Calls use(f) with f(y, dy) = dz.
template <typename Use>
void with_gradient(Activation activation, Use use) {
  with_activation(activation, [&](auto chosen) {
    use([](auto y, auto dy) { return activation_gradient(decltype(chosen)::value, y, dy); });
  });
}

// dz of rows [begin, end), whose sum is added to d_bias unless that is null.
template <typename T, typename F>
void gradient_of_rows(const T* y, const T* dy, T* dz, T* d_bias, int64_t begin, int64_t end,
                      int64_t C, F f) {
  constexpr int lanes = kLanesOf<T>;
  if (0 < C && C < lanes && end - begin >= lanes) {
    // Narrow rows are taken `lanes` at a time, as one row that whole vectors fill.
    const int64_t groups = (end - begin) / lanes, width = lanes * C, first = begin * C;
    T wide[lanes * lanes];
    std::fill(wide, wide + width, T(0));
    gradient_of_rows(y + first, dy + first, dz ? dz + first : nullptr, d_bias ? wide : nullptr, 0,
                     groups, width, f);
    for (int64_t j = 0; d_bias && j < width; ++j) d_bias[j % C] += wide[j];
    begin += groups * lanes;
  }
  for (int64_t i = begin * C; i < end * C; i += C) {
    int64_t j = 0;
    for (; j + lanes <= C; j += lanes) {
      const Vector<T> g = f(load(y + i + j), load(dy + i + j));
      if (dz) store(dz + i + j, g);
      if (d_bias) store(d_bias + j, load(d_bias + j) + g);
    }
    if (j == C) continue;
    const int64_t rest = C - j;
    const Vector<T> g = f(load_first(y + i + j, rest), load_first(dy + i + j, rest));
    if (dz) store_first(dz + i + j, g, rest);
    if (d_bias) store_first(d_bias + j, load_first(d_bias + j, rest) + g, rest);
  }
}

}  // namespace

template <typename T>
void add_bias_and_activate(T* y, const T* bias, int64_t N, int64_t C, Activation activation) {
  if (bias == nullptr && activation == Activation::kLinear) return;
  constexpr int lanes = kLanesOf<T>;
  if (0 < C && C < lanes && N >= lanes) {  // narrow rows: `lanes` of them as one
    const int64_t groups = N / lanes, width = lanes * C;
    T wide[lanes * lanes];
    for (int64_t j = 0; j < width; ++j) wide[j] = bias ? bias[j % C] : T(0);
    add_bias_and_activate(y, bias ? wide : nullptr, groups, width, activation);
    y += groups * width;
    N -= groups * lanes;
  }
  with_function(activation, [&](auto f) {
    for (T* row = y; row < y + N * C; row += C) {
      int64_t j = 0;
      for (; j + lanes <= C; j += lanes) {
        const Vector<T> z = load(row + j);
        store(row + j, f(bias ? z + load(bias + j) : z));
      }
      if (j == C) continue;
      const Vector<T> z = load_first(row + j, C - j);
      store_first(row + j, f(bias ? z + load_first(bias + j, C - j) : z), C - j);
    }
  });
}

template <typename T>
void activation_gradient(const T* y, const T* dy, T* dz, T* d_bias, int64_t N, int64_t C,
                         Activation activation) {
  const int64_t grain = grain_of_rows(C);
  if (d_bias == nullptr) {
    return with_gradient(activation, [&](auto f) {
      parallel_for(N, grain, [&](int64_t begin, int64_t end) {
        gradient_of_rows<T>(y, dy, dz, nullptr, begin, end, C, f);
      });
    });
  }
  // Each thread sums the rows of its share apart, a block of rows at a time and the blocks in
  // double precision, so that long sums keep their digits; then the shares are added in order.
  std::vector<double> sums(static_cast<size_t>(C));
  with_gradient(activation, [&](auto f) {
    const SumsOfShares<double> totals(C, N, grain, [&](double* total, int64_t begin, int64_t end) {
      // Narrow rows are summed in as many sums as there are lanes.
      const int64_t step = C < kLanesOf<T> ? kBlockTerms * kLanesOf<T> : kBlockTerms;
      std::vector<T> block(static_cast<size_t>(C));
      for (; begin < end; begin += step) {
        std::fill(block.begin(), block.end(), T(0));
        gradient_of_rows(y, dy, dz, block.data(), begin, std::min(begin + step, end), C, f);
        for (int64_t j = 0; j < C; ++j) total[j] += double(block[size_t(j)]);
      }
    });
    totals.write(sums.data());
  });
  std::transform(sums.begin(), sums.end(), d_bias, [](double sum) { return T(sum); });
}

template void add_bias_and_activate(float*, const float*, int64_t, int64_t, Activation);
template void add_bias_and_activate(double*, const double*, int64_t, int64_t, Activation);
template void activation_gradient(const float*, const float*, float*, float*, int64_t, int64_t,
                                  Activation);
template void activation_gradient(const double*, const double*, double*, double*, int64_t, int64_t,
                                  Activation);

}  // namespace lamina
