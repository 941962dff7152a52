#include "elementwise.h"

#include "parallel.h"
#include "simd_math.h"

namespace lamina {
namespace {

// f(i, count) over the vectors of [0, n): count is all lanes but for the last vector of a share.
template <typename T, typename F>
void for_vectors(int64_t n, F f) {
  constexpr int64_t lanes = kLanesOf<T>;
  // Shares are cut between vectors, so that only the array's end has a tail.
  parallel_for((n + lanes - 1) / lanes, kFunctionsWorthAThread / lanes,
               [&](int64_t first, int64_t last) {
                 const int64_t end = last * lanes < n ? last * lanes : n;
                 int64_t i = first * lanes;
                 for (; i + lanes <= end; i += lanes) f(i, lanes);
                 if (i < end) f(i, end - i);
               });
}

template <typename T, typename F>
void apply(const T* x, T* y, int64_t n, Parameters<T> p) {
  for_vectors<T>(n, [&](int64_t i, int64_t count) {
    if (count == kLanesOf<T>) return store(y + i, F{}(load(x + i), p));
    store_first(y + i, F{}(load_first(x + i, count), p), count);
  });
}

template <typename T, typename F>
void apply_gradient(const T* kept, const T* dy, T* dx, int64_t n, Parameters<T> p) {
  for_vectors<T>(n, [&](int64_t i, int64_t count) {
    if (count == kLanesOf<T>) return store(dx + i, load(dy + i) * F{}(load(kept + i), p));
    const Vector<T> slope = F{}(load_first(kept + i, count), p);
    store_first(dx + i, load_first(dy + i, count) * slope, count);
  });
}

enum Kept { kInput, kOutput };

// The row of a function: its value from x, its slope from x or y.
template <typename Value, typename Slope>
ElementwiseFunction row(const char* name, int parameters, Kept kept, Value, Slope) {
  return {name,
          parameters,
          kept == kOutput,
          &apply<float, Value>,
          &apply<double, Value>,
          &apply_gradient<float, Slope>,
          &apply_gradient<double, Slope>};
}

// A constant in the precision of the vector that it meets.
template <typename V>
auto number(double value) {
  return std::decay_t<decltype(V{}[0])>(value);
}

template <typename V>
V one() {
  return V{} + 1;
}

template <typename V>
V clip(V x, double low, double high) {
  return minimum(broadcast(number<V>(high)), maximum(broadcast(number<V>(low)), x));
}

// tanh(log(1 + exp(x))) = n / (n + 2) with n = exp(x) (exp(x) + 2); 1 to all digits from 20 on.
template <typename V>
V tanh_of_softplus(V x) {
  const V e = exp(minimum(broadcast(number<V>(20)), x)), n = e * (e + 2);
  return n / (n + 2);
}

// The inner function of gelu's approximation, and its derivative.
template <typename V>
V gelu_inner(V x) {
  return number<V>(0.7978845608028654) * (x + number<V>(0.044715) * x * x * x);
}
template <typename V>
V gelu_inner_slope(V x) {
  return number<V>(0.7978845608028654) * (1 + number<V>(3 * 0.044715) * x * x);
}

template <typename V>
V normal_below(V x) {  // the share of a normal distribution that lies below x
  return number<V>(0.5) * (1 + erf(x * number<V>(0.7071067811865476)));
}

constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

template <typename V>
V elu(V x, V alpha) {
  return x > 0 ? x : alpha * exp_minus_one(x);
}

}  // namespace

const std::vector<ElementwiseFunction>& elementwise_functions() {
  static const std::vector<ElementwiseFunction> table = {
      row(
          "exp", 0, kOutput, [](auto x, auto) { return full_exp(x); },
          [](auto y, auto) { return y; }),
      row(
          "expm1", 0, kOutput, [](auto x, auto) { return exp_minus_one(x); },
          [](auto y, auto) { return y + 1; }),
      row(
          "log", 0, kInput, [](auto x, auto) { return log(x); },
          [](auto x, auto) { return 1 / x; }),
      row(
          "log1p", 0, kInput, [](auto x, auto) { return log_one_plus(x); },
          [](auto x, auto) { return 1 / (1 + x); }),
      row(
          "sqrt", 0, kOutput, [](auto x, auto) { return sqrt(x); },
          [](auto y, auto) { return number<decltype(y)>(0.5) / y; }),
      row(
          "rsqrt", 0, kOutput, [](auto x, auto) { return 1 / sqrt(x); },
          [](auto y, auto) { return number<decltype(y)>(-0.5) * y * y * y; }),
      row(
          "square", 0, kInput, [](auto x, auto) { return x * x; },
          [](auto x, auto) { return 2 * x; }),
      row(
          "erf", 0, kInput, [](auto x, auto) { return erf(x); },
          [](auto x, auto) { return number<decltype(x)>(1.1283791670955126) * exp(-(x * x)); }),
      row(
          "tanh", 0, kOutput, [](auto x, auto) { return tanh(x); },
          [](auto y, auto) { return 1 - y * y; }),
      row(
          "sigmoid", 0, kOutput, [](auto x, auto) { return sigmoid(x); },
          [](auto y, auto) { return y * (1 - y); }),
      row(
          "relu", 0, kOutput, [](auto x, auto) { return maximum(decltype(x){}, x); },
          [](auto y, auto) { return y > 0 ? one<decltype(y)>() : decltype(y){}; }),
      row(
          "relu6", 0, kInput, [](auto x, auto) { return clip(x, 0, 6); },
          [](auto x, auto) { return (x > 0) & (x < 6) ? one<decltype(x)>() : decltype(x){}; }),
      // a: slope; b: largest value; c: threshold
      row(
          "clipped_relu", 3, kInput,
          [](auto x, auto p) {
            using V = decltype(x);
            const V above = minimum(broadcast(p.b), x <= p.c ? V{} : x);
            return p.a == 0 ? above : above - p.a * maximum(V{}, p.c - x);
          },
          [](auto x, auto p) {
            using V = decltype(x);
            const V inside = (x > p.c) & (x < p.b) ? one<V>() : V{};
            return inside + (x < p.c ? broadcast(p.a) : V{});
          }),
      row(
          "leaky_relu", 1, kInput, [](auto x, auto p) { return x >= 0 ? x : p.a * x; },
          [](auto x, auto p) { return x >= 0 ? one<decltype(x)>() : broadcast(p.a); }),
      row(
          "elu", 1, kInput, [](auto x, auto p) { return elu(x, broadcast(p.a)); },
          [](auto x, auto p) {
            return x > 0 ? one<decltype(x)>() : p.a * exp(minimum(decltype(x){}, x));
          }),
      row(
          "celu", 1, kInput,
          [](auto x, auto p) { return x > 0 ? x : p.a * exp_minus_one(x / p.a); },
          [](auto x, auto p) {
            return x > 0 ? one<decltype(x)>() : exp(minimum(decltype(x){}, x / p.a));
          }),
      row(
          "selu", 0, kInput,
          [](auto x, auto) {
            using V = decltype(x);
            return number<V>(kSeluScale) * elu(x, broadcast(number<V>(kSeluAlpha)));
          },
          [](auto x, auto) {
            using V = decltype(x);
            return number<V>(kSeluScale) *
                   (x > 0 ? one<V>() : number<V>(kSeluAlpha) * exp(minimum(V{}, x)));
          }),
      row(
          "gelu", 0, kInput, [](auto x, auto) { return x * normal_below(x); },
          [](auto x, auto) {
            using V = decltype(x);
            const V density = number<V>(0.3989422804014327) * exp(number<V>(-0.5) * x * x);
            return normal_below(x) + x * density;
          }),
      row(
          "gelu_tanh", 0, kInput,
          [](auto x, auto) { return number<decltype(x)>(0.5) * x * (1 + tanh(gelu_inner(x))); },
          [](auto x, auto) {
            const auto t = tanh(gelu_inner(x));
            return number<decltype(x)>(0.5) * (1 + t + x * (1 - t * t) * gelu_inner_slope(x));
          }),
      row(
          "softplus", 0, kInput, [](auto x, auto) { return softplus(x); },
          [](auto x, auto) { return sigmoid(x); }),
      row(
          "softsign", 0, kInput, [](auto x, auto) { return x / (1 + absolute(x)); },
          [](auto x, auto) {
            const auto d = 1 + absolute(x);
            return 1 / (d * d);
          }),
      row(
          "silu", 0, kInput, [](auto x, auto) { return x * sigmoid(x); },
          [](auto x, auto) {
            const auto s = sigmoid(x);
            return s * (1 + x * (1 - s));
          }),
      row(
          "hard_sigmoid", 0, kInput, [](auto x, auto) { return clip(x + 3, 0, 6) / 6; },
          [](auto x, auto) {
            using V = decltype(x);
            return absolute(x) < 3 ? broadcast(number<V>(1.0 / 6)) : V{};
          }),
      row(
          "hard_silu", 0, kInput, [](auto x, auto) { return x * (clip(x + 3, 0, 6) / 6); },
          [](auto x, auto) {
            using V = decltype(x);
            return clip(x + 3, 0, 6) / 6 + (absolute(x) < 3 ? x / 6 : V{});
          }),
      row(
          "hard_tanh", 0, kInput, [](auto x, auto) { return clip(x, -1, 1); },
          [](auto x, auto) { return absolute(x) <= 1 ? one<decltype(x)>() : decltype(x){}; }),
      row(
          "tanh_shrink", 0, kInput, [](auto x, auto) { return x - tanh(x); },
          [](auto x, auto) {
            const auto t = tanh(x);
            return t * t;
          }),
      row(
          "soft_shrink", 1, kInput,
          [](auto x, auto p) {
            return absolute(x) <= p.a ? decltype(x){} : (x > 0 ? x - p.a : x + p.a);
          },
          [](auto x, auto p) { return absolute(x) > p.a ? one<decltype(x)>() : decltype(x){}; }),
      row(
          "hard_shrink", 1, kInput,
          [](auto x, auto p) { return absolute(x) <= p.a ? decltype(x){} : x; },
          [](auto x, auto p) { return absolute(x) > p.a ? one<decltype(x)>() : decltype(x){}; }),
      // a: threshold; b: the value at and below it
      row(
          "threshold", 2, kInput, [](auto x, auto p) { return x > p.a ? x : broadcast(p.b); },
          [](auto x, auto p) { return x > p.a ? one<decltype(x)>() : decltype(x){}; }),
      row(
          "mish", 0, kInput, [](auto x, auto) { return x * tanh_of_softplus(x); },
          [](auto x, auto) {
            const auto t = tanh_of_softplus(x);
            return t + x * (1 - t * t) * sigmoid(x);
          }),
      row(
          "log_sigmoid", 0, kInput, [](auto x, auto) { return -softplus(-x); },
          [](auto x, auto) { return sigmoid(-x); }),
      row(
          "squareplus", 1, kInput,
          [](auto x, auto p) { return number<decltype(x)>(0.5) * (x + sqrt(x * x + p.a)); },
          [](auto x, auto p) { return number<decltype(x)>(0.5) * (1 + x / sqrt(x * x + p.a)); }),
      row(
          "sparse_plus", 0, kInput,
          [](auto x, auto) {
            using V = decltype(x);
            const V middle = number<V>(0.25) * (x + 1) * (x + 1);
            return x <= -1 ? V{} : (x < 1 ? middle : x);
          },
          [](auto x, auto) { return clip(number<decltype(x)>(0.5) * (x + 1), 0, 1); }),
      row(
          "sparse_sigmoid", 0, kInput,
          [](auto x, auto) { return clip(number<decltype(x)>(0.5) * (x + 1), 0, 1); },
          [](auto x, auto) {
            using V = decltype(x);
            return absolute(x) < 1 ? broadcast(number<V>(0.5)) : V{};
          }),
  };
  return table;
}

}  // namespace lamina
