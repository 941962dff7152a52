#include "word2vec/gradients.h"

#include <cmath>

namespace lamina::word2vec {
namespace {

// Pairs that are already this certain, rightly or wrongly, are left alone, as in gensim. Without
// the limit CBOW answered 0.3122 of the analogies instead of 0.3137 (means of five seeds by
// bench/word2vec_quality.py).
constexpr float kLargestScore = 6;

}  // namespace

double sigmoid_gradients(Scores scores, const float* labels, float learning_rate, bool with_loss) {
  const int64_t N = scores.N, M = scores.M;
  double loss = 0;
  for (int64_t m = 0; with_loss && m < M; ++m) {
    for (int64_t n = 0; n < N; ++n) loss -= double(labels[m] * scores.at(n, m));
  }
  for (int64_t i = 0; i < N * M; i += kLanes) {
    const Floats score = load(scores.data + i);
    if (with_loss) {
      const Floats terms = softplus(score);
      const int64_t lanes = std::min<int64_t>(kLanes, N * M - i);
      for (int64_t lane = 0; lane < lanes; ++lane) loss += double(terms[lane]);
    }
    const Floats gradient = -learning_rate * sigmoid(score);
    store(scores.data + i, maximum(score, -score) < kLargestScore ? gradient : Floats{});
  }
  for (int64_t m = 0; m < M; ++m) {
    if (labels[m] == 0) continue;
    for (int64_t n = 0; n < N; ++n) {
      float& gradient = scores.at(n, m);
      if (gradient != 0) gradient += learning_rate;  // 0 stays 0; a sigmoid is never 0
    }
  }
  return loss;
}

double softmax_gradients(Scores scores, const float* labels, float learning_rate) {
  const int64_t M = scores.M;
  double loss = 0;
  for (int64_t n = 0; n < scores.N; ++n) {
    float largest = scores.at(n, 0);
    for (int64_t m = 1; m < M; ++m) largest = std::max(largest, scores.at(n, m));
    double total = 0;
    for (int64_t m = 0; m < M; ++m) total += std::exp(double(scores.at(n, m) - largest));
    const float log_normalizer = largest + float(std::log(total));
    for (int64_t m = 0; m < M; ++m) {
      float& score = scores.at(n, m);
      const float log_probability = score - log_normalizer;
      loss -= double(labels[m] * log_probability);
      score = learning_rate * (labels[m] - std::exp(log_probability));
    }
  }
  return loss;
}

}  // namespace lamina::word2vec
