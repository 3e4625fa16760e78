// What mathematics shared by host and kernels asks of the compiler.
#pragma once

// Marks a function as callable from host code and, when a CUDA compiler reads it, from kernels.
#if defined(__CUDACC__)
#define POLARIS_HD __host__ __device__
#else
#define POLARIS_HD
#endif

// In a kernel: makes the compiler store `object` in memory here and read it back when it is needed,
// rather than keep all of its fields in registers. (Local memory: that is, in the L1 cache.)
#if defined(__CUDA_ARCH__)
#define POLARIS_KEEP_IN_MEMORY(object) asm volatile("" : : "l"(&(object)) : "memory")
#else
#define POLARIS_KEEP_IN_MEMORY(object) static_cast<void>(object)
#endif
