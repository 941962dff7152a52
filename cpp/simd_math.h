// Functions of vectors beyond those of simd.h: what activations, losses and random numbers need.
// Floats have polynomials of their own; Doubles, which check gradients, go lane by lane. NaN
// stays NaN.
#pragma once

#include <limits>

#include "simd.h"

namespace lamina {

inline Floats absolute(Floats x) { return as_floats(as_ints(x) & 0x7fffffff); }
inline Doubles absolute(Doubles x) { return maximum(x, -x); }

// exp(x) over the whole line: 0 below -87, infinity above 88.7228.
inline Floats full_exp(Floats x) {
  const Floats inside = x < -87.0f ? Floats{} : exp(x);
  return x > 88.7228f ? broadcast(std::numeric_limits<float>::infinity()) : inside;
}
inline Doubles full_exp(Doubles x) { return exp(x); }

// exp(x) - 1 without loss of digits near zero.
inline Floats exp_minus_one(Floats x) {
  Floats p = x * (1.0f / 7) + 1.0f;
  p = p * x * (1.0f / 6) + 1.0f;
  p = p * x * (1.0f / 5) + 1.0f;
  p = p * x * (1.0f / 4) + 1.0f;
  p = p * x * (1.0f / 3) + 1.0f;
  p = p * x * 0.5f + 1.0f;
  return absolute(x) < 0.35f ? p * x : full_exp(x) - 1.0f;
}
inline Doubles exp_minus_one(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::expm1(v); });
}

// log(x) to 2 units in the last place; -infinity at zero, NaN below.
// x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); a polynomial gives log(1 + f).
inline Floats log(Floats x) {
  const auto tiny = x < 1.17549435e-38f;  // subnormal, or not positive
  const Ints bits = as_ints(tiny ? x * 8388608.0f : x);
  const Ints root = Ints{} + 0x3f3504f3;  // the bits of sqrt(1/2)
  const Ints shifted = wrapping_add(bits, -root);
  const Ints n = shifted >> 23;
  const Floats f = as_floats((shifted & 0x7fffff) + root) - 1.0f;
  Floats p = f * -8.10155834e-02f + 1.27123077e-01f;
  p = p * f - 1.29722390e-01f;
  p = p * f + 1.42021738e-01f;
  p = p * f - 1.66422476e-01f;
  p = p * f + 2.00014686e-01f;
  p = p * f - 2.50002965e-01f;
  p = p * f + 3.33333286e-01f;
  const Floats exponent = __builtin_convertvector(n, Floats) - (tiny ? broadcast(23.0f) : Floats{});
  const Floats square = f * f;
  const Floats low = exponent * -2.12194440e-4f + (p * f * square - 0.5f * square);
  const Floats result = exponent * 0.693359375f + (f + low);
  const float infinity = std::numeric_limits<float>::infinity();
  const Floats positive = x < infinity ? result : x;  // infinity and NaN are their own
  const Floats not_positive = x == 0.0f ? broadcast(-infinity) : Floats{} / Floats{};
  return x <= 0.0f ? not_positive : positive;
}
inline Doubles log(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::log(v); });
}

// log(1 + x) without loss of digits near zero (Kahan): the rounding of 1 + x is put right by the
// ratio of x to what was really added.
inline Floats log_one_plus(Floats x) {
  const Floats sum = 1.0f + x, added = sum - 1.0f;
  const Floats inside = log(sum) * (x / added);
  return added == 0.0f ? x : (absolute(x) < 3e38f ? inside : log(sum));
}
inline Doubles log_one_plus(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::log1p(v); });
}

// The error function to 2e-7: an odd polynomial up to 1, and 1 - exp(-x^2) P(1 / (1 + |x| / 2))
// beyond.
inline Floats erf(Floats x) {
  const Floats q = x * x;
  Floats near = q * 7.882497111e-05f - 8.018854993e-04f;
  near = near * q + 5.189311943e-03f;
  near = near * q - 2.685432880e-02f;
  near = near * q + 1.128359746e-01f;
  near = near * q - 3.761262690e-01f;
  near = near * q + 1.128379166e+00f;
  const Floats size = absolute(x), t = 1.0f / (1.0f + 0.5f * size);
  Floats p = t * -5.796336418e-02f - 4.376717861e-02f;
  p = p * t + 3.866577522e-01f;
  p = p * t + 1.127484534e-01f;
  p = p * t + 3.265717205e-01f;
  p = p * t + 2.744554661e-01f;
  p = p * t + 5.387505806e-04f;
  const Floats far = 1.0f - exp(-q) * p;
  return size < 1.0f ? near * x : (x < 0.0f ? -far : far);
}
inline Doubles erf(Doubles x) {
  return detail::each_lane(x, [](double v) { return std::erf(v); });
}

// The z with erf(z) = u, for u in (-1, 1), to 3e-7 (M. Giles, Approximating the erfinv function,
// 2010).
inline Floats inverse_erf(Floats u) {
  const Floats w = -log((1.0f - u) * (1.0f + u));
  const Floats a = w - 2.5f, b = sqrt(maximum(Floats{}, w)) - 3.0f;
  Floats p = a * 2.81022636e-08f + 3.43273939e-07f;
  p = p * a - 3.5233877e-06f;
  p = p * a - 4.39150654e-06f;
  p = p * a + 2.1858087e-04f;
  p = p * a - 1.25372503e-03f;
  p = p * a - 4.17768164e-03f;
  p = p * a + 2.46640727e-01f;
  p = p * a + 1.50140941f;
  Floats r = b * -2.00214257e-04f + 1.00950558e-04f;
  r = r * b + 1.34934322e-03f;
  r = r * b - 3.67342844e-03f;
  r = r * b + 5.73950773e-03f;
  r = r * b - 7.6224613e-03f;
  r = r * b + 9.43887047e-03f;
  r = r * b + 1.00167406f;
  r = r * b + 2.83297682f;
  return u * (w < 5.0f ? p : r);
}

}  // namespace lamina
