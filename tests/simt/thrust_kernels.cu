#include <thrust/sort.h>

#include "kernels/device/launch.cuh"
#include "kernels/thrust_policy.cuh"
#include "tests/simt/thrust_kernels.cuh"

namespace {

__global__ void double_kernel(const float* from, float* to, int count) {
  const int i = static_cast<int>(threadIdx.x);
  for (int j = i; j < count; j += static_cast<int>(blockDim.x)) to[j] = 2 * from[j];
}

}  // namespace

void sort_pairs(float* keys, int* values, int count, cudaStream_t stream) {
  thrust::sort_by_key(polaris::thrust_policy(stream), keys, keys + count, values);
}

void double_all(const float* from, float* to, int count, cudaStream_t stream) {
  polaris::launch(double_kernel, {1, 64}, stream, from, to, count);
}
