// The step of word2vec: one window, whatever the architecture and the objective.
//
// Dimensions: N inputs, M outputs, D floats in a row (a multiple of 16, padded with zeros).
//
//   score[n][m]    = inputs[n] . outputs[m]
//   gradient[n][m] = learning_rate * (label[m] - sigmoid(score[n][m]))                (kSigmoid)
//                  = learning_rate * (label[m] - softmax over m of score[n][m])       (kSoftmax)
//   input_targets[n] += sum over m of gradient[n][m] * outputs[m]
//   outputs[m]       += sum over n of gradient[n][m] * inputs[n]
//
// Both sums read the values that inputs and outputs had before the step. In skip-gram the inputs
// are the rows of the context words and are their own targets; in CBOW there is one input, the
// mean of those rows, and its target is a buffer that is then added to each of them. Negative
// sampling, hierarchical softmax and full softmax differ in outputs and labels alone.
//
// A row that stands twice among the inputs receives both updates; the outputs must be distinct.
// Rows are shared with other threads, which may write them at any moment (Hogwild): every read and
// write of a row stands in this file and, without the lock that it does not take, is a benign race.
// Serial; allocates nothing once its Scratch has grown; checks nothing.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina::word2vec {

enum class Activation { kSigmoid, kSoftmax };

struct Window {
  std::vector<const float*> inputs;   // N
  std::vector<float*> input_targets;  // N
  std::vector<float*> outputs;        // M
  std::vector<float> labels;          // M, each 0 or 1

  void clear() {
    inputs.clear();
    input_targets.clear();
    outputs.clear();
    labels.clear();
  }
};

// Buffers that a thread keeps from window to window.
struct Scratch {
  std::vector<float> gradients;          // M x N and a register's worth of slack
  std::vector<float> inputs;             // N x D, copies of the inputs when M needs several blocks
  std::vector<const float*> old_inputs;  // N
};

// Returns the loss of the window summed over its N pairs, or 0 unless `with_loss`:
//   -sum log sigmoid(+-score), or -log softmax at the output whose label is 1.
double window_step(const Window& window, int64_t D, float learning_rate, Activation activation,
                   bool with_loss, Scratch& scratch);

// into = scale * the sum of `count` rows.
void sum_rows(const float* const* rows, int64_t count, int64_t D, float scale, float* into);

// rows[i] += scale * delta, for each of `count` rows.
void add_to_rows(const float* delta, int64_t count, int64_t D, float scale, float* const* rows);

// Brings a thread's own copy of a row and the shared row together: the shared row takes `share` of
// what the copy has changed since `base`, and copy and base become the shared row.
void merge_row(float* copy, float* base, float* shared, float share, int64_t D);

// Asks the cache for a row that is about to be read and written.
void prefetch_row(const float* row, int64_t D);

}  // namespace lamina::word2vec
