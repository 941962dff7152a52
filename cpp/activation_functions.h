// The formulas of the fused activations, for one vector or one number: a kernel that holds its sums
// in registers ends with these.
#pragma once

#include "activation.h"
#include "simd.h"

namespace lamina {

// activation(z); NaN stays NaN.
template <typename V>
inline V activate(Activation activation, V z) {
  switch (activation) {
    case Activation::kLinear:
      return z;
    case Activation::kRelu:
      return maximum(V{}, z);
    case Activation::kSigmoid:
      return sigmoid(z);
    case Activation::kTanh:
      return tanh(z);
    case Activation::kHardSigmoid:
      return minimum(V{} + 1, maximum(V{}, (z + 3) / 6));
  }
  return z;
}

// dz = dy * activation'(z), from the output y = activation(z).
template <typename V>
inline V activation_gradient(Activation activation, V y, V dy) {
  switch (activation) {
    case Activation::kLinear:
      return dy;
    case Activation::kRelu:
      return y > 0 ? dy : V{};
    case Activation::kSigmoid:
      return dy * y * (1 - y);
    case Activation::kTanh:
      return dy * (1 - y * y);
    case Activation::kHardSigmoid:
      return (y > 0) & (y < 1) ? dy / 6 : V{};
  }
  return dy;
}

}  // namespace lamina
