#include "cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "rows.h"
#include "simd_math.h"
#include "softmax.h"

namespace lamina {
namespace {

// f(row) for every row that is not left out; left_out(row) for the others.
template <typename T, typename F, typename LeftOut>
void for_rows(Targets<T> targets, int64_t N, int64_t C, F f, LeftOut left_out) {
  parallel_for(N, std::max<int64_t>(1, kFunctionsWorthAThread / C),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   if (targets.index && targets.index[i] < 0) {
                     left_out(i);
                   } else {
                     f(i);
                   }
                 }
               });
}

template <typename T>
T clip(T x, T margin) {
  return minimum(1 - margin, maximum(margin, x));
}
template <typename T>
Vector<T> clip(Vector<T> x, T margin) {
  return minimum(broadcast(1 - margin), maximum(broadcast(margin), x));
}

}  // namespace

template <typename T>
void softmax_cross_entropy(const T* logits, Targets<T> targets, T* loss, T* scales, int64_t N,
                           int64_t C) {
  const auto row = [&](int64_t i) {
    const T* x = logits + i * C;
    const RowScale<T> scale = row_scale(x, C);
    scales[2 * i] = scale.largest;
    scales[2 * i + 1] = scale.log_sum;
    if (targets.index) {
      loss[i] = scale.log_sum - (x[targets.index[i]] - scale.largest);
      return;
    }
    const T* t = targets.weights + i * C;
    loss[i] =
        sum_row<T>(C, [&](auto at) { return at(t) * (scale.log_sum - (at(x) - scale.largest)); });
  };
  for_rows(targets, N, C, row, [&](int64_t i) { loss[i] = scales[2 * i] = scales[2 * i + 1] = 0; });
}

template <typename T>
void softmax_cross_entropy_gradient(const T* logits, const T* scales, Targets<T> targets,
                                    const T* d_loss, T* d_logits, int64_t N, int64_t C) {
  const auto row = [&](int64_t i) {
    const T *x = logits + i * C, largest = scales[2 * i], log_sum = scales[2 * i + 1];
    T *dx = d_logits + i * C, d = d_loss[i];
    const auto p = [&](auto at) { return full_exp((at(x) - largest) - log_sum); };
    if (targets.index) {
      for_row<T>(C, [&](auto at, auto put) { put(dx, p(at) * d); });
      dx[targets.index[i]] -= d;
      return;
    }
    const T* t = targets.weights + i * C;
    const T total = sum_row<T>(C, [&](auto at) { return at(t); });
    for_row<T>(C, [&](auto at, auto put) { put(dx, (p(at) * total - at(t)) * d); });
  };
  for_rows(targets, N, C, row,
           [&](int64_t i) { std::fill(d_logits + i * C, d_logits + (i + 1) * C, T(0)); });
}

template <typename T>
void cross_entropy(const T* probabilities, Targets<T> targets, T margin, T* loss, int64_t N,
                   int64_t C) {
  const auto row = [&](int64_t i) {
    const T* p = probabilities + i * C;
    const T total = sum_row<T>(C, [&](auto at) { return at(p); });
    if (targets.index) {
      loss[i] = -std::log(clip<T>(p[targets.index[i]] / total, margin));
      return;
    }
    const T* t = targets.weights + i * C;
    loss[i] = -sum_row<T>(C, [&](auto at) { return at(t) * log(clip<T>(at(p) / total, margin)); });
  };
  for_rows(targets, N, C, row, [&](int64_t i) { loss[i] = 0; });
}

template <typename T>
void cross_entropy_gradient(const T* probabilities, Targets<T> targets, T margin, const T* d_loss,
                            T* d_probabilities, int64_t N, int64_t C) {
  // With q = p / total: d q = -t / q where q was not clipped, d p = (d q - sum(d q q)) / total.
  const auto row = [&](int64_t i) {
    const T* p = probabilities + i * C;
    T* dp = d_probabilities + i * C;
    const T total = sum_row<T>(C, [&](auto at) { return at(p); });
    const T scale = d_loss[i] / total;
    if (targets.index) {
      const T q = p[targets.index[i]] / total;
      const bool inside = q > margin && q < 1 - margin;
      std::fill(dp, dp + C, inside ? scale : T(0));
      if (inside) dp[targets.index[i]] -= scale / q;
      return;
    }
    const T* t = targets.weights + i * C;
    const auto inside = [&](auto q, auto value) {
      return (q > margin) & (q < 1 - margin) ? value : decltype(value){};
    };
    const T dot = sum_row<T>(C, [&](auto at) { return inside(at(p) / total, at(t)); });
    for_row<T>(C, [&](auto at, auto put) {
      const auto q = at(p) / total;
      put(dp, (dot - inside(q, at(t) / q)) * scale);
    });
  };
  for_rows(targets, N, C, row, [&](int64_t i) {
    std::fill(d_probabilities + i * C, d_probabilities + (i + 1) * C, T(0));
  });
}

#define LAMINA_INSTANTIATE(T)                                                                \
  template void softmax_cross_entropy(const T*, Targets<T>, T*, T*, int64_t, int64_t);       \
  template void softmax_cross_entropy_gradient(const T*, const T*, Targets<T>, const T*, T*, \
                                               int64_t, int64_t);                            \
  template void cross_entropy(const T*, Targets<T>, T, T*, int64_t, int64_t);                \
  template void cross_entropy_gradient(const T*, Targets<T>, T, const T*, T*, int64_t, int64_t);
LAMINA_INSTANTIATE(float)
LAMINA_INSTANTIATE(double)
#undef LAMINA_INSTANTIATE

}  // namespace lamina
