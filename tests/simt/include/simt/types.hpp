// Qualifiers, vector types and built-in variables of CUDA C++ for a plain C++ compiler.
#pragma once

#include <cstddef>
#include <cstdint>

// A shared variable is one static per kernel: blocks run one after the other. The tag becomes part
// of the symbol's name, so that the executor finds every shared variable, those of templates too,
// in the program's symbol table and can poison it and know its bounds.
#define __shared__ static __attribute__((abi_tag("simt_shared")))
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

// Aligned to their size, as loads of one instruction want them.
#define SIMT_VECTORS(name, type)                                          \
  struct alignas(2 * sizeof(type)) name##2 {                              \
    type x, y;                                                            \
  };                                                                      \
  struct alignas(4 * sizeof(type) < 16 ? 4 * sizeof(type) : 16) name##4 { \
    type x, y, z, w;                                                      \
  };                                                                      \
  constexpr name##2 make_##name##2(type x, type y) { return {x, y}; }     \
  constexpr name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
SIMT_VECTORS(float, float)
SIMT_VECTORS(int, int)
SIMT_VECTORS(uint, unsigned)
SIMT_VECTORS(short, short)
SIMT_VECTORS(ushort, unsigned short)
SIMT_VECTORS(uchar, unsigned char)
#undef SIMT_VECTORS
struct float3 {
  float x, y, z;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(16) longlong2 {
  long long x, y;
};
struct alignas(16) ulonglong2 {
  unsigned long long x, y;
};
constexpr float3 make_float3(float x, float y, float z) { return {x, y, z}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }
constexpr longlong2 make_longlong2(long long x, long long y) { return {x, y}; }
constexpr ulonglong2 make_ulonglong2(unsigned long long x, unsigned long long y) { return {x, y}; }

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;
