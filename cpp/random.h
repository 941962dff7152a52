// Random numbers that cost a few cycles and need no shared state.
//
// Everything random in training is a function of (seed, epoch, place in the corpus), so that the
// result does not depend on which thread does what, nor on where a run was stopped and resumed.
#pragma once

#include <cstdint>

namespace lamina {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes all 64 bits.
inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// 32 random bits for each index in [0, count), from a key: a keyed mixer of 32 bits (in the manner
// of C. Wellons' lowbias32), of multiplications and shifts that a compiler does in vectors.
inline void fill_with_bits(uint64_t key, uint32_t* bits, int64_t count) {
  const uint32_t first = uint32_t(key), second = uint32_t(key >> 32);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t x = (uint32_t(i) * 0x9e3779b9u) ^ first;
    x = (x ^ (x >> 16)) * 0x21f0aaadu;
    x = (x ^ (x >> 15)) * 0x735a2d97u;
    x = (x ^ (x >> 15)) + second;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    bits[i] = x ^ (x >> 16);
  }
}

// xoroshiro128++ (Blackman, Vigna 2019).
class Random {
 public:
  explicit Random(uint64_t seed) : a_(mix(seed)), b_(mix(a_)) {}

  uint64_t next() {
    const uint64_t result = rotate(a_ + b_, 17) + a_;
    b_ ^= a_;
    a_ = rotate(a_, 49) ^ b_ ^ (b_ << 21);
    b_ = rotate(b_, 28);
    return result;
  }

  // Uniform in [0, n), by Lemire's multiplication.
  uint32_t below(uint32_t n) { return uint32_t((uint64_t(uint32_t(next() >> 32)) * n) >> 32); }

 private:
  static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t a_, b_;
};

}  // namespace lamina
