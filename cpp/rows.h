// Loops over the vectors of a row, for kernels that reduce rows (softmax, losses).
#pragma once

#include "simd.h"

namespace lamina {

// f(load, store, j) once for each vector of a row of C elements: load(p) reads the vector at p + j,
// and store(p, v) writes it; lanes beyond the row read as zero and are not written.
template <typename T, typename F>
inline void for_row(int64_t C, F f) {
  constexpr int64_t lanes = kLanesOf<T>;
  int64_t j = 0;
  for (; j + lanes <= C; j += lanes) {
    f([j](const T* p) { return load(p + j); }, [j](T* p, Vector<T> v) { store(p + j, v); });
  }
  if (j == C) return;
  f([j, C](const T* p) { return load_first(p + j, C - j); },
    [j, C](T* p, Vector<T> v) { store_first(p + j, v, C - j); });
}

// The sum over a row of f(load), where f of lanes beyond the row need not be zero.
template <typename T, typename F>
inline T sum_row(int64_t C, F f) {
  constexpr int64_t lanes = kLanesOf<T>;
  Vector<T> total{};
  int64_t j = 0;
  for (; j + lanes <= C; j += lanes) total += f([j](const T* p) { return load(p + j); });
  T rest = 0;
  if (j < C) {
    T tail[lanes];
    store(tail, f([j, C](const T* p) { return load_first(p + j, C - j); }));
    for (int64_t lane = 0; lane < C - j; ++lane) rest += tail[lane];
  }
  return sum(total) + rest;
}

}  // namespace lamina
