#include <thrust/sort.h>

#include "kernels/thrust_policy.cuh"
#include "tests/simt/thrust_kernels.cuh"

void sort_pairs(float* keys, int* values, int count, cudaStream_t stream) {
  thrust::sort_by_key(polaris::thrust_policy(stream), keys, keys + count, values);
}
