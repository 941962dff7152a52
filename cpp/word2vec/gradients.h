// From the scores of a window to the gradients by them. Dimensions: N inputs, M outputs.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd.h"

namespace lamina::word2vec {

// Outputs are taken in blocks whose old and new values fit in registers together.
constexpr int kBlock = kVectorRegisters == 32 ? 12 : 6;

// Scores stand block by block of outputs, in each block input by input, as score_block leaves them.
struct Scores {
  float* data;
  int64_t N, M;

  float& at(int64_t n, int64_t m) const {
    const int64_t block = m / kBlock * kBlock;
    return data[block * N + n * std::min<int64_t>(kBlock, M - block) + m - block];
  }
};

// Turns scores into learning_rate * (label - sigmoid(score)), or 0 where the pair is certain.
// Returns the sum of softplus(score) - label * score, if asked for. Writes up to kLanes - 1 floats
// beyond the scores.
double sigmoid_gradients(Scores scores, const float* labels, float learning_rate, bool with_loss);

// Turns scores into learning_rate * (label - softmax over the outputs).
// Returns the sum of -label * log softmax.
double softmax_gradients(Scores scores, const float* labels, float learning_rate);

}  // namespace lamina::word2vec
