// The one place where kernel sources see which compiler reads them: under nvcc the real feature,
// in the emulated build (tests/simt) the executor's.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

// The toolkit's header shadows names of its own.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <cuda_pipeline.h>
#pragma GCC diagnostic pop

#include <cstdint>

#if !defined(__CUDACC__)
#include "simt/matrix.hpp"
#endif

#if defined(__CUDACC__)
// One raw array for all kernels, because its declarations must agree; typed by a cast.
#define DYN_SHARED(T, name)                                     \
  extern __shared__ __align__(16) unsigned char dynamic_raw_[]; \
  T* const name = reinterpret_cast<T*>(dynamic_raw_)
#else
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(simt::dynamic_shared())
#endif

namespace polaris {

/// Rounded to tf32, to nearest, ties away from zero: what matrix products of tf32 want as input.
__device__ inline std::uint32_t to_tf32(float value) {
#if defined(__CUDA_ARCH__)
  std::uint32_t out;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(out) : "f"(value));
  return out;
#elif !defined(__CUDACC__)
  return simt::round_to_tf32(value);
#else
  return 0;  // nvcc's host pass: never run
#endif
}

/// d += a * b for one warp: a 16 x 8, b 8 x 8, d 16 x 8 in float. Layouts: PTX ISA, "Matrix
/// Fragments for mma.m16n8k8"; a and b by to_tf32().
__device__ inline void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4],
                                        const std::uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__)
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif !defined(__CUDACC__)
  simt::multiply(simt::MatrixShape::mma_m16n8k8_tf32, a, b, d, d, __builtin_LINE());
#endif
}

/// Two numbers rounded to bfloat16, to nearest, ties to even, in one register: `first` lies low.
__device__ inline std::uint32_t to_bf16_pair(float first, float second) {
#if defined(__CUDA_ARCH__)
  std::uint32_t out;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(second), "f"(first));
  return out;
#elif !defined(__CUDACC__)
  return std::uint32_t{__bfloat16_as_ushort(__float2bfloat16_rn(first))} |
         std::uint32_t{__bfloat16_as_ushort(__float2bfloat16_rn(second))} << 16;
#else
  return 0;  // nvcc's host pass: never run
#endif
}

/// d += a * b for one warp: a 16 x 16, b 16 x 8 of bfloat16, two to a register; d 16 x 8 in float.
/// Layouts: PTX ISA, "Matrix Fragments for mma.m16n8k16".
__device__ inline void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__)
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif !defined(__CUDACC__)
  simt::multiply(simt::MatrixShape::mma_m16n8k16_bf16, a, b, d, d, __builtin_LINE());
#endif
}

}  // namespace polaris
