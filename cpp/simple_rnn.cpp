#include "simple_rnn.h"

#include <utility>

#include "activation_functions.h"
#include "lanes.h"
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
  const int64_t end = std::min<int64_t>(U, panel.first + panel.vectors * lanes);
  for (int64_t r = 0; r < count; ++r, products += panel.vectors * lanes) {
    const int64_t b = first + r, at = b * walk.T + place;
    const bool masked = walk.is_masked(b, place);
    T *sums = inputs.row(r, step), *h_after_at = h_new + r * padded;
    const T* h_before_at = h_old + r * padded;
    T* kept = arrays.h_before ? arrays.h_before + at * U : nullptr;
    T* outputs = arrays.outputs ? arrays.outputs + (b * walk.T + step) * U : nullptr;
    for_channels<T>(panel.first, end, [&](auto lanes_of, int64_t unit) {
      Vector<T> z = lanes_of.load(sums + unit) + load(products + (unit - panel.first));
      if (arrays.bias) z += lanes_of.load(arrays.bias + unit);
      const Vector<T> h_before = load(h_before_at + unit);
      const Vector<T> y = activate(walk.activation, z);
      const Vector<T> h_after = masked ? h_before : y;
      if (kept) {
        lanes_of.store(sums + unit, y);
        lanes_of.store(kept + unit, h_before);
      }
      store(h_after_at + unit, h_after);
      if (outputs) {
        lanes_of.store(outputs + unit, masked && walk.zero_masked ? Vector<T>{} : h_after);
      }
    });
  }
}

// The gradient of one step's sums for `count` sequences. d_h, that of h after the step, becomes
// what reaches the h before it without going through the recurrent weights.
template <typename T>
void step_backward(const Walk& walk, const SimpleRnnGradients<T>& arrays, int64_t step,
                   int64_t first, int64_t count, T* d_h) {
  const int64_t U = walk.U, padded = padded_units<T>(walk), place = walk.place(step);
  for (int64_t r = 0; r < count; ++r) {
    const int64_t b = first + r, at = b * walk.T + place;
    const bool masked = walk.is_masked(b, place);
    T *d_sums = arrays.d_sums + at * U, *d_h_at = d_h + r * padded;
    const bool has_output = arrays.d_outputs && !(masked && walk.zero_masked);
    const T* d_outputs = has_output ? arrays.d_outputs + (b * walk.T + step) * U : nullptr;
    const T* activated = arrays.activated + at * U;
    for_channels<T>(0, U, [&](auto lanes, int64_t unit) {
      Vector<T> dh = load(d_h_at + unit);
      if (d_outputs) dh += lanes.load(d_outputs + unit);
      const Vector<T> dz = activation_gradient(walk.activation, lanes.load(activated + unit), dh);
      lanes.store(d_sums + unit, masked ? Vector<T>{} : dz);
      store(d_h_at + unit, masked ? dh : Vector<T>{});
    });
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
