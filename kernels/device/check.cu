#include <string>

#include "kernels/device/check.hpp"

namespace polaris {

void throw_device_error(cudaError_t error, const char* what, const char* function, const char* file,
                        int line) {
  cudaGetLastError();  // or the next, unrelated call would report it again
  const std::string text = std::string(file) + ":" + std::to_string(line) + ": " + function + ": " +
                           what + ": " + cudaGetErrorName(error) + " (" +
                           cudaGetErrorString(error) + ")";
  if (error == cudaErrorMemoryAllocation) throw DeviceOutOfMemory(text);
  throw DeviceError(text);
}

}  // namespace polaris
