// Losses that compare a prediction with a target element by element, and reduce the last axis to
// one number a row: the mean, for kl_divergence the sum. Definitions are Keras 3's.
//
// Dimensions: N rows, C columns, C > 0. target and prediction are N x C, loss and d_loss N, all
// without gaps. A loss is one row of the table in losses.cpp: its value and its two derivatives,
// each a lambda of whole vectors. In parallel over rows.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina {

struct RowLoss {
  const char* name;
  bool has_number;  // whether it uses `number`: a margin around zero, or the delta of huber

  template <typename T>
  using Value = void (*)(const T* target, const T* prediction, T number, T* loss, int64_t N,
                         int64_t C);
  // d = derivative d_loss, N x C, by the prediction or the target; d may be either of the two.
  template <typename T>
  using Gradient = void (*)(const T* target, const T* prediction, T number, const T* d_loss, T* d,
                            int64_t N, int64_t C);

  Value<float> value_float;
  Value<double> value_double;
  Gradient<float> by_prediction_float, by_target_float;
  Gradient<double> by_prediction_double, by_target_double;
};

const std::vector<RowLoss>& row_losses();

// share times the sum of n values, on the caller's thread. The sums keep their digits: no more
// than 64 values are added in single precision.
template <typename T>
T scaled_sum(const T* values, int64_t n, double share);

}  // namespace lamina
