// The only header that knows the width of a vector register.
//
// Floats is one register of kLanes floats: 16 with AVX-512, 8 with AVX2, 4 otherwise; Doubles is
// one of half as many doubles, and Vector<T> is whichever of the two holds T. They are the
// compilers' vector extension, so + - * / and comparisons are written as usual and a * b + c
// becomes one fused instruction where the machine has it.
//
// Everything that takes a vector is defined for a scalar as well, so that one generic lambda does
// both. Double precision is for checking gradients: its exp and the like go lane by lane.
#pragma once

#if defined(LAMINA_WITHOUT_SIMD)
#error "bindings are compiled once for all SIMD levels: what they include may not include simd.h"
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

namespace lamina {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

// 32 vector registers with AVX-512 and on ARM, 16 elsewhere.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kVectorRegisters = 32;
#else
inline constexpr int kVectorRegisters = 16;
#endif

typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4)));
typedef double Doubles __attribute__((vector_size(kLanes * 4)));

namespace detail {
template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = Floats;
};
template <>
struct VectorOf<double> {
  using type = Doubles;
};
}  // namespace detail

template <typename T>
using Vector = typename detail::VectorOf<T>::type;
template <typename T>
inline constexpr int kLanesOf = kLanes * 4 / int(sizeof(T));

template <typename T>
inline Vector<T> load(const T* p) {
  Vector<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Floats v) { std::memcpy(p, &v, sizeof v); }
inline void store(double* p, Doubles v) { std::memcpy(p, &v, sizeof v); }

namespace detail {
#if defined(__AVX2__) && !defined(__AVX512F__)
inline __m256i first_ints(int64_t count) {
  typedef int32_t Eight __attribute__((vector_size(32)));
  return (__m256i)(Eight{0, 1, 2, 3, 4, 5, 6, 7} < int32_t(count));
}
inline __m256i first_longs(int64_t count) {
  typedef int64_t Four __attribute__((vector_size(32)));
  return (__m256i)(Four{0, 1, 2, 3} < count);
}
#endif
}  // namespace detail

// The first `count` lanes alone, 0 <= count < kLanesOf<T>; the others are zero. By masks where the
// machine has them: a memcpy of unknown size is a call.
template <typename T>
inline Vector<T> load_first(const T* p, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return _mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), p);
  if constexpr (sizeof(T) == 8) return _mm512_maskz_loadu_pd(__mmask8((1u << count) - 1), p);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) return _mm256_maskload_ps(p, detail::first_ints(count));
  if constexpr (sizeof(T) == 8) return _mm256_maskload_pd(p, detail::first_longs(count));
#else
  Vector<T> v{};
  std::memcpy(&v, p, size_t(count) * sizeof(T));
  return v;
#endif
}
template <typename T>
inline void store_first(T* p, Vector<T> v, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), v);
  if constexpr (sizeof(T) == 8) _mm512_mask_storeu_pd(p, __mmask8((1u << count) - 1), v);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) _mm256_maskstore_ps(p, detail::first_ints(count), v);
  if constexpr (sizeof(T) == 8) _mm256_maskstore_pd(p, detail::first_longs(count), v);
#else
  std::memcpy(p, &v, size_t(count) * sizeof(T));
#endif
}

// The first `count` lanes, 0 < count <= kLanesOf<T>; the others are zero.
template <typename T>
inline Vector<T> load_some(const T* p, int64_t count) {
  return count >= kLanesOf<T> ? load(p) : load_first(p, count);
}
template <typename T>
inline void store_some(T* p, Vector<T> v, int64_t count) {
  count >= kLanesOf<T> ? store(p, v) : store_first(p, v, count);
}

// Past the caches to memory, for results that are longer than they are: a usual store reads first
// what it overwrites. `p` is aligned to a register. Other threads may read it after
// finish_streams().
template <typename T>
inline void stream(T* p, Vector<T> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_stream_ps(p, v);
  if constexpr (sizeof(T) == 8) _mm512_stream_pd(p, v);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) _mm256_stream_ps(p, v);
  if constexpr (sizeof(T) == 8) _mm256_stream_pd(p, v);
#elif defined(__SSE4_1__)
  if constexpr (sizeof(T) == 4) _mm_stream_ps(p, v);
  if constexpr (sizeof(T) == 8) _mm_stream_pd(p, v);
#else
  store(p, v);
#endif
}
inline void finish_streams() {
#if defined(__SSE4_1__)
  _mm_sfence();
#endif
}

// kLanes signed bytes as floats. In intrinsics where there are any: GCC converts vectors of bytes
// one by one. (The full mask costs nothing and keeps GCC 12 from warning about its own header.)
inline Floats load_bytes(const int8_t* p) {
#if defined(__AVX512F__)
  const __m512i wide = _mm512_maskz_cvtepi8_epi32(0xffff, _mm_loadu_si128((const __m128i*)p));
  return __builtin_convertvector((Ints)wide, Floats);
#elif defined(__AVX2__)
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)));
#elif defined(__SSE4_1__)
  int32_t four;
  std::memcpy(&four, p, sizeof four);
  return _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)));
#else
  typedef int8_t Bytes __attribute__((vector_size(kLanes)));
  Bytes v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, Floats);
#endif
}
inline Floats broadcast(float x) { return x - Floats{}; }
inline Doubles broadcast(double x) { return x - Doubles{}; }

// The second one if either is NaN. In intrinsics where there are any: where one is a constant, GCC
// compares and chooses.
inline Floats maximum(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, a, b);
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#elif defined(__SSE4_1__)
  return _mm_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
inline Floats minimum(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_maskz_min_ps(0xffff, a, b);
#elif defined(__AVX2__)
  return _mm256_min_ps(a, b);
#elif defined(__SSE4_1__)
  return _mm_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
inline Doubles maximum(Doubles a, Doubles b) { return a > b ? a : b; }
inline Doubles minimum(Doubles a, Doubles b) { return a < b ? a : b; }
inline double maximum(double a, double b) { return a > b ? a : b; }
inline double minimum(double a, double b) { return a < b ? a : b; }
inline float maximum(float a, float b) { return a > b ? a : b; }
inline float minimum(float a, float b) { return a < b ? a : b; }
inline Floats as_floats(Ints v) { return reinterpret_cast<Floats>(v); }
inline Ints as_ints(Floats v) { return reinterpret_cast<Ints>(v); }

// Sums of bits that may wrap around, as those of a NaN and of negative numbers do.
typedef uint32_t Bits __attribute__((vector_size(kLanes * 4)));
inline Ints wrapping_add(Ints a, Ints b) { return (Ints)((Bits)a + (Bits)b); }

// Correctly rounded. In intrinsics where there are any: GCC calls the library for every lane.
inline Floats sqrt(Floats x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#elif defined(__SSE4_1__)
  return _mm_sqrt_ps(x);
#else
  for (int i = 0; i < kLanes; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}
inline Doubles sqrt(Doubles x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_pd(0xff, x);
#elif defined(__AVX2__)
  return _mm256_sqrt_pd(x);
#elif defined(__SSE4_1__)
  return _mm_sqrt_pd(x);
#else
  for (int i = 0; i < kLanes / 2; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}
inline float sqrt(float x) { return std::sqrt(x); }
inline double sqrt(double x) { return std::sqrt(x); }

// While it lives, numbers too small to be normal (below 1e-38 for floats) count as zero on this
// thread. Moments that decay come there, and many processors take a hundred times as long for them.
class FlushTiny {
 public:
#if defined(__SSE4_1__)
  FlushTiny() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushTiny() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  FlushTiny() {}
#endif
  FlushTiny(const FlushTiny&) = delete;
  FlushTiny& operator=(const FlushTiny&) = delete;
};

namespace detail {

#if defined(__clang__)
template <typename Pick, size_t... lane>
Floats shuffle(Floats a, Floats b, Pick, std::index_sequence<lane...>) {
  return __builtin_shufflevector(a, b, Pick{}(int(lane))...);
}
#else
template <typename Pick, size_t... lane>
Floats shuffle(Floats a, Floats b, Pick, std::index_sequence<lane...>) {
  return __builtin_shuffle(a, b, Ints{Pick{}(int(lane))...});
}
#endif

// Lane i of the result is lane pick(i) of a followed by b.
template <typename Pick>
inline Floats shuffle(Floats a, Floats b, Pick pick) {
  return shuffle(a, b, pick, std::make_index_sequence<kLanes>{});
}

// The four pairings below are each one instruction, because they move within blocks of four lanes
// (the first two) or move whole blocks (the last).
inline Floats add_halves_of_blocks(Floats a, Floats b) {
  auto low = [](int i) { return (i & ~3) + (i & 3) / 2 + (i % 2) * kLanes; };
  auto high = [](int i) { return (i & ~3) + 2 + (i & 3) / 2 + (i % 2) * kLanes; };
  return shuffle(a, b, low) + shuffle(a, b, high);
}
inline Floats add_quarters_of_blocks(Floats a, Floats b) {
  auto low = [](int i) { return (i & ~3) + i % 2 + ((i & 2) ? kLanes : 0); };
  auto high = [](int i) { return (i & ~3) + 2 + i % 2 + ((i & 2) ? kLanes : 0); };
  return shuffle(a, b, low) + shuffle(a, b, high);
}
inline Floats add_blocks(Floats a, Floats b) {
  constexpr int half = kLanes / 2;
  auto even = [](int i) { return (i % half) / 4 * 8 + i % 4 + (i / half) * kLanes; };
  auto odd = [](int i) { return (i % half) / 4 * 8 + 4 + i % 4 + (i / half) * kLanes; };
  return shuffle(a, b, even) + shuffle(a, b, odd);
}

}  // namespace detail

// Lane i of the result is the sum of the lanes of v[i]: kLanes horizontal sums for the price of
// one, by a tree of shuffles.
inline Floats sum_each(const Floats (&v)[kLanes]) {
  Floats fours[kLanes / 4];
  for (int i = 0; i < kLanes / 4; ++i) {
    fours[i] =
        detail::add_quarters_of_blocks(detail::add_halves_of_blocks(v[4 * i], v[4 * i + 1]),
                                       detail::add_halves_of_blocks(v[4 * i + 2], v[4 * i + 3]));
  }
  if constexpr (kLanes == 4) {
    return fours[0];
  } else if constexpr (kLanes == 8) {
    return detail::add_blocks(fours[0], fours[1]);
  } else {
    return detail::add_blocks(detail::add_blocks(fours[0], fours[1]),
                              detail::add_blocks(fours[2], fours[3]));
  }
}

inline float sum(Floats v) {
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += v[i];
  return total;
}
inline double sum(Doubles v) {
  double total = 0;
  for (int i = 0; i < kLanes / 2; ++i) total += v[i];
  return total;
}

namespace detail {

// exp(x) = 2^n (1 + q): x = n ln 2 + r with |r| <= ln(2)/2, and a minimax polynomial of degree 6
// gives q = exp(r) - 1, to the last digits of q itself. `exponent` is n at its place in a float.
struct PartsOfExp {
  Floats q;
  Ints exponent;
};
inline PartsOfExp parts_of_exp(Floats x) {
  const Floats shifter = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Floats shifted = x * 1.44269504f + shifter;
  const Floats n = shifted - shifter;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = r * 1.38276224e-3f + 8.36894288e-3f;
  p = p * r + 4.16696370e-2f;
  p = p * r + 1.66664705e-1f;
  p = p * r + 4.99999893e-1f;
  p = p * r + 1.0f;
  return {p * r, as_ints(shifted) << 23};
}

}  // namespace detail

// exp(x) to 2 units in the last place for x in [-87, 88.72]; clamped outside. NaN stays NaN:
// maximum and minimum return their second argument if one of the two is NaN.
inline Floats exp(Floats x) {
  x = minimum(broadcast(88.7228f), maximum(broadcast(-87.0f), x));
  const auto [q, exponent] = detail::parts_of_exp(x);
  const Floats y = as_floats(wrapping_add(as_ints(1.0f + q), exponent));
  return x == x ? y : x;  // the bits of some NaNs would become a number
}

inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exp(-x)); }

// tanh(x) to a few units in the last place: m / (m + 2) with m = exp(2 x) - 1, which keeps its
// digits near zero. Beyond 10 it is 1.
inline Floats tanh(Floats x) {
  const Floats inside = minimum(broadcast(10.0f), maximum(broadcast(-10.0f), x));
  const auto [q, exponent] = detail::parts_of_exp(inside + inside);
  const Floats power = as_floats(wrapping_add(exponent, Ints{} + 0x3f800000));  // 2^n
  const Floats m = power * q + (power - 1.0f);
  return m / (m + 2.0f);
}

// log(1 + exp(x)) to a few units in the last place: max(x, 0) + log1p(exp(-|x|)).
// With y = exp(-|x|) in (0, 1], log1p(y) = 2 atanh(s), s = y / (2 + y) <= 1/3, by its series.
inline Floats softplus(Floats x) {
  const Floats y = exp(minimum(x, -x));
  const Floats s = y / (2.0f + y);
  const Floats q = s * s;
  Floats p = q * (1.0f / 15) + 1.0f / 13;
  p = p * q + 1.0f / 11;
  p = p * q + 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  p = p * q + 1.0f;
  return maximum(Floats{}, x) + 2.0f * s * p;
}

inline double exp(double x) { return std::exp(x); }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double tanh(double x) { return std::tanh(x); }
inline double softplus(double x) { return maximum(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

namespace detail {
template <typename F>
inline Doubles each_lane(Doubles x, F f) {
  for (int i = 0; i < kLanes / 2; ++i) x[i] = f(x[i]);
  return x;
}
}  // namespace detail

inline Doubles exp(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::exp(v); });
}
inline Doubles sigmoid(Doubles x) { return 1.0 / (1.0 + exp(-x)); }
inline Doubles tanh(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::tanh(v); });
}
inline Doubles softplus(Doubles x) {
  return detail::each_lane(x, [](double v) { return softplus(v); });
}

}  // namespace lamina
