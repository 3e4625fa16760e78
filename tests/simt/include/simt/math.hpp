// Device functions of one thread: bit patterns, intrinsics, functions of limited accuracy.
//
// With SIMT_ULP=1 the functions whose error the CUDA C++ Programming Guide ("Mathematical
// Functions") states return a result off by up to that error, always the same for the same
// argument: tolerances of tests cannot lean on the host's exact library.
#pragma once

#include <math.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace simt {

__extension__ using Wide = unsigned __int128;

/// `exact` moved by at most `ulps` units in the last place, as SIMT_ULP wants it.
float approximate(double exact, float argument, int ulps);

}  // namespace simt

inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned out = 0;
  for (int i = 0; i < 32; ++i) out |= (x >> i & 1u) << (31 - i);
  return out;
}
inline int __mulhi(int a, int b) { return static_cast<int>((std::int64_t{a} * b) >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<simt::Wide>(a) * b) >> 64);
}

using std::max;
using std::min;

// Correctly rounded, never contracted.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(lrintf(x)); }

// Of limited accuracy. __expf: 2 + floor(|1.173 x|) units.
inline float __expf(float x) {
  return simt::approximate(exp(static_cast<double>(x)), x,
                           2 + static_cast<int>(std::min(fabsf(1.173f * x), 200.0f)));
}
inline float __exp10f(float x) {
  return simt::approximate(exp10(static_cast<double>(x)), x,
                           2 + static_cast<int>(std::min(fabsf(2.97f * x), 200.0f)));
}
inline float __logf(float x) { return simt::approximate(log(static_cast<double>(x)), x, 3); }
inline float __log2f(float x) { return simt::approximate(log2(static_cast<double>(x)), x, 2); }
inline float __log10f(float x) { return simt::approximate(log10(static_cast<double>(x)), x, 3); }
inline float __fdividef(float a, float b) {
  return simt::approximate(static_cast<double>(a) / b, b, 2);
}
inline float rsqrtf(float x) { return simt::approximate(1 / sqrt(static_cast<double>(x)), x, 2); }
inline float __frsqrt_rn(float x) { return static_cast<float>(1 / sqrt(static_cast<double>(x))); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline float normcdff(float x) {
  return simt::approximate(0.5 * erfc(-static_cast<double>(x) * M_SQRT1_2), x, 5);
}
inline double normcdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
