#include <string>

#include "kernels/device/buffer.hpp"

namespace polaris {

void* allocate_device(std::size_t bytes, const char* purpose) {
  void* data = nullptr;
  if (const cudaError_t error = cudaMalloc(&data, bytes); error != cudaSuccess) {
    const std::string what = "cudaMalloc of " + std::to_string(bytes) + " bytes for " + purpose;
    throw_device_error(error, what.c_str(), __func__, __FILE__, __LINE__);
  }
  return data;
}

}  // namespace polaris
