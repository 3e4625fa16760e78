// Marks a function as callable from host code and, when a CUDA compiler reads it, from kernels.
#pragma once

#if defined(__CUDACC__)
#define POLARIS_HD __host__ __device__
#else
#define POLARIS_HD
#endif
