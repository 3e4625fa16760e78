// The one place where kernel sources see which compiler reads them: under nvcc the real feature,
// in the emulated build (tests/simt) the executor's.
#pragma once

#include <cuda_runtime.h>

#if defined(__CUDACC__)
// One raw array for all kernels, because its declarations must agree; typed by a cast.
#define DYN_SHARED(T, name)                                     \
  extern __shared__ __align__(16) unsigned char dynamic_raw_[]; \
  T* const name = reinterpret_cast<T*>(dynamic_raw_)
// Makes the compiler store `object` in memory here and read it back when it is needed, rather than
// keep all of its fields in registers. (Local memory: that is, in the L1 cache.)
#define KEEP_IN_MEMORY(object) asm volatile("" : : "l"(&(object)) : "memory")
#else
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(simt::dynamic_shared())
#define KEEP_IN_MEMORY(object) static_cast<void>(object)
#endif
