// Categorical cross-entropy, fused with the softmax before it: loss = -sum(t log p) of each row.
//
// Dimensions: N rows, C classes, C > 0. Predictions are N x C: logits (p = softmax of the row), or
// probabilities as Keras takes them: divided by their sum, then clipped to [margin, 1 - margin].
// Targets are N x C weights t, or N class indices (t is one at the index), of which the caller has
// checked that each is in [0, C) or negative; a row of a negative index is left out: its loss and
// its gradient are zero. In parallel over rows; no output overlaps an input.
#pragma once

#include <cstdint>

namespace lamina {

// Exactly one of the two is not null.
template <typename T>
struct Targets {
  const T* weights;      // N x C
  const int64_t* index;  // N
};

// loss: N. scales: N x 2, what the gradient needs of each row besides the logits.
template <typename T>
void softmax_cross_entropy(const T* logits, Targets<T> targets, T* loss, T* scales, int64_t N,
                           int64_t C);

// d_logits = (softmax(logits) sum(t) - t) d_loss; d_loss: N.
template <typename T>
void softmax_cross_entropy_gradient(const T* logits, const T* scales, Targets<T> targets,
                                    const T* d_loss, T* d_logits, int64_t N, int64_t C);

template <typename T>
void cross_entropy(const T* probabilities, Targets<T> targets, T margin, T* loss, int64_t N,
                   int64_t C);

// What was clipped has no gradient.
template <typename T>
void cross_entropy_gradient(const T* probabilities, Targets<T> targets, T margin, const T* d_loss,
                            T* d_probabilities, int64_t N, int64_t C);

}  // namespace lamina
