// How the threads of a grid append to a list.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/device_list.hpp"
#include "kernels/device/warp_product.cuh"

namespace polaris {

/// Appends `item` where `keep`; the warp's together. All lanes must call it.
template <class T>
__device__ inline void append(const DeviceList<T>& list, bool keep, const T& item) {
  const unsigned lane = threadIdx.x % kWarpThreads;
  const unsigned keepers = __ballot_sync(kWholeWarp, keep);
  if (keepers == 0) return;
  std::uint32_t begin = 0;
  if (lane == 0) begin = atomicAdd(list.size, static_cast<std::uint32_t>(__popc(keepers)));
  begin = __shfl_sync(kWholeWarp, begin, 0);
  if (keep)
    list.items[begin + static_cast<std::uint32_t>(__popc(keepers & ((1u << lane) - 1u)))] = item;
}

}  // namespace polaris
