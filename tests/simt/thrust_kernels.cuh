// Thrust through thrust_policy().
#pragma once

#include <cuda_runtime.h>

/// Sorts keys[0, count), ascending, and values with them.
void sort_pairs(float* keys, int* values, int count, cudaStream_t stream);
