#include "losses.h"

#include <algorithm>
#include <type_traits>

#include "parallel.h"
#include "rows.h"
#include "simd_math.h"

namespace lamina {
namespace {

enum Reduction { kMean, kSum };

template <typename T, typename F, Reduction reduction>
void value(const T* target, const T* prediction, T number, T* loss, int64_t N, int64_t C) {
  if (C == 1) {  // a column: vectors run along it
    parallel_for((N + 1023) / 1024, kFunctionsWorthAThread / 1024,
                 [&](int64_t first, int64_t last) {
                   const int64_t begin = first * 1024, end = std::min(last * 1024, N);
                   for_row<T>(end - begin, [&](auto at, auto put) {
                     put(loss + begin, F{}(at(target + begin), at(prediction + begin), number));
                   });
                 });
    return;
  }
  const T scale = reduction == kMean ? T(1) / T(C) : T(1);
  parallel_for(N, std::max<int64_t>(1, kFunctionsWorthAThread / C),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   loss[i] = scale * sum_row<T>(C, [&](auto at) {
                               return F{}(at(target + i * C), at(prediction + i * C), number);
                             });
                 }
               });
}

template <typename T, typename F, Reduction reduction>
void gradient(const T* target, const T* prediction, T number, const T* d_loss, T* d, int64_t N,
              int64_t C) {
  if (C == 1) {
    parallel_for((N + 1023) / 1024, kFunctionsWorthAThread / 1024,
                 [&](int64_t first, int64_t last) {
                   const int64_t begin = first * 1024, end = std::min(last * 1024, N);
                   for_row<T>(end - begin, [&](auto at, auto put) {
                     const auto slope = F{}(at(target + begin), at(prediction + begin), number);
                     put(d + begin, at(d_loss + begin) * slope);
                   });
                 });
    return;
  }
  const T scale = reduction == kMean ? T(1) / T(C) : T(1);
  parallel_for(N, std::max<int64_t>(1, kFunctionsWorthAThread / C),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const T upstream = scale * d_loss[i];
                   for_row<T>(C, [&](auto at, auto put) {
                     const auto slope = F{}(at(target + i * C), at(prediction + i * C), number);
                     put(d + i * C, upstream * slope);
                   });
                 }
               });
}

// The row of a loss: f(target, prediction, number) and its derivatives by prediction and target.
template <Reduction reduction = kMean, typename F, typename P, typename Q>
RowLoss row(const char* name, bool has_number, F, P, Q) {
  return {name,
          has_number,
          &value<float, F, reduction>,
          &value<double, F, reduction>,
          &gradient<float, P, reduction>,
          &gradient<float, Q, reduction>,
          &gradient<double, P, reduction>,
          &gradient<double, Q, reduction>};
}

// A constant in the precision of the vector that it meets.
template <typename V>
auto number(double x) {
  return std::decay_t<decltype(V{}[0])>(x);
}

template <typename V>
V sign(V x) {
  return (x > 0 ? V{} + 1 : V{}) - (x < 0 ? V{} + 1 : V{});
}

template <typename V, typename T>
V at_least(V x, T margin) {
  return maximum(broadcast(margin), x);
}

template <typename V, typename T>
V clip(V x, T low, T high) {
  return minimum(broadcast(high), maximum(broadcast(low), x));
}

// v where x was not clipped, 0 where it was, and half of v at the two ends.
template <typename V, typename T>
V inside(V x, T low, T high, V v) {
  const V half = (x >= low) & (x <= high) ? number<V>(0.5) * v : V{};
  return half + ((x > low) & (x < high) ? half : V{});
}

}  // namespace

const std::vector<RowLoss>& row_losses() {
  // t: target; p: prediction; a: the loss's number
  static const std::vector<RowLoss> table = {
      row(
          "squared_error", false, [](auto t, auto p, auto) { return (p - t) * (p - t); },
          [](auto t, auto p, auto) { return 2 * (p - t); },
          [](auto t, auto p, auto) { return 2 * (t - p); }),
      row(
          "absolute_error", false, [](auto t, auto p, auto) { return absolute(p - t); },
          [](auto t, auto p, auto) { return sign(p - t); },
          [](auto t, auto p, auto) { return sign(t - p); }),
      row(
          "absolute_percentage_error", true,
          [](auto t, auto p, auto a) { return 100 * absolute((t - p) / at_least(absolute(t), a)); },
          [](auto t, auto p, auto a) { return 100 * sign(p - t) / at_least(absolute(t), a); },
          [](auto t, auto p, auto a) {
            const auto size = at_least(absolute(t), a);
            const auto by_size = absolute(t - p) * sign(t) / (size * size);
            return 100 * (sign(t - p) / size - (absolute(t) > a ? by_size : decltype(t){}));
          }),
      row(
          "squared_logarithmic_error", true,
          [](auto t, auto p, auto a) {
            const auto d = log(at_least(p, a) + 1) - log(at_least(t, a) + 1);
            return d * d;
          },
          [](auto t, auto p, auto a) {
            const auto d = log(at_least(p, a) + 1) - log(at_least(t, a) + 1);
            return p > a ? 2 * d / (p + 1) : decltype(p){};
          },
          [](auto t, auto p, auto a) {
            const auto d = log(at_least(t, a) + 1) - log(at_least(p, a) + 1);
            return t > a ? 2 * d / (t + 1) : decltype(t){};
          }),
      row(
          "huber", true,
          [](auto t, auto p, auto a) {
            const auto d = absolute(p - t);
            const auto half = number<decltype(d)>(0.5);
            return d <= a ? half * d * d : a * d - half * a * a;
          },
          [](auto t, auto p, auto a) { return clip(p - t, -a, a); },
          [](auto t, auto p, auto a) { return clip(t - p, -a, a); }),
      row(
          "log_cosh", false,
          [](auto t, auto p, auto) {
            const auto d = p - t;
            return d + softplus(-2 * d) - number<decltype(d)>(0.6931471805599453);
          },
          [](auto t, auto p, auto) { return tanh(p - t); },
          [](auto t, auto p, auto) { return tanh(t - p); }),
      row(
          "hinge", false, [](auto t, auto p, auto) { return maximum(decltype(p){}, 1 - t * p); },
          [](auto t, auto p, auto) { return t * p < 1 ? -t : decltype(p){}; },
          [](auto t, auto p, auto) { return t * p < 1 ? -p : decltype(p){}; }),
      row(
          "squared_hinge", false,
          [](auto t, auto p, auto) {
            const auto d = maximum(decltype(p){}, 1 - t * p);
            return d * d;
          },
          [](auto t, auto p, auto) { return -2 * t * maximum(decltype(p){}, 1 - t * p); },
          [](auto t, auto p, auto) { return -2 * p * maximum(decltype(p){}, 1 - t * p); }),
      row(
          "poisson", true, [](auto t, auto p, auto a) { return p - t * log(p + a); },
          [](auto t, auto p, auto a) { return 1 - t / (p + a); },
          [](auto, auto p, auto a) { return -log(p + a); }),
      row<kSum>(
          "kl_divergence", true,
          [](auto t, auto p, auto a) {
            using T = decltype(a);
            const auto u = clip(t, a, T(1));
            return u * log(u / clip(p, a, T(1)));
          },
          [](auto t, auto p, auto a) {
            using T = decltype(a);
            return inside(p, a, T(1), -clip(t, a, T(1)) / p);
          },
          [](auto t, auto p, auto a) {
            using T = decltype(a);
            return inside(t, a, T(1), log(clip(t, a, T(1)) / clip(p, a, T(1))) + 1);
          }),
      row(
          "binary_cross_entropy", true,
          [](auto t, auto p, auto a) {
            const auto q = clip(p, a, 1 - a);
            return -(t * log(q) + (1 - t) * log(1 - q));
          },
          [](auto t, auto p, auto a) { return inside(p, a, 1 - a, (1 - t) / (1 - p) - t / p); },
          [](auto, auto p, auto a) {
            const auto q = clip(p, a, 1 - a);
            return log(1 - q) - log(q);
          }),
      // log(1 + exp(x)) - t x, for a logit x; softplus keeps its digits at both ends.
      row(
          "sigmoid_cross_entropy", false,
          [](auto t, auto x, auto) { return t * softplus(-x) + (1 - t) * softplus(x); },
          [](auto t, auto x, auto) { return sigmoid(x) - t; },
          [](auto, auto x, auto) { return -x; }),
  };
  return table;
}

template <typename T>
T scaled_sum(const T* values, int64_t n, double share) {
  constexpr int64_t lanes = kLanesOf<T>, block = 64;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += block * lanes) {
    Vector<T> sums{};
    const int64_t end = std::min(n, begin + block * lanes);
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) sums += load(values + i);
    if (i < end) sums += load_first(values + i, end - i);
    for (int lane = 0; lane < lanes; ++lane) total += double(sums[lane]);
  }
  return T(total * share);
}

template float scaled_sum(const float*, int64_t, double);
template double scaled_sum(const double*, int64_t, double);

}  // namespace lamina
