// The slice of the CUDA runtime API that the launchers and device wrappers use. Enumerators have
// the real numbers.
#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "simt/device.hpp"

// X(name, number, text) for every error the emulated calls return.
#define SIMT_ERRORS(X)                                                                          \
  X(cudaSuccess, 0, "no error")                                                                 \
  X(cudaErrorInvalidValue, 1, "invalid argument")                                               \
  X(cudaErrorMemoryAllocation, 2, "out of memory")                                              \
  X(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")                         \
  X(cudaErrorInsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime")    \
  X(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                               \
  X(cudaErrorInvalidDevice, 101, "invalid device ordinal")                                      \
  X(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")                             \
  X(cudaErrorNotReady, 600, "device not ready")                                                 \
  X(cudaErrorLaunchFailure, 719, "unspecified launch failure")                                  \
  X(cudaErrorNotSupported, 801, "operation not supported")                                      \
  X(cudaErrorStreamCaptureUnsupported, 900, "operation not permitted when stream is capturing") \
  X(cudaErrorStreamCaptureInvalidated, 901, "capture failed due to a previous error")           \
  X(cudaErrorStreamCaptureUnjoined, 904, "capture was not joined to the original stream")       \
  X(cudaErrorGraphExecUpdateFailure, 910, "the graph update was not performed")

enum cudaError_t {
#define SIMT_ENUMERATOR(name, number, text) name = number,
  SIMT_ERRORS(SIMT_ENUMERATOR)
#undef SIMT_ENUMERATOR
};
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};
enum cudaDeviceAttr {
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1
};
enum cudaGraphExecUpdateResult {
  cudaGraphExecUpdateSuccess = 0,
  cudaGraphExecUpdateErrorTopologyChanged = 2
};
struct cudaGraphExecUpdateResultInfo {
  cudaGraphExecUpdateResult result;
};
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2;

struct cudaDeviceProp {
  char name[256];  ///< says that it is emulated
  std::size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin;
  int multiProcessorCount, major, minor, warpSize, maxThreadsPerBlock, l2CacheSize;
};

namespace simt {
struct Stream;
struct Event;
struct Graph;
struct ExecutableGraph;
}  // namespace simt
using cudaStream_t = simt::Stream*;
using cudaEvent_t = simt::Event*;
using cudaGraph_t = simt::Graph*;
using cudaGraphExec_t = simt::ExecutableGraph*;

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMalloc(void** address, std::size_t bytes);
cudaError_t cudaFree(void* address);
cudaError_t cudaMallocHost(void** address, std::size_t bytes);
cudaError_t cudaFreeHost(void* address);
cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* target, int value, std::size_t bytes);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);

cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
/// Always cudaErrorNotSupported: nothing that runs here has a GPU's time.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags = 0);
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* result);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);

namespace simt {

struct Parameter {
  const void* data;
  std::size_t bytes;
};

/// A kernel with a copy of its arguments, as a launch keeps it until it runs.
class Call {
 public:
  virtual ~Call() = default;
  virtual void run() const = 0;
  virtual std::size_t bytes() const = 0;  ///< of this object: kernels may read it
  /// The kernel's parameters in order, for an engine that lays them out itself.
  virtual std::vector<Parameter> parameters() const = 0;
};

template <class... P>
class CallOf final : public Call {
 public:
  template <class... A>
  explicit CallOf(void (*kernel)(P...), A&&... arguments)
      : kernel_(kernel), arguments_(std::forward<A>(arguments)...) {}
  void run() const override { std::apply(kernel_, arguments_); }
  std::size_t bytes() const override { return sizeof(*this); }
  std::vector<Parameter> parameters() const override {
    return std::apply(
        [](const auto&... values) {
          return std::vector<Parameter>{{&values, sizeof values}...};
        },
        arguments_);
  }

 private:
  void (*kernel_)(P...);
  std::tuple<std::remove_cv_t<P>...> arguments_;
};

struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes;
  const void* kernel;
  std::shared_ptr<const Call> call;
  int device = 0;
};

cudaError_t enqueue(Launch launch, cudaStream_t stream);
cudaError_t allow_shared_bytes(const void* kernel, int bytes);

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

template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute, int value) {
  return simt::allow_shared_bytes(reinterpret_cast<const void*>(kernel), value);
}
