// Errors of the CUDA runtime as exceptions.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device_error.hpp"

namespace polaris {

[[noreturn]] void throw_device_error(cudaError_t error, const char* what, const char* function,
                                     const char* file, int line);

}  // namespace polaris

/// Throws DeviceError (DeviceOutOfMemory) where `statement` does not return cudaSuccess.
#define POLARIS_CUDA(statement)                                                                \
  do {                                                                                         \
    if (const cudaError_t polaris_error_ = (statement); polaris_error_ != cudaSuccess)         \
      ::polaris::throw_device_error(polaris_error_, #statement, __func__, __FILE__, __LINE__); \
  } while (false)
