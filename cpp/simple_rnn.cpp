#include "simple_rnn.h"

#include <utility>

#include "activation_functions.h"
#include "panels.h"
#include "sequence_loops.h"

namespace lamina {
namespace {

// One step of `count` sequences from `first` on, for the units of one panel, whose products with
// the states are in `products`. States are scratch, as long as whole registers.
template <typename T>
void step_forward(const Walk& walk, const SimpleRnnArrays<T>& arrays, const BlockSums<T>& inputs,
                  int64_t step, const Strip<T>& panel, int64_t first, int64_t count,
                  const T* products, const T* h_old, T* h_new) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk), place = walk.place(step);
  for (int64_t r = 0; r < count; ++r) {
    const int64_t b = first + r, at = b * walk.T + place;
    const bool masked = walk.is_masked(b, place);
    for (int v = 0; v < panel.vectors; ++v, products += lanes) {
      const int64_t unit = panel.first + v * lanes, width = std::min<int64_t>(lanes, U - unit);
      T* sums = inputs.row(r, step) + unit;
      Vector<T> z = load_some(sums, width) + load(products);
      if (arrays.bias) z += load_some(arrays.bias + unit, width);
      const Vector<T> h_before = load(h_old + r * padded + unit);
      const Vector<T> y = activate(walk.activation, z);
      const Vector<T> h_after = masked ? h_before : y;
      if (arrays.h_before) {
        store_some(sums, y, width);
        store_some(arrays.h_before + at * U + unit, h_before, width);
      }
      store(h_new + r * padded + unit, h_after);
      if (arrays.outputs) {
        const Vector<T> output = masked && walk.zero_masked ? Vector<T>{} : h_after;
        store_some(arrays.outputs + (b * walk.T + step) * U + unit, output, width);
      }
    }
  }
}

// The gradient of one step's sums for `count` sequences. d_h, that of h after the step, becomes
// what reaches the h before it without going through the recurrent weights.
template <typename T>
void step_backward(const Walk& walk, const SimpleRnnGradients<T>& arrays, int64_t step,
                   int64_t first, int64_t count, T* d_h) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk), place = walk.place(step);
  for (int64_t r = 0; r < count; ++r) {
    const int64_t b = first + r, at = b * walk.T + place;
    const bool masked = walk.is_masked(b, place);
    for (int64_t unit = 0; unit < U; unit += lanes) {
      const int64_t width = std::min<int64_t>(lanes, U - unit);
      T *d_sums = arrays.d_sums + at * U + unit, *d_h_at = d_h + r * padded + unit;
      Vector<T> dh = load(d_h_at);
      if (arrays.d_outputs && !(masked && walk.zero_masked)) {
        dh += load_some(arrays.d_outputs + (b * walk.T + step) * U + unit, width);
      }
      const Vector<T> y = load_some(arrays.activated + at * U + unit, width);
      const Vector<T> dz = activation_gradient(walk.activation, y, dh);
      store_some(d_sums, masked ? Vector<T>{} : dz, width);
      store(d_h_at, masked ? dh : Vector<T>{});
    }
  }
}

}  // namespace

template <typename T>
void simple_rnn(const Walk& walk, const SimpleRnnArrays<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const Panels<T> panels(Stored::kPlain, arrays.recurrent_kernel, U, U, U, 1);
  const InputSums<T> input_sums(walk, arrays.inputs, U, arrays.sums);
  for_blocks(walk, U * U, [&](int64_t first, int64_t count) {
    const auto states = make_buffer<T>(size_t(2 * count * padded));
    const auto products = make_buffer<T>(size_t(count * kMostVectors * kLanesOf<T>));
    T *h = states.get(), *h_new = h + count * padded;
    read_states(walk, arrays.h0, first, count, h);
    BlockSums<T> inputs(input_sums, first, count);
    for (int64_t step = 0; step < walk.T; ++step) {
      inputs.prepare(step);
      for (int64_t p = 0; p < panels.count(); ++p) {
        panels.multiply(panels[p], h, padded, count, products.get());
        step_forward(walk, arrays, inputs, step, panels[p], first, count, products.get(), h, h_new);
      }
      std::swap(h, h_new);
    }
    write_states(walk, h, first, count, arrays.h);
  });
}

template <typename T>
void simple_rnn_gradient(const Walk& walk, const SimpleRnnGradients<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const Panels<T> panels(Stored::kTransposed, arrays.recurrent_kernel, U, U, U, 1);
  for_blocks(walk, U * U, [&](int64_t first, int64_t count) {
    const auto d_h = make_buffer<T>(size_t(count * padded));
    read_states(walk, arrays.d_h, first, count, d_h.get());
    for (int64_t step = walk.T - 1; step >= 0; --step) {
      step_backward(walk, arrays, step, first, count, d_h.get());
      const T* d_sums = arrays.d_sums + (first * walk.T + walk.place(step)) * U;
      panels.add_product(d_sums, walk.T * U, count, d_h.get(), padded);
    }
    write_states(walk, d_h.get(), first, count, arrays.d_h0);
  });
}

template void simple_rnn(const Walk&, const SimpleRnnArrays<float>&);
template void simple_rnn(const Walk&, const SimpleRnnArrays<double>&);
template void simple_rnn_gradient(const Walk&, const SimpleRnnGradients<float>&);
template void simple_rnn_gradient(const Walk&, const SimpleRnnGradients<double>&);

}  // namespace lamina
