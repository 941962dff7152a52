// A dense layer: y = activation(x kernel + bias).
//
// Dimensions: N rows, I inputs, O outputs. x is N x I, kernel I x O, bias O or null, y N x O, all
// without gaps; y overlaps none of them. In parallel over tiles of y; the bias and the activation
// are applied to a tile by the thread that has just computed it, to a single row or column by the
// caller's. The backward pass is activation_gradient (activation.h) and two products (gemm.h).
#pragma once

#include <cstdint>

#include "activation.h"

namespace lamina {

template <typename T>
void dense(const T* x, const T* kernel, const T* bias, T* y, int64_t N, int64_t I, int64_t O,
           Activation activation);

}  // namespace lamina
