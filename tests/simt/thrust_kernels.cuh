// Thrust through thrust_policy(), before and after a kernel of the same stream.
#pragma once

#include <cuda_runtime.h>

/// Sorts keys[0, count), ascending, and values with them.
void sort_pairs(float* keys, int* values, int count, cudaStream_t stream);
/// to[i] = 2 * from[i].
void double_all(const float* from, float* to, int count, cudaStream_t stream);
