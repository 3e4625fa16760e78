// The emulated devices: how many, what they say of themselves, what went wrong last.
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

int initial_devices() {
  const char* text = std::getenv("SIMT_DEVICES");
  return text == nullptr ? 1 : std::atoi(text);
}

int devices = initial_devices();
thread_local int chosen_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

// More than one multiprocessor, so that grids have several blocks; few, because they run in turn.
constexpr int kMultiprocessors = 2;
constexpr int kMajor = 8, kMinor = 0;  ///< the smallest device of interest
constexpr int kMaxThreads = 1024;

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
#define SIMT_TEXT(name, number, text) {name, #name, text},
    SIMT_ERRORS(SIMT_TEXT)
#undef SIMT_TEXT
};

bool exists(int device) { return device >= 0 && device < device_count(); }

}  // namespace

int current_device() { return chosen_device; }

int device_count() { return devices; }
void set_device_count(int count) { devices = count; }

cudaError_t failed(cudaError_t error) { return last_error = error; }

}  // namespace simt

using namespace simt;

const char* cudaGetErrorName(cudaError_t error) {
  for (const ErrorText& known : kErrors)
    if (known.error == error) return known.name;
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  for (const ErrorText& known : kErrors)
    if (known.error == error) return known.text;
  return "unrecognized error code";
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return *count == 0 ? failed(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (!exists(device)) return failed(cudaErrorInvalidDevice);
  chosen_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  if (device_count() == 0) return failed(cudaErrorNoDevice);
  *device = chosen_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (!exists(device)) return failed(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = kDefaultSharedBytes;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = kMultiprocessors;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = kMajor;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = kMinor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kMaxSharedBytes;
      return cudaSuccess;
  }
  return failed(cudaErrorInvalidValue);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!exists(device)) return failed(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "emulated device (CPU executor, not a GPU)");
  properties->totalGlobalMem = memory_limit();
  properties->sharedMemPerBlock = kDefaultSharedBytes;
  properties->sharedMemPerBlockOptin = kMaxSharedBytes;
  properties->multiProcessorCount = kMultiprocessors;
  properties->major = kMajor;
  properties->minor = kMinor;
  properties->warpSize = kWarp;
  properties->maxThreadsPerBlock = kMaxThreads;
  return cudaSuccess;
}
