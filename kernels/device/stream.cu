#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

DeviceStream::DeviceStream() {
  POLARIS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
}

DeviceStream::~DeviceStream() { cudaStreamDestroy(stream_); }

void DeviceStream::synchronize() const { POLARIS_CUDA(cudaStreamSynchronize(stream_)); }

namespace {

int device_attribute(cudaDeviceAttr attribute) {
  int device = 0, value = 0;
  POLARIS_CUDA(cudaGetDevice(&device));
  POLARIS_CUDA(cudaDeviceGetAttribute(&value, attribute, device));
  return value;
}

}  // namespace

int multiprocessor_count() { return device_attribute(cudaDevAttrMultiProcessorCount); }

std::size_t shared_memory_limit() {
  return static_cast<std::size_t>(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
}

std::size_t free_memory() {
  std::size_t free = 0, total = 0;
  POLARIS_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

}  // namespace polaris
