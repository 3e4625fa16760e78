#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

Stream::Stream() { POLARIS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }

Stream::~Stream() { cudaStreamDestroy(stream_); }

void Stream::synchronize() const { POLARIS_CUDA(cudaStreamSynchronize(stream_)); }

int multiprocessor_count() {
  int device = 0, count = 0;
  POLARIS_CUDA(cudaGetDevice(&device));
  POLARIS_CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

}  // namespace polaris
