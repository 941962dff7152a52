#include "noise.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "random.h"
#include "simd_math.h"

namespace lamina {
namespace {

constexpr int64_t kBlock = 4096;  // elements that share a key
constexpr int64_t kGrain = 2;     // blocks that are worth a thread

// f(first element, count, bits) for blocks of an array, with 32 random bits for each element.
template <typename F>
void for_blocks(int64_t n, uint64_t seed, F f) {
  const uint64_t key = mix(seed);
  parallel_for((n + kBlock - 1) / kBlock, kGrain, [&](int64_t first, int64_t last) {
    alignas(64) uint32_t bits[kBlock];
    for (int64_t block = first; block < last; ++block) {
      const int64_t count = std::min(kBlock, n - block * kBlock);
      fill_with_bits(mix(key ^ uint64_t(block)), bits, (count + kLanes - 1) / kLanes * kLanes);
      f(block * kBlock, count, bits);
    }
  });
}

}  // namespace

template <typename T>
void dropout(const T* x, T* y, int64_t n, double rate, uint64_t seed) {
  // An element is dropped if its 31 bits are below the threshold; at most all but one are.
  const int32_t threshold = int32_t(std::min(rate * 2147483648.0, 2147483647.0));
  const T scale = T(1 / (1 - rate));
  for_blocks(n, seed, [&](int64_t begin, int64_t count, const uint32_t* bits) {
    const T* from = x + begin;
    T* to = y + begin;
    for (int64_t i = 0; i < count; ++i) {
      const T kept = from[i] * scale;
      to[i] = int32_t(bits[i] >> 1) < threshold ? T(0) : kept;
    }
  });
}

template <typename T>
void fill_uniform(T* y, int64_t n, double low, double high, uint64_t seed) {
  // 24 bits are what a float holds; rounding may then reach `high`, which is left out.
  const T step = T((high - low) / 16777216.0), first = T(low);
  const T largest = std::max(first, std::nextafter(T(high), first));
  for_blocks(n, seed, [&](int64_t begin, int64_t count, const uint32_t* bits) {
    for (int64_t i = 0; i < count; ++i) {
      y[begin + i] = std::min(largest, first + step * T(int32_t(bits[i] >> 8)));
    }
  });
}

template <typename T>
void fill_normal(T* y, int64_t n, double mean, double deviation, uint64_t seed) {
  const T centre = T(mean), scale = T(deviation * 1.4142135623730951);
  for_blocks(n, seed, [&](int64_t begin, int64_t count, const uint32_t* bits) {
    for (int64_t i = 0; i < count; i += kLanes) {
      // Signed bits at the middle of their step, in (-1, 1); both ends are exact in a float.
      float u[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        u[lane] = (float(int32_t(bits[i + lane]) >> 8) + 0.5f) * (1.0f / 8388608);
      }
      store(u, inverse_erf(load(u)));
      const int64_t lanes = std::min<int64_t>(kLanes, count - i);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        y[begin + i + lane] = centre + scale * T(u[lane]);
      }
    }
  });
}

template void dropout(const float*, float*, int64_t, double, uint64_t);
template void dropout(const double*, double*, int64_t, double, uint64_t);
template void fill_uniform(float*, int64_t, double, double, uint64_t);
template void fill_uniform(double*, int64_t, double, double, uint64_t);
template void fill_normal(float*, int64_t, double, double, uint64_t);
template void fill_normal(double*, int64_t, double, double, uint64_t);

}  // namespace lamina
