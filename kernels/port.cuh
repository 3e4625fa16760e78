// The one place where kernel sources see which compiler reads them: under nvcc the real feature,
// in the emulated build (tests/simt) the executor's.
#pragma once

#include <cuda_runtime.h>

#if defined(__CUDACC__)
// One raw array for all kernels, because its declarations must agree; typed by a cast.
#define DYN_SHARED(T, name)                                     \
  extern __shared__ __align__(16) unsigned char dynamic_raw_[]; \
  T* const name = reinterpret_cast<T*>(dynamic_raw_)
#else
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(simt::dynamic_shared())
#endif
