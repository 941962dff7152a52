// The step of word2vec: one window, whatever the architecture and the objective.
//
// Dimensions: C context rows, N inputs, M outputs, D floats in a row (a multiple of 16, padded with
// zeros).
//
//   inputs = the context rows, N = C                   (Combine::kNone: skip-gram)
//          = their mean or sum, N = 1                  (kMean, kSum: CBOW)
//   score[n][m]    = inputs[n] . outputs[m]
//   gradient[n][m] = learning_rate * (label[m] - sigmoid(score[n][m]))                (kSigmoid),
//                    or 0 where |score[n][m]| >= 6
//                  = learning_rate * (label[m] - softmax over m of score[n][m])       (kSoftmax)
//   error[n]    = sum over m of gradient[n][m] * outputs[m]
//   outputs[m] += sum over n of gradient[n][m] * inputs[n]
//   context row += error of its input, or the share of it that error_share says
//
// Both sums read the values that inputs and outputs had before the step. Skip-gram may take its
// context rows a few at a time: each few are a step of their own. Negative sampling, hierarchical
// softmax and full softmax differ in outputs and labels alone.
//
// A row that stands twice in the context receives both updates; the outputs must be distinct. Rows
// are shared with other threads, which may write them at any moment (Hogwild): every read and write
// of a row stands in window.cpp and, without the lock that it does not take, is a benign race.
// Serial; allocates nothing once its Scratch has grown; checks nothing.
#pragma once

#include <stddef.h>

#include <cstdint>
#include <mutex>
#include <vector>

namespace lamina::word2vec {

enum class Combine { kNone, kMean, kSum };
enum class Activation { kSigmoid, kSoftmax };

struct StepOptions {
  Combine combine = Combine::kNone;
  Activation activation = Activation::kSigmoid;
  bool with_loss = false;
  int64_t inputs_together = INT64_MAX;  // kNone: so many context rows make a step
  // Outputs m of the window are changed under lock m / kRowsOfLock, if there are locks.
  std::mutex* output_locks = nullptr;
};

inline constexpr int64_t kRowsOfLock = 48;  // a multiple of what the kernel takes at a time

// With one input for C rows, each row takes this share of its error. The exact softmax follows its
// gradient; the sampled objectives follow word2vec.c and gensim, where a row takes the whole error
// of a mean and its share of a sum.
inline float error_share(const StepOptions& options, int64_t C) {
  const bool exact = options.activation == Activation::kSoftmax;
  return exact == (options.combine == Combine::kMean) ? 1 / float(C) : 1.0f;
}

// The rows of one window, in arrays with room for the largest.
struct Window {
  Window(int64_t most_contexts, int64_t most_outputs)
      : contexts(size_t(most_contexts)), outputs(size_t(most_outputs)), labels(outputs.size()) {}

  void clear() { C = M = 0; }
  void add_context(float* row) { contexts[size_t(C++)] = row; }
  void add_output(float* row, float label) {
    outputs[size_t(M)] = row;
    labels[size_t(M++)] = label;
  }

  std::vector<float*> contexts;
  std::vector<float*> outputs;
  std::vector<float> labels;  // each 0 or 1
  int64_t C = 0, M = 0;
};

// Buffers that a thread keeps from window to window.
struct Scratch {
  std::vector<float> gradients;          // N x M and a register's worth of slack
  std::vector<float> inputs;             // copies of the inputs, when they are needed
  std::vector<const float*> old_inputs;  // N
};

// Returns the loss of the window summed over its N pairs, or 0 unless `with_loss`:
//   -sum log sigmoid(+-score), or -log softmax at the output whose label is 1.
double window_step(const Window& window, int64_t D, float learning_rate, const StepOptions& options,
                   Scratch& scratch);

// Brings a thread's own copy of a row and the shared row together: the shared row takes `share` of
// what the copy has changed since `base`, and copy and base become the shared row.
void merge_row(float* copy, float* base, float* shared, float share, int64_t D);

// Asks the cache for a row that is about to be read and written.
void prefetch_row(const float* row, int64_t D);

}  // namespace lamina::word2vec
