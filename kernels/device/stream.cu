#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

DeviceStream::DeviceStream() {
  POLARIS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
}

DeviceStream::~DeviceStream() { cudaStreamDestroy(stream_); }

void DeviceStream::synchronize() const { POLARIS_CUDA(cudaStreamSynchronize(stream_)); }

int multiprocessor_count() {
  int device = 0, count = 0;
  POLARIS_CUDA(cudaGetDevice(&device));
  POLARIS_CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

}  // namespace polaris
