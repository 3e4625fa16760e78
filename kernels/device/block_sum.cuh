// A sum over the threads of a block, always in the same order.
#pragma once

#include "kernels/device/warp_product.cuh"

namespace polaris {

/// Sum of the block's values, the same in every thread. All kThreads threads must call it;
/// `partial`: shared memory, free again when it returns.
template <unsigned kThreads>
__device__ inline double block_sum(double value, double (&partial)[kThreads / kWarpThreads]) {
  value = sum_over_lanes<1>(value);
  if (threadIdx.x % kWarpThreads == 0) partial[threadIdx.x / kWarpThreads] = value;
  __syncthreads();
  double sum = 0.0;
  for (unsigned w = 0; w < kThreads / kWarpThreads; ++w) sum += partial[w];
  __syncthreads();
  return sum;
}

}  // namespace polaris
