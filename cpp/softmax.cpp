#include "softmax.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "rows.h"
#include "simd_math.h"

namespace lamina {
namespace {

// f(first element of the row) for every row.
template <typename F>
void for_rows(int64_t N, int64_t C, F f) {
  if (C == 0) return;
  parallel_for(N, std::max<int64_t>(1, kFunctionsWorthAThread / C),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin * C; i < end * C; i += C) f(i);
               });
}

template <typename T>
T largest_of(const T* x, int64_t C) {
  constexpr int64_t lanes = kLanesOf<T>;
  T largest = x[0];
  int64_t j = 0;
  if (C >= lanes) {
    Vector<T> v = load(x);
    for (j = lanes; j + lanes <= C; j += lanes) v = maximum(v, load(x + j));
    for (int lane = 0; lane < lanes; ++lane) largest = maximum(largest, T(v[lane]));
  }
  for (; j < C; ++j) largest = maximum(largest, x[j]);
  return largest;
}

}  // namespace

template <typename T>
RowScale<T> row_scale(const T* x, int64_t C) {
  const T largest = largest_of(x, C);
  const T total = sum_row<T>(C, [&](auto at) { return full_exp(at(x) - broadcast(largest)); });
  return {largest, std::log(total)};
}

template <typename T>
void softmax(const T* x, T* y, int64_t N, int64_t C) {
  for_rows(N, C, [&](int64_t i) {
    const T largest = largest_of(x + i, C);
    T total = 0;
    if (C >= kLanesOf<T>) {
      for_row<T>(C,
                 [&](auto at, auto put) { put(y + i, full_exp(at(x + i) - broadcast(largest))); });
      total = sum_row<T>(C, [&](auto at) { return at(y + i); });
      for_row<T>(C, [&](auto at, auto put) { put(y + i, at(y + i) / total); });
      return;
    }
    // A row within one vector stays in its register.
    Vector<T> e = full_exp(load_first(x + i, C) - broadcast(largest));
    for (int64_t j = 0; j < C; ++j) total += e[j];
    store_first(y + i, e / total, C);
  });
}

template <typename T>
void softmax_gradient(const T* y, const T* dy, T* dx, int64_t N, int64_t C) {
  for_rows(N, C, [&](int64_t i) {
    const T dot = sum_row<T>(C, [&](auto at) { return at(y + i) * at(dy + i); });
    for_row<T>(C, [&](auto at, auto put) { put(dx + i, at(y + i) * (at(dy + i) - dot)); });
  });
}

template <typename T>
void log_softmax(const T* x, T* y, int64_t N, int64_t C) {
  for_rows(N, C, [&](int64_t i) {
    const RowScale<T> scale = row_scale(x + i, C);
    for_row<T>(C,
               [&](auto at, auto put) { put(y + i, (at(x + i) - scale.largest) - scale.log_sum); });
  });
}

template <typename T>
void log_softmax_gradient(const T* y, const T* dy, T* dx, int64_t N, int64_t C) {
  for_rows(N, C, [&](int64_t i) {
    const T total = sum_row<T>(C, [&](auto at) { return at(dy + i); });
    for_row<T>(C,
               [&](auto at, auto put) { put(dx + i, at(dy + i) - full_exp(at(y + i)) * total); });
  });
}

template RowScale<float> row_scale(const float*, int64_t);
template RowScale<double> row_scale(const double*, int64_t);
template void softmax(const float*, float*, int64_t, int64_t);
template void softmax(const double*, double*, int64_t, int64_t);
template void softmax_gradient(const float*, const float*, float*, int64_t, int64_t);
template void softmax_gradient(const double*, const double*, double*, int64_t, int64_t);
template void log_softmax(const float*, float*, int64_t, int64_t);
template void log_softmax(const double*, double*, int64_t, int64_t);
template void log_softmax_gradient(const float*, const float*, float*, int64_t, int64_t);
template void log_softmax_gradient(const double*, const double*, double*, int64_t, int64_t);

}  // namespace lamina
