#include "lstm.h"

#include <utility>

#include "activation_functions.h"
#include "panels.h"
#include "sequence_loops.h"

namespace lamina {
namespace {

// One step of `count` sequences from `first` on, for the units of one panel, whose products with
// the states are in `sums`. States are scratch, as long as whole registers.
template <typename T>
void step_forward(const Walk& walk, const LstmArrays<T>& arrays, const BlockSums<T>& inputs,
                  int64_t step, int64_t unit, int64_t first, int64_t count, const T* sums,
                  const T* h_old, T* h_new, T* c) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk), place = walk.place(step);
  const int64_t width = std::min<int64_t>(lanes, U - unit);
  Vector<T> bias[4] = {};
  for (int g = 0; arrays.bias && g < 4; ++g) bias[g] = load_some(arrays.bias + g * U + unit, width);
  for (int64_t r = 0; r < count; ++r, sums += 4 * lanes) {
    const int64_t b = first + r, at = b * walk.T + place;
    T* gates = inputs.row(r, step) + unit;
    Vector<T> z[4];
    for (int g = 0; g < 4; ++g) {
      z[g] = load_some(gates + g * U, width) + load(sums + g * lanes) + bias[g];
    }
    const Vector<T> h_before = load(h_old + r * padded + unit);
    const Vector<T> c_before = load(c + r * padded + unit);
    const Vector<T> i = activate(walk.recurrent_activation, z[0]);
    const Vector<T> f = activate(walk.recurrent_activation, z[1]);
    const Vector<T> g = activate(walk.activation, z[2]);
    const Vector<T> o = activate(walk.recurrent_activation, z[3]);
    Vector<T> c_after = f * c_before + i * g;
    Vector<T> h_after = o * activate(walk.activation, c_after);
    Vector<T> output = h_after;
    if (walk.is_masked(b, place)) {
      c_after = c_before;
      h_after = h_before;
      output = walk.zero_masked ? Vector<T>{} : h_before;
    }
    if (arrays.h_before) {
      store_some(gates, i, width);
      store_some(gates + U, f, width);
      store_some(gates + 2 * U, g, width);
      store_some(gates + 3 * U, o, width);
      store_some(arrays.h_before + at * U + unit, h_before, width);
      store_some(arrays.c_before + at * U + unit, c_before, width);
    }
    store(h_new + r * padded + unit, h_after);
    store(c + r * padded + unit, c_after);
    if (arrays.outputs) {
      store_some(arrays.outputs + (b * walk.T + step) * U + unit, output, width);
    }
  }
}

// The gradient of one step's gates for `count` sequences: d_sums is written, and d_c becomes that
// of c before the step. d_h, that of h after it, becomes what reaches the h before it without going
// through the gates.
template <typename T>
void step_backward(const Walk& walk, const LstmGradients<T>& arrays, int64_t step, int64_t first,
                   int64_t count, T* d_h, T* d_c) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk), place = walk.place(step);
  const int64_t next = places_to_next_backward(walk, step);
  const Activation recurrent = walk.recurrent_activation;
  for (int64_t r = 0; r < count; ++r) {
    const int64_t b = first + r, at = b * walk.T + place;
    const bool masked = walk.is_masked(b, place);
    for (int64_t unit = 0; unit < U; unit += lanes) {
      const int64_t width = std::min<int64_t>(lanes, U - unit);
      const T* gates = arrays.gates + at * 4 * U + unit;
      T* d_sums = arrays.d_sums + at * 4 * U + unit;
      fetch_units(gates + next * 4 * U, U, 4);
      fetch_units(d_sums + next * 4 * U, U, 4);
      fetch_units(arrays.c_before + (at + next) * U + unit, U, 1);
      T *d_h_at = d_h + r * padded + unit, *d_c_at = d_c + r * padded + unit;
      Vector<T> dh = load(d_h_at);
      if (arrays.d_outputs && !(masked && walk.zero_masked)) {
        dh += load_some(arrays.d_outputs + (b * walk.T + step) * U + unit, width);
      }
      if (masked) {
        for (int g = 0; g < 4; ++g) store_some(d_sums + g * U, Vector<T>{}, width);
        store(d_h_at, dh);
        continue;
      }
      const Vector<T> i = load_some(gates, width), f = load_some(gates + U, width);
      const Vector<T> g = load_some(gates + 2 * U, width), o = load_some(gates + 3 * U, width);
      const Vector<T> c_before = load_some(arrays.c_before + at * U + unit, width);
      const Vector<T> a = activate(walk.activation, f * c_before + i * g);
      const Vector<T> dc = load(d_c_at) + activation_gradient(walk.activation, a, dh * o);
      store_some(d_sums, activation_gradient(recurrent, i, dc * g), width);
      store_some(d_sums + U, activation_gradient(recurrent, f, dc * c_before), width);
      store_some(d_sums + 2 * U, activation_gradient(walk.activation, g, dc * i), width);
      store_some(d_sums + 3 * U, activation_gradient(recurrent, o, dh * a), width);
      store(d_h_at, Vector<T>{});
      store(d_c_at, dc * f);
    }
  }
}

}  // namespace

template <typename T>
void lstm(const Walk& walk, const LstmArrays<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const Panels<T> panels(Stored::kPlain, arrays.recurrent_kernel, 4 * U, U, U, 4);
  const InputSums<T> input_sums(walk, arrays.inputs, 4 * U, arrays.gates);
  for_blocks(walk, 4 * U * U, [&](int64_t first, int64_t count) {
    const auto states = make_buffer<T>(size_t(3 * count * padded));
    const auto sums = make_buffer<T>(size_t(count * 4 * kLanesOf<T>));
    T *h = states.get(), *h_new = h + count * padded, *c = h_new + count * padded;
    read_states(walk, arrays.h0, first, count, h);
    read_states(walk, arrays.c0, first, count, c);
    BlockSums<T> inputs(input_sums, first, count);
    for (int64_t step = 0; step < walk.T; ++step) {
      inputs.prepare(step);
      for (int64_t p = 0; p < panels.count(); ++p) {
        panels.multiply(panels[p], h, padded, count, sums.get());
        step_forward(walk, arrays, inputs, step, panels[p].first, first, count, sums.get(), h,
                     h_new, c);
      }
      std::swap(h, h_new);
    }
    write_states(walk, h, first, count, arrays.h);
    write_states(walk, c, first, count, arrays.c);
  });
}

template <typename T>
void lstm_gradient(const Walk& walk, const LstmGradients<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const Panels<T> panels(Stored::kTransposed, arrays.recurrent_kernel, 4 * U, 4 * U, U, 1);
  for_blocks(walk, 4 * U * U, [&](int64_t first, int64_t count) {
    const auto states = make_buffer<T>(size_t(2 * count * padded));
    T *d_h = states.get(), *d_c = d_h + count * padded;
    read_states(walk, arrays.d_h, first, count, d_h);
    read_states(walk, arrays.d_c, first, count, d_c);
    for (int64_t step = walk.T - 1; step >= 0; --step) {
      step_backward(walk, arrays, step, first, count, d_h, d_c);
      const T* d_sums = arrays.d_sums + (first * walk.T + walk.place(step)) * 4 * U;
      panels.add_product(d_sums, walk.T * 4 * U, count, d_h, padded);
    }
    write_states(walk, d_h, first, count, arrays.d_h0);
    write_states(walk, d_c, first, count, arrays.d_c0);
  });
}

template void lstm(const Walk&, const LstmArrays<float>&);
template void lstm(const Walk&, const LstmArrays<double>&);
template void lstm_gradient(const Walk&, const LstmGradients<float>&);
template void lstm_gradient(const Walk&, const LstmGradients<double>&);

}  // namespace lamina
