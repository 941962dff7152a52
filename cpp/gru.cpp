#include "gru.h"

#include <utility>

#include "activation_functions.h"
#include "panels.h"
#include "sequence_loops.h"

namespace lamina {
namespace {

// Where one register of units of one sequence lies at one step.
template <typename T>
struct Place {
  Place(const Walk& walk, int64_t step, int64_t b, int64_t unit_)
      : unit(unit_),
        width(std::min<int64_t>(kLanesOf<T>, walk.U - unit_)),
        masked(walk.is_masked(b, walk.place(step))),
        at((b * walk.T + walk.place(step)) * walk.U),
        output((b * walk.T + step) * walk.U + unit_) {}

  int64_t unit, width;
  bool masked;
  int64_t at, output;
  int64_t gates() const { return 3 * at + unit; }
  int64_t kept() const { return at + unit; }
};

template <typename T>
Vector<T> load_or_zero(const T* p, int64_t offset, int64_t width) {
  return p ? load_some(p + offset, width) : Vector<T>{};
}

// The end of a step for one register of units: the new state and what is kept of the step.
template <typename T>
void finish_step(const Walk& walk, const GruArrays<T>& arrays, const Place<T>& place, T* gates,
                 Vector<T> z, Vector<T> g, Vector<T> h_before, T* h_new) {
  Vector<T> h_after = z * h_before + (1 - z) * g;
  if (place.masked) h_after = h_before;
  if (arrays.h_before) {
    store_some(gates + 2 * walk.U, g, place.width);
    store_some(arrays.h_before + place.kept(), h_before, place.width);
  }
  store(h_new, h_after);
  if (arrays.outputs) {
    const Vector<T> output = place.masked && walk.zero_masked ? Vector<T>{} : h_after;
    store_some(arrays.outputs + place.output, output, place.width);
  }
}

// With reset_after: a whole step for the units of one panel, whose products with h are in `sums`.
template <typename T>
void step_reset_after(const Walk& walk, const GruArrays<T>& arrays, const BlockSums<T>& inputs,
                      int64_t step, int64_t unit, int64_t first, int64_t count, const T* sums,
                      const T* h_old, T* h_new) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  for (int64_t r = 0; r < count; ++r, sums += 3 * lanes) {
    const Place<T> place(walk, step, first + r, unit);
    T* gates = inputs.row(r, step) + unit;
    Vector<T> from_x[3], from_h[3];
    for (int g = 0; g < 3; ++g) {
      from_x[g] = load_some(gates + g * U, place.width) +
                  load_or_zero(arrays.bias, g * U + unit, place.width);
      from_h[g] =
          load(sums + g * lanes) + load_or_zero(arrays.recurrent_bias, g * U + unit, place.width);
    }
    const Vector<T> z = activate(walk.recurrent_activation, from_x[0] + from_h[0]);
    const Vector<T> reset = activate(walk.recurrent_activation, from_x[1] + from_h[1]);
    const Vector<T> g = activate(walk.activation, from_x[2] + reset * from_h[2]);
    if (arrays.h_before) {
      store_some(gates, z, place.width);
      store_some(gates + U, reset, place.width);
      store_some(arrays.inner + place.kept(), from_h[2], place.width);
    }
    finish_step(walk, arrays, place, gates, z, g, load(h_old + r * padded + unit),
                h_new + r * padded + unit);
  }
}

// Without: first z, which stays in the gates, and r h, for the units of one panel.
template <typename T>
void step_reset_before(const Walk& walk, const GruArrays<T>& arrays, const BlockSums<T>& inputs,
                       int64_t step, int64_t unit, int64_t first, int64_t count, const T* sums,
                       const T* h_old, T* reset_h) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  for (int64_t r = 0; r < count; ++r, sums += 2 * lanes) {
    const Place<T> place(walk, step, first + r, unit);
    T* gates = inputs.row(r, step) + unit;
    Vector<T> gate[2];
    for (int g = 0; g < 2; ++g) {
      const Vector<T> sum = load_some(gates + g * U, place.width) + load(sums + g * lanes) +
                            load_or_zero(arrays.bias, g * U + unit, place.width);
      gate[g] = activate(walk.recurrent_activation, sum);
      store_some(gates + g * U, gate[g], place.width);
    }
    const Vector<T> inner = gate[1] * load(h_old + r * padded + unit);
    store(reset_h + r * padded + unit, inner);
    if (arrays.inner) store_some(arrays.inner + place.kept(), inner, place.width);
  }
}

// Then, from the products of r h, the state.
template <typename T>
void step_candidate(const Walk& walk, const GruArrays<T>& arrays, const BlockSums<T>& inputs,
                    int64_t step, const Strip<T>& panel, int64_t first, int64_t count,
                    const T* sums, const T* h_old, T* h_new) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  for (int64_t r = 0; r < count; ++r) {
    for (int v = 0; v < panel.vectors; ++v, sums += lanes) {
      const int64_t unit = panel.first + v * lanes;
      const Place<T> place(walk, step, first + r, unit);
      T* gates = inputs.row(r, step) + unit;
      const Vector<T> sum = load_some(gates + 2 * U, place.width) + load(sums) +
                            load_or_zero(arrays.bias, 2 * U + unit, place.width);
      finish_step(walk, arrays, place, gates, load_some(gates, place.width),
                  activate(walk.activation, sum), load(h_old + r * padded + unit),
                  h_new + r * padded + unit);
    }
  }
}

// The gradient of one step for `count` sequences, as far as it needs no product: d_sums of z and g,
// with reset_after that of r and d_inner too. d_h, that of h after the step, becomes what reaches
// the h before it directly.
template <typename T>
void step_backward(const Walk& walk, const GruGradients<T>& arrays, int64_t step, int64_t first,
                   int64_t count, T* d_h) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const int64_t next = places_to_next_backward(walk, step);
  const Activation recurrent = walk.recurrent_activation;
  for (int64_t r = 0; r < count; ++r) {
    for (int64_t unit = 0; unit < U; unit += kLanesOf<T>) {
      const Place<T> place(walk, step, first + r, unit);
      const T* gates = arrays.gates + place.gates();
      T* d_sums = arrays.d_sums + place.gates();
      fetch_units(gates + next * 3 * U, U, 3);
      fetch_units(d_sums + next * 3 * U, U, 3);
      fetch_units(arrays.h_before + place.kept() + next * U, U, 1);
      fetch_units(arrays.inner + place.kept() + next * U, U, 1);
      T* d_h_at = d_h + r * padded + unit;
      Vector<T> dh = load(d_h_at);
      if (arrays.d_outputs && !(place.masked && walk.zero_masked)) {
        dh += load_some(arrays.d_outputs + place.output, place.width);
      }
      Vector<T> d_z{}, d_r{}, d_g{}, d_inner{};
      if (!place.masked) {
        const Vector<T> z = load_some(gates, place.width);
        const Vector<T> reset = load_some(gates + U, place.width);
        const Vector<T> g = load_some(gates + 2 * U, place.width);
        const Vector<T> h_before = load_some(arrays.h_before + place.kept(), place.width);
        d_z = activation_gradient(recurrent, z, dh * (h_before - g));
        d_g = activation_gradient(walk.activation, g, dh * (1 - z));
        const Vector<T> inner = load_some(arrays.inner + place.kept(), place.width);
        d_r = activation_gradient(recurrent, reset, d_g * inner);
        d_inner = d_g * reset;
        dh = dh * z;
      }
      store_some(d_sums, d_z, place.width);
      store_some(d_sums + U, d_r, place.width);
      store_some(d_sums + 2 * U, d_g, place.width);
      if (arrays.d_inner) store_some(arrays.d_inner + place.kept(), d_inner, place.width);
      store(d_h_at, dh);
    }
  }
}

// Without reset_after: from d_inner, the gradient of r h, those of r and h.
template <typename T>
void step_backward_reset(const Walk& walk, const GruGradients<T>& arrays, int64_t step,
                         int64_t first, int64_t count, const T* d_inner, T* d_h) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  for (int64_t r = 0; r < count; ++r) {
    for (int64_t unit = 0; unit < U; unit += kLanesOf<T>) {
      const Place<T> place(walk, step, first + r, unit);
      if (place.masked) continue;
      const Vector<T> reset = load_some(arrays.gates + place.gates() + U, place.width);
      const Vector<T> h_before = load_some(arrays.h_before + place.kept(), place.width);
      const Vector<T> d_reset_h = load(d_inner + r * padded + unit);
      store_some(arrays.d_sums + place.gates() + U,
                 activation_gradient(walk.recurrent_activation, reset, d_reset_h * h_before),
                 place.width);
      T* d_h_at = d_h + r * padded + unit;
      store(d_h_at, load(d_h_at) + d_reset_h * reset);
    }
  }
}

}  // namespace

template <typename T>
void gru(const Walk& walk, const GruArrays<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const T* R = arrays.recurrent_kernel;
  const bool after = arrays.reset_after;
  const Panels<T> panels(Stored::kPlain, R, 3 * U, U, U, after ? 3 : 2);
  const Panels<T> candidate(Stored::kPlain, R + 2 * U, 3 * U, U, after ? 0 : U, 1);
  const InputSums<T> input_sums(walk, arrays.inputs, 3 * U, arrays.gates);
  for_blocks(walk, 3 * U * U, [&](int64_t first, int64_t count) {
    const auto states = make_buffer<T>(size_t(3 * count * padded));
    const auto buffer = make_buffer<T>(size_t(count * kMostVectors * kLanesOf<T>));
    T *h = states.get(), *h_new = h + count * padded, *reset_h = h_new + count * padded;
    T* sums = buffer.get();
    read_states(walk, arrays.h0, first, count, h);
    BlockSums<T> inputs(input_sums, first, count);
    for (int64_t step = 0; step < walk.T; ++step) {
      inputs.prepare(step);
      for (int64_t p = 0; p < panels.count(); ++p) {
        const int64_t unit = panels[p].first;
        panels.multiply(panels[p], h, padded, count, sums);
        if (after) {
          step_reset_after(walk, arrays, inputs, step, unit, first, count, sums, h, h_new);
        } else {
          step_reset_before(walk, arrays, inputs, step, unit, first, count, sums, h, reset_h);
        }
      }
      for (int64_t p = 0; p < candidate.count(); ++p) {
        candidate.multiply(candidate[p], reset_h, padded, count, sums);
        step_candidate(walk, arrays, inputs, step, candidate[p], first, count, sums, h, h_new);
      }
      std::swap(h, h_new);
    }
    write_states(walk, h, first, count, arrays.h);
  });
}

template <typename T>
void gru_gradient(const Walk& walk, const GruGradients<T>& arrays) {
  const int64_t U = walk.U, padded = padded_units<T>(walk);
  const T* R = arrays.recurrent_kernel;
  const Panels<T> of_gates(Stored::kTransposed, R, 3 * U, 2 * U, U, 1);
  const Panels<T> of_candidate(Stored::kTransposed, R + 2 * U, 3 * U, U, U, 1);
  for_blocks(walk, 3 * U * U, [&](int64_t first, int64_t count) {
    const auto states = make_buffer<T>(size_t(2 * count * padded));
    T *d_h = states.get(), *d_reset_h = d_h + count * padded;
    read_states(walk, arrays.d_h, first, count, d_h);
    for (int64_t step = walk.T - 1; step >= 0; --step) {
      step_backward(walk, arrays, step, first, count, d_h);
      const int64_t at = (first * walk.T + walk.place(step)) * U;
      const T* d_sums = arrays.d_sums + 3 * at;
      if (arrays.reset_after) {
        of_candidate.add_product(arrays.d_inner + at, walk.T * U, count, d_h, padded);
      } else {
        std::fill(d_reset_h, d_reset_h + count * padded, T(0));
        of_candidate.add_product(d_sums + 2 * U, walk.T * 3 * U, count, d_reset_h, padded);
        step_backward_reset(walk, arrays, step, first, count, d_reset_h, d_h);
      }
      of_gates.add_product(d_sums, walk.T * 3 * U, count, d_h, padded);
    }
    write_states(walk, d_h, first, count, arrays.d_h0);
  });
}

template void gru(const Walk&, const GruArrays<float>&);
template void gru(const Walk&, const GruArrays<double>&);
template void gru_gradient(const Walk&, const GruGradients<float>&);
template void gru_gradient(const Walk&, const GruGradients<double>&);

}  // namespace lamina
