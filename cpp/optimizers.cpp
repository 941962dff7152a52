#include "optimizers.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "parallel.h"
#include "simd.h"

namespace lamina::optimizers {
namespace {

constexpr int64_t kRowsAhead = 12;  // whose memory is asked for

// What a rule does to a row whose gradient is zero.
enum class AtZero { kNothing, kSlotsDecay, kWeightsMove };

// The rules as they are computed: weights w, gradient g and slots s are vectors.
template <typename T>
struct SgdStep {
  static constexpr int kSlots = 0;
  static constexpr AtZero kAtZero = AtZero::kNothing;
  T rate;
  template <typename X>
  void operator()(X& w, X g, X*) const {
    w -= rate * g;
  }
};

template <typename T, bool kNesterov>
struct MomentumStep {
  static constexpr int kSlots = 1;
  static constexpr AtZero kAtZero = AtZero::kWeightsMove;
  T rate, momentum;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    const X change = rate * g;
    s[0] = momentum * s[0] - change;
    w += kNesterov ? momentum * s[0] - change : s[0];
  }
};

template <typename T, bool kMomentum, bool kCentered>
struct RmspropStep {
  static constexpr int kSlots = 1 + kMomentum + kCentered;
  static constexpr AtZero kAtZero = kMomentum ? AtZero::kWeightsMove : AtZero::kSlotsDecay;
  T rate, kept, added, momentum, epsilon;  // kept = rho, added = 1 - rho
  double rho;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] = kept * s[0] + added * (g * g);
    X variance = s[0];
    if constexpr (kCentered) {
      X& average = s[1 + kMomentum];
      average = kept * average + added * g;
      variance -= average * average;
    }
    X change = rate * g / sqrt(variance + epsilon);
    if constexpr (kMomentum) change = s[1] = momentum * s[1] + change;
    w -= change;
  }
};

template <typename T, bool kAmsgrad>
struct AdamStep {
  static constexpr int kSlots = 2 + kAmsgrad;
  static constexpr AtZero kAtZero = AtZero::kWeightsMove;
  T rate, added_1, added_2, epsilon;  // the rate with both corrections of bias; 1 - beta
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] += (g - s[0]) * added_1;
    s[1] += (g * g - s[1]) * added_2;
    if constexpr (kAmsgrad) s[2] = maximum(s[2], s[1]);
    w -= s[0] * rate / (sqrt(s[kAmsgrad ? 2 : 1]) + epsilon);
  }
};

template <typename T>
struct AdagradStep {
  static constexpr int kSlots = 1;
  static constexpr AtZero kAtZero = AtZero::kNothing;
  T rate, epsilon;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] += g * g;
    w -= rate * g / sqrt(s[0] + epsilon);
  }
};

template <typename T>
struct AdadeltaStep {
  static constexpr int kSlots = 2;
  static constexpr AtZero kAtZero = AtZero::kSlotsDecay;
  T rate, kept, added, epsilon;
  double rho;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] = kept * s[0] + added * (g * g);
    const X change = sqrt(s[1] + epsilon) * g / sqrt(s[0] + epsilon);
    s[1] = kept * s[1] + added * (change * change);
    w -= rate * change;
  }
};

template <typename T>
struct AdamaxStep {
  static constexpr int kSlots = 2;
  static constexpr AtZero kAtZero = AtZero::kWeightsMove;
  T rate, added_1, kept_2, epsilon;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] += (g - s[0]) * added_1;
    s[1] = maximum(kept_2 * s[1], maximum(g, -g));
    w -= rate * s[0] / (s[1] + epsilon);
  }
};

template <typename T>
struct NadamStep {
  static constexpr int kSlots = 2;
  static constexpr AtZero kAtZero = AtZero::kWeightsMove;
  T moment_rate, gradient_rate, added_1, added_2, variance_scale, epsilon;
  template <typename X>
  void operator()(X& w, X g, X* s) const {
    s[0] += (g - s[0]) * added_1;
    s[1] += (g * g - s[1]) * added_2;
    w -= (moment_rate * s[0] + gradient_rate * g) / (sqrt(s[1] * variance_scale) + epsilon);
  }
};

// with_step<T>(rule, use) calls use with the step that the rule is.
template <typename T, typename Use>
auto with_step(const Sgd& rule, Use use) {
  return use(SgdStep<T>{T(rule.learning_rate)});
}
template <typename T, typename Use>
auto with_step(const Momentum& rule, Use use) {
  const T rate = T(rule.learning_rate), momentum = T(rule.momentum);
  return rule.nesterov ? use(MomentumStep<T, true>{rate, momentum})
                       : use(MomentumStep<T, false>{rate, momentum});
}
template <typename T, typename Use>
auto with_step(const Rmsprop& rule, Use use) {
  const auto as = [&]<bool kMomentum, bool kCentered>() {
    return use(RmspropStep<T, kMomentum, kCentered>{T(rule.learning_rate), T(rule.rho),
                                                    T(1 - rule.rho), T(rule.momentum),
                                                    T(rule.epsilon), rule.rho});
  };
  if (rule.momentum > 0) {
    return rule.centered ? as.template operator()<true, true>()
                         : as.template operator()<true, false>();
  }
  return rule.centered ? as.template operator()<false, true>()
                       : as.template operator()<false, false>();
}
template <typename T, typename Use>
auto with_step(const Adam& rule, Use use) {
  const T rate = T(rule.learning_rate * std::sqrt(1 - std::pow(rule.beta_2, rule.step)) /
                   (1 - std::pow(rule.beta_1, rule.step)));
  const T added_1 = T(1 - rule.beta_1), added_2 = T(1 - rule.beta_2), epsilon = T(rule.epsilon);
  return rule.amsgrad ? use(AdamStep<T, true>{rate, added_1, added_2, epsilon})
                      : use(AdamStep<T, false>{rate, added_1, added_2, epsilon});
}
template <typename T, typename Use>
auto with_step(const Adagrad& rule, Use use) {
  return use(AdagradStep<T>{T(rule.learning_rate), T(rule.epsilon)});
}
template <typename T, typename Use>
auto with_step(const Adadelta& rule, Use use) {
  return use(AdadeltaStep<T>{T(rule.learning_rate), T(rule.rho), T(1 - rule.rho), T(rule.epsilon),
                             rule.rho});
}
template <typename T, typename Use>
auto with_step(const Adamax& rule, Use use) {
  return use(AdamaxStep<T>{T(rule.learning_rate / (1 - std::pow(rule.beta_1, rule.step))),
                           T(1 - rule.beta_1), T(rule.beta_2), T(rule.epsilon)});
}
template <typename T, typename Use>
auto with_step(const Nadam& rule, Use use) {
  const auto beta_at = [&](double step) { return rule.beta_1 * (1 - 0.5 * std::pow(0.96, step)); };
  const double now = beta_at(rule.step), next = beta_at(rule.step + 1);
  return use(NadamStep<T>{T(rule.learning_rate * next / (1 - rule.u_product * next)),
                          T(rule.learning_rate * (1 - now) / (1 - rule.u_product)),
                          T(1 - rule.beta_1), T(1 - rule.beta_2),
                          T(1 / (1 - std::pow(rule.beta_2, rule.step))), T(rule.epsilon)});
}

// One update of one variable.
template <typename T, typename Step>
struct Update {
  static constexpr int lanes = kLanesOf<T>;
  Step step;
  Parameter<T> p;
  T scale, clip, decay;

  // Of the n elements from `at` on, whose gradient is `gradient`, or zero; their slots are first
  // multiplied by `decay_of_slots`.
  template <bool kZero>
  void stretch(int64_t at, int64_t n, const T* gradient, T decay_of_slots = 1) const {
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      elements<kZero>(
          at + i, gradient, i, decay_of_slots, [](const T* x) { return load(x); },
          [](T* x, Vector<T> v) { store(x, v); });
    }
    if (i == n) return;
    const int64_t rest = n - i;
    elements<kZero>(
        at + i, gradient, i, decay_of_slots, [&](const T* x) { return load_first(x, rest); },
        [&](T* x, Vector<T> v) { store_first(x, v, rest); });
  }

  template <bool kZero, typename Load, typename Store>
  void elements(int64_t at, const T* gradient, int64_t i, T decay_of_slots, Load take,
                Store put) const {
    Vector<T> w = take(p.weights + at), g{}, s[Step::kSlots + 1];
    for (int k = 0; k < Step::kSlots; ++k) s[k] = take(p.slots[k] + at) * decay_of_slots;
    if constexpr (!kZero) {
      // In this order of arguments a NaN stays one.
      g = minimum(broadcast(clip), maximum(broadcast(-clip), take(gradient + i) * scale));
    }
    if (decay != 0) w -= w * decay;
    step(w, g, s);
    put(p.weights + at, w);
    for (int k = 0; k < Step::kSlots; ++k) put(p.slots[k] + at, s[k]);
  }

  void dense() const {
    parallel_for(p.V * p.D, kFunctionsWorthAThread, [&](int64_t begin, int64_t end) {
      const FlushTiny flush;
      stretch<false>(begin, end - begin, p.gradient + begin);
    });
  }

  int64_t row_grain() const {
    return std::max<int64_t>(1, kFunctionsWorthAThread / std::max<int64_t>(p.D, 1));
  }

  // The gradient's rows with their gradient, the stretches between them with zero.
  void whole_table() const {
    parallel_for(p.V, row_grain(), [&](int64_t begin, int64_t end) {
      const FlushTiny flush;
      int64_t r = std::lower_bound(p.rows, p.rows + p.R, begin) - p.rows;
      for (int64_t row = begin; row < end; ++row) {
        const int64_t touched = r < p.R ? std::min(p.rows[r], end) : end;
        stretch<true>(row * p.D, (touched - row) * p.D, nullptr);
        row = touched;
        if (row < end) stretch<false>(row * p.D, p.D, p.gradient + r++ * p.D);
      }
    });
  }

  // decay_of_slots(row) is what a row's slots have missed.
  template <typename Decay>
  void rows_alone(Decay decay_of_slots) const {
    parallel_for(p.R, row_grain(), [&](int64_t begin, int64_t end) {
      const FlushTiny flush;
      const Update own = *this;  // not read from memory again for every row
      for (int64_t r = begin; r < end; ++r) {
        if (r + kRowsAhead < end) own.prefetch_row(own.p.rows[r + kRowsAhead]);
        const int64_t row = own.p.rows[r];
        const T* const gradient = own.p.gradient + r * own.p.D;
        own.template stretch<false>(row * own.p.D, own.p.D, gradient, decay_of_slots(row));
      }
    });
  }

  // Rows lie anywhere in memory; the hardware fetches the rest of a long one by itself.
  void prefetch_row(int64_t row) const {
    __builtin_prefetch(p.weights + row * p.D, 1);
    for (int k = 0; k < Step::kSlots; ++k) __builtin_prefetch(p.slots[k] + row * p.D, 1);
    if (p.clock) __builtin_prefetch(p.clock + row, 1);
  }
};

template <typename T>
void scale_all(T* x, T factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

// The powers of a decay, of which every touched row wants one: two tables multiplied, because
// std::pow would take longer than the rest of the row.
class Powers {
 public:
  explicit Powers(double rho) : rho_(rho) {
    low_[0] = high_[0] = 1;
    for (int i = 1; i < kSteps; ++i) low_[i] = low_[i - 1] * rho;
    for (int i = 1; i < kSteps; ++i) high_[i] = high_[i - 1] * low_[kSteps - 1] * rho;
  }
  double operator()(int64_t exponent) const {
    if (exponent >= kSteps * kSteps) return std::pow(rho_, double(exponent));
    return low_[exponent % kSteps] * high_[exponent / kSteps];
  }

 private:
  static constexpr int kSteps = 64;
  double rho_, low_[kSteps], high_[kSteps];
};

// What a row's slots have missed since their clock, and the clock becomes `now`.
template <typename T>
void catch_up_row(T* const* slots, int slot_count, int64_t row, int64_t D, int64_t* clock,
                  int64_t now, const Powers& decay) {
  const int64_t missed = now - clock[row];
  if (missed == 0) return;
  const T factor = T(decay(missed));
  for (int k = 0; k < slot_count; ++k) scale_all(slots[k] + row * D, factor, D);
  clock[row] = now;
}

}  // namespace

template <typename Rule>
int slots_of(const Rule& rule) {
  return with_step<float>(rule, [](auto step) { return decltype(step)::kSlots; });
}

template <typename T, typename Rule>
void update(const Rule& rule, const Parameter<T>& p, const Common& common) {
  with_step<T>(rule, [&](auto step) {
    using Step = decltype(step);
    const Update<T, Step> run{step, p, T(common.scale), T(common.clip), T(common.decay)};
    const auto nothing = [](int64_t) { return T(1); };
    if (p.rows && common.lazy) return run.rows_alone(nothing);
    if constexpr (Step::kAtZero == AtZero::kNothing) {
      if (p.rows && common.decay == 0) return run.rows_alone(nothing);
    }
    if constexpr (Step::kAtZero == AtZero::kSlotsDecay) {
      if (p.rows && p.clock && common.decay == 0) {
        const int64_t before = p.clock[p.V]++;
        const Powers decay(step.rho);
        return run.rows_alone([&](int64_t row) {
          const int64_t missed = before - std::exchange(p.clock[row], before + 1);
          return T(decay(missed));
        });
      }
      // An update of all rows needs no tick of the clock: it leaves none behind.
      if (p.clock) catch_up(p.slots, Step::kSlots, p.V, p.D, p.clock, step.rho);
    }
    return p.rows ? run.whole_table() : run.dense();
  });
}

template <typename T>
void catch_up(T* const* slots, int slot_count, int64_t V, int64_t D, int64_t* clock, double rho) {
  const Powers decay(rho);
  const int64_t grain = std::max<int64_t>(1, kFunctionsWorthAThread / std::max<int64_t>(D, 1));
  parallel_for(V, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      catch_up_row(slots, slot_count, row, D, clock, clock[V], decay);
    }
  });
}

template <typename T>
double sum_of_squares(const T* x, int64_t n) {
  constexpr int lanes = 16;
  const int64_t blocks = (n + kFunctionsWorthAThread - 1) / kFunctionsWorthAThread;
  std::vector<double> sums(static_cast<size_t>(blocks));
  parallel_for(blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t end = std::min(n, (block + 1) * kFunctionsWorthAThread);
      int64_t i = block * kFunctionsWorthAThread;
      double each[lanes] = {}, total = 0;
      for (; i + lanes <= end; i += lanes) {
        for (int k = 0; k < lanes; ++k) each[k] += double(x[i + k]) * double(x[i + k]);
      }
      for (; i < end; ++i) total += double(x[i]) * double(x[i]);
      for (const double part : each) total += part;
      sums[size_t(block)] = total;
    }
  });
  double total = 0;
  for (const double part : sums) total += part;
  return total;
}

#define LAMINA_RULE(Rule)                                                    \
  template int slots_of(const Rule&);                                        \
  template void update(const Rule&, const Parameter<float>&, const Common&); \
  template void update(const Rule&, const Parameter<double>&, const Common&);
LAMINA_RULE(Sgd)
LAMINA_RULE(Momentum)
LAMINA_RULE(Rmsprop)
LAMINA_RULE(Adam)
LAMINA_RULE(Adagrad)
LAMINA_RULE(Adadelta)
LAMINA_RULE(Adamax)
LAMINA_RULE(Nadam)
#undef LAMINA_RULE

template void catch_up(float* const*, int, int64_t, int64_t, int64_t*, double);
template void catch_up(double* const*, int, int64_t, int64_t, int64_t*, double);
template double sum_of_squares(const float*, int64_t);
template double sum_of_squares(const double*, int64_t);

}  // namespace lamina::optimizers
