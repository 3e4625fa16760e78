// Streams. Work runs as late as CUDA allows: when the host waits, and then in a random order of
// streams. A missing wait is therefore a wrong result here, not luck.
#include <algorithm>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"

namespace simt {

struct Stream {
  std::deque<std::function<cudaError_t()>> queue;
};

namespace {

Stream default_stream;
std::vector<Stream*> streams{&default_stream};
cudaError_t last_error = cudaSuccess;

cudaError_t run_one() {
  std::vector<Stream*> busy;
  for (Stream* stream : streams)
    if (!stream->queue.empty()) busy.push_back(stream);
  Stream& chosen = *busy[random_below(busy.size())];
  const std::function<cudaError_t()> work = std::move(chosen.queue.front());
  chosen.queue.pop_front();
  return work();
}

bool idle(const Stream* stream) {
  if (stream != nullptr) return stream->queue.empty();
  return std::all_of(streams.begin(), streams.end(), [](Stream* s) { return s->queue.empty(); });
}

}  // namespace

Stream* null_stream() { return &default_stream; }

void push(cudaStream_t stream, std::function<cudaError_t()> work) {
  (stream == nullptr ? default_stream : *stream).queue.push_back(std::move(work));
}

cudaError_t drain(const Stream* stream) {
  cudaError_t out = cudaSuccess;
  while (!idle(stream))
    if (const cudaError_t error = run_one()) out = error;
  return out;
}

cudaError_t failed(cudaError_t error) { return last_error = error; }

cudaError_t enqueue(Launch launch, cudaStream_t stream) {
  constexpr std::uint64_t kMaxThreads = 1024;
  constexpr unsigned kMaxGridYZ = 65535, kMaxBlockZ = 64;
  const std::uint64_t threads = std::uint64_t{launch.block.x} * launch.block.y * launch.block.z;
  if (threads == 0 || threads > kMaxThreads || launch.block.z > kMaxBlockZ || launch.grid.x == 0 ||
      launch.grid.y == 0 || launch.grid.z == 0 || launch.grid.y > kMaxGridYZ ||
      launch.grid.z > kMaxGridYZ)
    return failed(cudaErrorInvalidConfiguration);
  if (launch.shared_bytes > kMaxSharedBytes) return failed(cudaErrorInvalidValue);
  push(stream, [launch = std::move(launch)] { return run_kernel(launch); });
  return cudaSuccess;
}

}  // namespace simt

using namespace simt;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
  }
  return "unrecognized error code";
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (attribute != cudaDevAttrMultiProcessorCount || device != 0)
    return failed(cudaErrorInvalidValue);
  *value = 2;  // more than one, so that grids have several blocks; few, because they run in turn
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  // The default stream's implicit waits for blocking streams are not emulated.
  if (flags != cudaStreamNonBlocking) return failed(cudaErrorInvalidValue);
  *stream = new Stream;
  streams.push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const cudaError_t error = drain(stream);
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
  return error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return drain(stream == nullptr ? null_stream() : stream);
}
