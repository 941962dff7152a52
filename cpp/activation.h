// The bias and the activation at the end of a dense or convolutional kernel. Only activations whose
// derivative follows from their own output are fused: the backward pass then needs no other array.
//
// Dimensions: N rows (samples, or places of images), C channels. Arrays are N x C without gaps.
#pragma once

#include <cstdint>

namespace lamina {

enum class Activation { kLinear, kRelu, kSigmoid, kTanh, kHardSigmoid };

// y = activation(y + bias) in place, on the caller's thread; bias has C elements or is null.
template <typename T>
void add_bias_and_activate(T* y, const T* bias, int64_t N, int64_t C, Activation activation);

// dz = dy * activation'(z), from the output y = activation(z), in parallel; dz may be dy, or null
// if only d_bias is wanted. If d_bias (C) is not null, it becomes the sum of dz's rows.
template <typename T>
void activation_gradient(const T* y, const T* dy, T* dz, T* d_bias, int64_t N, int64_t C,
                         Activation activation);

}  // namespace lamina
