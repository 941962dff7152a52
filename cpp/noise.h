// Random numbers for whole arrays: dropout, uniform and normal noise. Every element is a function
// of (seed, its index) alone, so the bits do not depend on the number of threads, and a backward
// pass draws its mask again instead of keeping it.
#pragma once

#include <cstdint>

namespace lamina {

// y = x / (1 - rate) where an element is kept, 0 elsewhere: each is dropped with probability
// `rate`, 0 <= rate < 1. Its own backward pass: the same seed for dy gives dx. y may be x.
template <typename T>
void dropout(const T* x, T* y, int64_t n, double rate, uint64_t seed);

// Uniform in [low, high).
template <typename T>
void fill_uniform(T* y, int64_t n, double low, double high, uint64_t seed);

// Normal, by the inverse of its distribution function.
template <typename T>
void fill_normal(T* y, int64_t n, double mean, double deviation, uint64_t seed);

}  // namespace lamina
