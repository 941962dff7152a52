// The update rules of the optimizers, by the formulas of Keras 3. One pass over memory changes the
// weights and the slots (moments, accumulators) in place, in parallel when there is enough of them.
//
// Dimensions: a variable is V rows of D columns without gaps, and so is each of its slots. Its
// gradient is V x D, or, for R ascending rows of an embedding table, R x D: the gradient of all
// other rows is zero. The results are those of the dense update, for a time that depends on the
// rule: where a zero gradient changes nothing (SGD, Adagrad), and where it only lets slots decay
// (RMSprop without momentum, Adadelta) and a clock tells for how many updates, only the R rows are
// visited; otherwise (momentum, Adam, Adamax, Nadam, any weight decay), the whole table.
#pragma once

#include <cstdint>

namespace lamina::optimizers {

inline constexpr int kMaxSlots = 3;

template <typename T>
struct Parameter {
  int64_t V, D;
  T* weights;
  T* slots[kMaxSlots];
  const T* gradient;
  const int64_t* rows;  // R of them, or null for a gradient of V x D
  int64_t R;
  // Null, or V + 1 numbers: the update by rows to which each row's slots have decayed, and the
  // number of such updates so far. Only rules whose slots decay look at it.
  int64_t* clock;
};

// What comes before every rule. The gradient g becomes clip(scale g, -clip, clip), and unless
// decay (weight_decay * learning_rate) is zero, the weights w become w - decay w.
struct Common {
  double scale, clip, decay;
  bool lazy;  // visit only the rows of the gradient, whatever the rule; no clock
};

// Each rule names its slots in their order. `step` counts updates from 1.
struct Sgd {
  double learning_rate;
};
struct Momentum {  // momentum
  double learning_rate, momentum;
  bool nesterov;
};
struct Rmsprop {  // velocity, then momentum if that is not 0, then average_gradient if centered
  double learning_rate, rho, momentum, epsilon;
  bool centered;
};
struct Adam {  // momentum, velocity, velocity_hat if amsgrad
  double learning_rate, beta_1, beta_2, epsilon;
  bool amsgrad;
  double step;
};
struct Adagrad {  // accumulator
  double learning_rate, epsilon;
};
struct Adadelta {  // accumulated_grad, accumulated_delta_var
  double learning_rate, rho, epsilon;
};
struct Adamax {  // momentum, norm
  double learning_rate, beta_1, beta_2, epsilon, step;
};
struct Nadam {  // momentum, velocity
  double learning_rate, beta_1, beta_2, epsilon, step;
  double u_product;  // of beta_1 (1 - 0.96^t / 2) for t = 1..step
};

// The number of slots that a rule has.
template <typename Rule>
int slots_of(const Rule& rule);

template <typename T, typename Rule>
void update(const Rule& rule, const Parameter<T>& parameter, const Common& common);

// Lets the slots of every row decay to the present: slots[i][row] *= rho^(updates that it missed).
template <typename T>
void catch_up(T* const* slots, int slot_count, int64_t V, int64_t D, int64_t* clock, double rho);

// The sum of the squares of n elements, in double precision; the number of threads changes no bit.
template <typename T>
double sum_of_squares(const T* x, int64_t n);

}  // namespace lamina::optimizers
