// Functions of one array, element by element, and their gradients: activations, and the exp, log
// and erf of networks. Definitions and the slopes at kinks are Keras 3's.
//
// A function is one row of the table in elementwise.cpp: its value and its gradient, each a lambda
// of whole vectors. What a backward pass must keep is the input x or the output y; the row says
// which. All run in parallel where there are elements enough.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina {

// Up to three numbers that a function takes: a slope, a threshold.
template <typename T>
struct Parameters {
  T a = 0, b = 0, c = 0;
};

struct ElementwiseFunction {
  const char* name;
  int parameters;    // how many of the three it uses
  bool from_output;  // whether its gradient needs y; otherwise x

  // y = f(x) for n elements; y may be x.
  template <typename T>
  using Value = void (*)(const T* x, T* y, int64_t n, Parameters<T>);
  // dx = f' dy, where `kept` is x or y; dx may be kept or dy.
  template <typename T>
  using Gradient = void (*)(const T* kept, const T* dy, T* dx, int64_t n, Parameters<T>);

  Value<float> value_float;
  Value<double> value_double;
  Gradient<float> gradient_float;
  Gradient<double> gradient_double;
};

const std::vector<ElementwiseFunction>& elementwise_functions();

}  // namespace lamina
