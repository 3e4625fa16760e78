// The one way a kernel is started.
#pragma once

#include <cstddef>

#include "kernels/device/check.hpp"

namespace polaris {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of one block
};

/// What every device grants a block without being asked.
inline constexpr std::size_t kSharedWithoutOptIn = 48 * 1024;

/// Queues kernel(arguments...) on `stream`. Arguments convert as in a call. Throws DeviceError
/// where the shape is not possible; faults of the kernel itself show at the next synchronisation.
template <class... P, class... A>
void launch(void (*kernel)(P...), const LaunchShape& shape, cudaStream_t stream, A&&... arguments) {
  if (shape.shared_bytes > kSharedWithoutOptIn)
    POLARIS_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shape.shared_bytes)));
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  POLARIS_CUDA(cudaLaunchKernelEx(&config, kernel, static_cast<A&&>(arguments)...));
}

}  // namespace polaris
