// The slice of the CUDA runtime API that the launchers and device wrappers use. Enumerators have
// the real numbers.
#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "simt/device.hpp"

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorLaunchFailure = 719
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16 };
inline constexpr unsigned cudaStreamNonBlocking = 1;

namespace simt {
struct Stream;
}
using cudaStream_t = simt::Stream*;

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaMalloc(void** address, std::size_t bytes);
cudaError_t cudaFree(void* address);
cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

namespace simt {

/// A kernel with a copy of its arguments, as a launch keeps it until it runs.
class Call {
 public:
  virtual ~Call() = default;
  virtual void run() const = 0;
  virtual std::size_t bytes() const = 0;  ///< of this object: kernels may read it
};

template <class... P>
class CallOf final : public Call {
 public:
  template <class... A>
  explicit CallOf(void (*kernel)(P...), A&&... arguments)
      : kernel_(kernel), arguments_(std::forward<A>(arguments)...) {}
  void run() const override { std::apply(kernel_, arguments_); }
  std::size_t bytes() const override { return sizeof(*this); }

 private:
  void (*kernel_)(P...);
  std::tuple<std::remove_cv_t<P>...> arguments_;
};

struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes;
  const void* kernel;
  std::shared_ptr<const Call> call;
};

cudaError_t enqueue(Launch launch, cudaStream_t stream);

}  // namespace simt

template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(P...),
                               A&&... arguments) {
  return simt::enqueue(
      {config->gridDim, config->blockDim, config->dynamicSmemBytes,
       reinterpret_cast<const void*>(kernel),
       std::make_shared<simt::CallOf<P...>>(kernel, std::forward<A>(arguments)...)},
      config->stream);
}
