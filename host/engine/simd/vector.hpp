// Vectors of floats as the instruction sets have them, and functions on them. For the sources that
// are compiled for one instruction set, no others: nothing of the standard library is used here, or
// the linker might keep its wide copy for the whole program.
#pragma once

#include <immintrin.h>

#include "host/engine/simd/stages.hpp"

namespace polaris::simd {

#if defined(__AVX2__) && defined(__FMA__)
/// AVX2
struct Float8 {
  static constexpr int kLanes = 8;
  /// Rows of a product whose sums stay in registers: 6 x 2 sums, 2 columns and a factor of 16.
  static constexpr int kRows = 6;
  __m256 v;

  static Float8 load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Float8 all(float x) { return {_mm256_set1_ps(x)}; }
  void store(float* to) const { _mm256_storeu_ps(to, v); }

  /// Which lanes of a strip to pick.
  struct Lanes {
    __m256i index, second;  // the latter: all bits set where it is in the second half
  };
  static Lanes lanes(const int* of) {
    const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(of));
    return {index, _mm256_cmpgt_epi32(index, _mm256_set1_epi32(kLanes - 1))};
  }
  static Float8 pick(const float* strip, Lanes l) {
    return {_mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(strip), l.index),
                             _mm256_permutevar8x32_ps(_mm256_loadu_ps(strip + kLanes), l.index),
                             _mm256_castsi256_ps(l.second))};
  }
};
inline Float8 operator+(Float8 a, Float8 b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Float8 operator-(Float8 a, Float8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Float8 operator*(Float8 a, Float8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Float8 operator/(Float8 a, Float8 b) { return {_mm256_div_ps(a.v, b.v)}; }
/// a b + c, rounded once
inline Float8 multiply_add(Float8 a, Float8 b, Float8 c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
/// `b` where one of them is NaN
inline Float8 larger_of(Float8 a, Float8 b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Float8 smaller_of(Float8 a, Float8 b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Float8 square_root(Float8 a) { return {_mm256_sqrt_ps(a.v)}; }
/// a < 0 ? b : c
inline Float8 if_negative(Float8 a, Float8 b, Float8 c) {
  return {_mm256_blendv_ps(c.v, b.v, _mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_LT_OQ))};
}
/// The float whose exponent bits are the lowest eight bits of `m`.
inline Float8 low_bits_to_exponent(Float8 m) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(m.v), 23))};
}
inline Float8 absolute(Float8 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
/// x = mantissa 2^exponent, the mantissa's bits from those of `least` on.
inline Float8 split(Float8 x, int least, Float8& exponent) {
  const __m256i bits = _mm256_castps_si256(x.v);
  const __m256i e = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(least)), 23);
  exponent = {_mm256_cvtepi32_ps(e)};
  return {_mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(e, 23)))};
}
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
/// AVX-512
struct Float16 {
  static constexpr int kLanes = 16;
  static constexpr int kRows = 12;  // 12 x 2 sums, 2 columns and a factor of 32 registers
  __m512 v;

  static Float16 load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static Float16 all(float x) { return {_mm512_set1_ps(x)}; }
  void store(float* to) const { _mm512_storeu_ps(to, v); }

  struct Lanes {
    __m512i index;
  };
  static Lanes lanes(const int* of) { return {_mm512_loadu_si512(of)}; }
  static Float16 pick(const float* strip, Lanes l) {
    return {
        _mm512_permutex2var_ps(_mm512_loadu_ps(strip), l.index, _mm512_loadu_ps(strip + kLanes))};
  }
};
inline Float16 operator+(Float16 a, Float16 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Float16 operator-(Float16 a, Float16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Float16 operator*(Float16 a, Float16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Float16 operator/(Float16 a, Float16 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Float16 multiply_add(Float16 a, Float16 b, Float16 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline Float16 larger_of(Float16 a, Float16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Float16 smaller_of(Float16 a, Float16 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Float16 square_root(Float16 a) { return {_mm512_sqrt_ps(a.v)}; }
inline Float16 if_negative(Float16 a, Float16 b, Float16 c) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_LT_OQ), c.v, b.v)};
}
inline Float16 absolute(Float16 a) { return {_mm512_abs_ps(a.v)}; }
inline Float16 low_bits_to_exponent(Float16 m) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(m.v), 23))};
}
inline Float16 split(Float16 x, int least, Float16& exponent) {
  const __m512i bits = _mm512_castps_si512(x.v);
  const __m512i e = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(least)), 23);
  exponent = {_mm512_cvtepi32_ps(e)};
  return {_mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(e, 23)))};
}
#endif

/// 2^-t for t in [-126, 126]; relative error below 2 ulp (2.4e-7), exact at 0. A sum with 1.5 2^23
/// leaves the nearest whole number n in the lowest bits, where an offset of 127 makes it the
/// exponent of 2^-n; the rest, exact and at most 1/2, goes through a polynomial of least relative
/// error (9.2e-8; fitted by reweighted least squares with the constant term kept at 1).
template <typename V>
inline V two_to_minus(V t) {
  const V shift = V::all(12582912.0f + 127.0f);
  const V m = shift - t;
  const V rest = t - (shift - m);
  V p = V::all(-0.001326472731307149f);
  p = multiply_add(p, rest, V::all(0.009671512991189957f));
  p = multiply_add(p, rest, V::all(-0.05550733581185341f));
  p = multiply_add(p, rest, V::all(0.24022242426872253f));
  p = multiply_add(p, rest, V::all(-0.6931470036506653f));
  p = multiply_add(p, rest, V::all(1.0f));
  return p * low_bits_to_exponent(m);
}

inline constexpr float kLargestPower = 126.0f;

/// e^-x for x >= 0, e^-87 from there on; relative error below 2.4e-7 (2 ulp) + x 1e-7.
template <typename V>
inline V exp_of_minus(V x) {
  return two_to_minus(smaller_of(V::all(kLargestPower), x * V::all(kLog2E)));
}

/// log2 of a positive normal x, as log2_positive.
template <typename V>
inline V log2_positive(V x) {
  constexpr int kSqrtHalf = 0x3f3504f3;
  V exponent;
  const V mantissa = split(x, kSqrtHalf, exponent);
  const V s = (mantissa - V::all(1.0f)) / (mantissa + V::all(1.0f));
  const V s2 = s * s;
  V p = V::all(1.0f / 9.0f);
  p = multiply_add(p, s2, V::all(1.0f / 7.0f));
  p = multiply_add(p, s2, V::all(1.0f / 5.0f));
  p = multiply_add(p, s2, V::all(1.0f / 3.0f));
  p = multiply_add(p, s2, V::all(1.0f));
  return multiply_add(V::all(2.88539008177792681f) * s, p, exponent);
}

/// e^x for x in [-87, 87]
template <typename V>
inline V exponential(V x) {
  const V e = exp_of_minus(absolute(x));
  return if_negative(x, e, V::all(1.0f) / e);
}

template <typename V>
inline V natural_log(V x) {
  return log2_positive(x) * V::all(kLn2);
}

/// As gelu in models/starlight/network.hpp: x / (1 + 2^-t), t = log2(e) 1.5957691 (x + 0.044715
/// x^3).
template <typename V>
inline V gelu(V x) {
  constexpr float kLinear = 1.59576912160573071176f * kLog2E;
  const V most = V::all(kLargestPower);
  const V t = x * multiply_add(x * x, V::all(0.044715f * kLinear), V::all(kLinear));
  // NaN stays NaN
  const V e = two_to_minus(smaller_of(most, larger_of(V::all(-kLargestPower), t)));
  return x / (V::all(1.0f) + e);
}

/// Matern-5/2 correlation at r = sqrt(5) d, (1 + r + r^2 / 3) e^-r to 2.4e-7, and what it has in
/// common with its slope.
template <typename V>
struct Matern52 {
  V scaled, linear, power;

  /// `scaled_square` is kMaternScale d^2, and counts as 0 where rounding makes it negative.
  explicit Matern52(V scaled_square)
      : scaled(larger_of(V::all(0.0f),
                         smaller_of(V::all(kLargestPower * kLargestPower), scaled_square))) {
    const V t = square_root(scaled);
    linear = multiply_add(t, V::all(kLn2), V::all(1.0f));
    power = two_to_minus(t);
  }
  V value() const { return multiply_add(scaled, V::all(kLn2 * kLn2 / 3.0f), linear) * power; }
  /// Derivative of value() by `scaled` over kSlope: (1 + r) e^-r.
  V slope() const { return linear * power; }
  static constexpr float kSlope = -kLn2 * kLn2 / 6.0f;
};

}  // namespace polaris::simd
