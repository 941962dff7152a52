#include "word2vec/window.h"

#include <algorithm>
#include <array>
#include <utility>

#include "simd.h"
#include "word2vec/gradients.h"

namespace lamina::word2vec {
namespace {

// scores[n * M + m] = inputs[n] . outputs[m] for P inputs and M outputs, whose P M sums stay in
// registers and are then reduced kLanes at once. Writes up to kLanes - 1 floats beyond.
template <int P, int M>
void score_tile(const float* const* inputs, float* const* outputs, int64_t D, float* scores) {
  constexpr int groups = (P * M + kLanes - 1) / kLanes;
  Floats sums[groups * kLanes] = {};
  for (int64_t d = 0; d < D; d += kLanes) {
    Floats input[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) input[p] = load(inputs[p] + d);
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const Floats output = load(outputs[m] + d);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) sums[p * M + m] += input[p] * output;
    }
  }
#pragma GCC unroll 16
  for (int g = 0; g < groups; ++g) {
    Floats group[kLanes];
    for (int i = 0; i < kLanes; ++i) group[i] = sums[g * kLanes + i];
    store(scores + g * kLanes, sum_each(group));
  }
}

// The scores of N inputs and one block of M outputs, two inputs at a time.
template <int M>
void score_block(const float* const* inputs, int64_t N, float* const* outputs, int64_t D,
                 float* scores) {
  int64_t n = 0;
  for (; n + 2 <= N; n += 2) score_tile<2, M>(inputs + n, outputs, D, scores + n * M);
  if (n < N) score_tile<1, M>(inputs + n, outputs, D, scores + n * M);
}

// The two products of the update for one block of M outputs, whose old and new values stay in
// registers while the N inputs pass by.
template <int M>
void update_block(const float* const* inputs, float* const* input_targets, int64_t N,
                  float* const* outputs, int64_t D, const float* gradients) {
  float* rows[M];  // of our own: a store to a row might else have changed where the rows are
  std::copy_n(outputs, M, rows);
  for (int64_t d = 0; d < D; d += kLanes) {
    Floats old_output[M], new_output[M];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) new_output[m] = old_output[m] = load(rows[m] + d);
    for (int64_t n = 0; n < N; ++n) {
      const Floats input = load(inputs[n] + d);
      Floats target = load(input_targets[n] + d);
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        const Floats gradient = broadcast(gradients[n * M + m]);
        target += gradient * old_output[m];
        new_output[m] += gradient * input;
      }
      store(input_targets[n] + d, target);
    }
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) store(rows[m] + d, new_output[m]);
  }
}

// into = scale * the sum of the C context rows.
void combine_rows(const Window& window, int64_t D, float scale, float* into) {
  constexpr int kTogether = 4;
  int64_t d = 0;
  for (; d + kTogether * kLanes <= D; d += kTogether * kLanes) {
    Floats total[kTogether] = {};
    for (int64_t c = 0; c < window.C; ++c) {
      const float* const row = window.contexts[size_t(c)] + d;
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) total[i] += load(row + i * kLanes);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) store(into + d + i * kLanes, scale * total[i]);
  }
  for (; d < D; d += kLanes) {
    Floats total = {};
    for (int64_t c = 0; c < window.C; ++c) total += load(window.contexts[size_t(c)] + d);
    store(into + d, scale * total);
  }
}

// For one input and a group of G outputs: error += their gradients' sum, outputs += gradient *
// input.
template <int G>
void update_group(const float* input, float* error, float* const* outputs, int64_t D,
                  const float* gradients) {
  float* rows[G];
  Floats gradient[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    rows[g] = outputs[g];
    gradient[g] = broadcast(gradients[g]);
  }
  for (int64_t d = 0; d < D; d += kLanes) {
    const Floats old_input = load(input + d);
    Floats total = load(error + d);
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const Floats output = load(rows[g] + d);
      total += gradient[g] * output;
      store(rows[g] + d, output + gradient[g] * old_input);
    }
    store(error + d, total);
  }
}

// update(first, last) for all M outputs, a lock's worth at a time.
template <typename Update>
void each_locked(int64_t M, std::mutex* locks, const Update& update) {
  if (locks == nullptr) return update(0, M);
  for (int64_t m = 0; m < M; m += kRowsOfLock) {
    const std::lock_guard<std::mutex> lock(locks[m / kRowsOfLock]);
    update(m, std::min(m + kRowsOfLock, M));
  }
}

// The update for one input that stands for all context rows. `error` has room for D floats. A few
// outputs at a time, then the contexts one by one: caches like few streams better than one pass
// over all rows side by side.
void update_combined(const Window& window, const float* input, int64_t D, const float* gradients,
                     const StepOptions& options, float* error) {
  constexpr decltype(&update_group<1>) kUpdateGroup[] = {update_group<1>, update_group<2>,
                                                         update_group<3>, update_group<4>};
  std::fill_n(error, D, 0.0f);
  each_locked(window.M, options.output_locks, [&](int64_t first, int64_t last) {
    for (int64_t m = first; m < last; m += 4) {
      const int64_t group = std::min<int64_t>(4, last - m);
      kUpdateGroup[group - 1](input, error, window.outputs.data() + m, D, gradients + m);
    }
  });
  const Floats scale = broadcast(error_share(options, window.C));
  for (int64_t c = 0; c < window.C; ++c) {
    float* const row = window.contexts[size_t(c)];
    for (int64_t d = 0; d < D; d += kLanes) store(row + d, load(row + d) + scale * load(error + d));
  }
}

using ScoreBlock = void (*)(const float* const*, int64_t, float* const*, int64_t, float*);
using UpdateBlock = void (*)(const float* const*, float* const*, int64_t, float* const*, int64_t,
                             const float*);

template <int... M>
constexpr auto score_blocks(std::integer_sequence<int, M...>) {
  return std::array<ScoreBlock, sizeof...(M)>{score_block<M + 1>...};
}
template <int... M>
constexpr auto update_blocks(std::integer_sequence<int, M...>) {
  return std::array<UpdateBlock, sizeof...(M)>{update_block<M + 1>...};
}
constexpr auto kScoreBlock = score_blocks(std::make_integer_sequence<int, kBlock>{});
constexpr auto kUpdateBlock = update_blocks(std::make_integer_sequence<int, kBlock>{});

// Turns the scores of N inputs into gradients; returns the loss.
double score_window(const float* const* inputs, int64_t N, const Window& window, int64_t D,
                    float learning_rate, const StepOptions& options, Scratch& scratch) {
  scratch.gradients.resize(size_t(N * window.M + kLanes));
  const Scores scores{scratch.gradients.data(), N, window.M};
  for (int64_t m = 0; m < window.M; m += kBlock) {
    const int64_t width = std::min<int64_t>(kBlock, window.M - m);
    kScoreBlock[size_t(width - 1)](inputs, N, window.outputs.data() + m, D, scores.data + N * m);
  }
  const float* const labels = window.labels.data();
  return options.activation == Activation::kSoftmax
             ? softmax_gradients(scores, labels, learning_rate)
             : sigmoid_gradients(scores, labels, learning_rate, options.with_loss);
}

double combined_step(const Window& window, int64_t D, float learning_rate,
                     const StepOptions& options, Scratch& scratch) {
  scratch.inputs.resize(size_t(2 * D));
  float* const input = scratch.inputs.data();
  combine_rows(window, D, options.combine == Combine::kMean ? 1 / float(window.C) : 1.0f, input);
  const double loss = score_window(&input, 1, window, D, learning_rate, options, scratch);
  update_combined(window, input, D, scratch.gradients.data(), options, input + D);
  return loss;
}

// The step of N context rows of a window, each an input of its own.
double separate_step(float* const* contexts, int64_t N, const Window& window, int64_t D,
                     float learning_rate, const StepOptions& options, Scratch& scratch) {
  std::vector<const float*>& inputs = scratch.old_inputs;
  inputs.assign(contexts, contexts + N);
  if (window.M > kBlock) {
    // The first block of outputs changes the rows; the others must still see the old ones.
    scratch.inputs.resize(size_t(N * D));
    for (int64_t n = 0; n < N; ++n) {
      float* const copy = scratch.inputs.data() + n * D;
      std::copy_n(contexts[n], D, copy);
      inputs[size_t(n)] = copy;
    }
  }
  const double loss = score_window(inputs.data(), N, window, D, learning_rate, options, scratch);
  each_locked(window.M, options.output_locks, [&](int64_t first, int64_t last) {
    for (int64_t m = first; m < last; m += kBlock) {
      const int64_t width = std::min<int64_t>(kBlock, last - m);
      kUpdateBlock[size_t(width - 1)](inputs.data(), contexts, N, window.outputs.data() + m, D,
                                      scratch.gradients.data() + N * m);
    }
  });
  return loss;
}

}  // namespace

double window_step(const Window& window, int64_t D, float learning_rate, const StepOptions& options,
                   Scratch& scratch) {
  double loss = 0;
  if (options.combine != Combine::kNone) {
    loss = combined_step(window, D, learning_rate, options, scratch);
  } else {
    for (int64_t c = 0; c < window.C; c += options.inputs_together) {
      const int64_t N = std::min(options.inputs_together, window.C - c);
      loss +=
          separate_step(window.contexts.data() + c, N, window, D, learning_rate, options, scratch);
    }
  }
  return options.with_loss ? loss : 0;
}

void merge_row(float* copy, float* base, float* shared, float share, int64_t D) {
  for (int64_t d = 0; d < D; d += kLanes) {
    const Floats merged = load(shared + d) + share * (load(copy + d) - load(base + d));
    store(shared + d, merged);
    store(copy + d, merged);
    store(base + d, merged);
  }
}

void prefetch_row(const float* row, int64_t D) {
  for (int64_t d = 0; d < D; d += 16) __builtin_prefetch(row + d, 1, 3);
}

}  // namespace lamina::word2vec
