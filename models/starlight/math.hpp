// exp and log2 that compilers vectorise and that give the same float on every back end: arithmetic
// and bit operations only. The double forms are the library's, used for fitting and finalists.
#pragma once

#include <cmath>
#include <cstdint>

#include "models/space/macros.hpp"

namespace polaris {

/// e^x for x <= 0 (kernels, sigmoids); relative error below 3e-7; e^-87, next to nothing, below
/// -87. One select, at the start: a branch around the rest would keep loops from being vectorised.
POLARIS_HD inline float exp_nonpositive(float x) {
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693145751953125f;  // 17 bits: n * kLn2High is exact for |n| < 128
  constexpr float kLn2Low = 1.42860682030941723e-6f;
  constexpr float kSmallest = -87.0f;  // e^-87.3 is the smallest normal float
  const float clamped = x > kSmallest ? x : kSmallest;
  const std::int32_t n = static_cast<std::int32_t>(clamped * kLog2E - 0.5f);
  const float scale = static_cast<float>(n);
  const float r = std::fma(-scale, kLn2Low, std::fma(-scale, kLn2High, clamped));
  // Taylor: |r| <= ln2 / 2, so the first term left out is below 6e-9.
  float p = 1.0f / 5040.0f;
  p = std::fma(p, r, 1.0f / 720.0f);
  p = std::fma(p, r, 1.0f / 120.0f);
  p = std::fma(p, r, 1.0f / 24.0f);
  p = std::fma(p, r, 1.0f / 6.0f);
  p = std::fma(p, r, 0.5f);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  const float power = __builtin_bit_cast(float, (n + 127) << 23);
  return p * power;
}

POLARIS_HD inline double exp_nonpositive(double x) { return std::exp(x); }

/// log2 of a positive normal x; absolute error below 2e-7 * max(1, |log2 x|); exact at powers of 2.
POLARIS_HD inline float log2_positive(float x) {
  constexpr float kTwoOverLn2 = 2.88539008177792681f;
  constexpr std::int32_t kSqrtHalf = 0x3f3504f3;  // bits of sqrt(1/2): mantissas in [0.707, 1.414)
  const std::int32_t bits = __builtin_bit_cast(std::int32_t, x);
  const std::int32_t exponent = (bits - kSqrtHalf) >> 23;
  const float mantissa = __builtin_bit_cast(float, bits - (exponent << 23));
  // ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| <= 0.172: five terms leave 4e-10.
  const float s = (mantissa - 1.0f) / (mantissa + 1.0f);
  const float s2 = s * s;
  float p = 1.0f / 9.0f;
  p = std::fma(p, s2, 1.0f / 7.0f);
  p = std::fma(p, s2, 1.0f / 5.0f);
  p = std::fma(p, s2, 1.0f / 3.0f);
  p = std::fma(p, s2, 1.0f);
  return std::fma(kTwoOverLn2 * s, p, static_cast<float>(exponent));
}

POLARIS_HD inline double log2_positive(double x) { return std::log2(x); }

/// x * sigmoid(c), without overflow on either side.
template <typename T>
POLARIS_HD inline T times_sigmoid(T x, T c) {
  const T e = exp_nonpositive(c < T(0) ? c : -c);
  return x * (c < T(0) ? e : T(1)) / (T(1) + e);
}

}  // namespace polaris
