// Owns a CUDA event: a place in a stream that the host or another stream can wait for.
#pragma once

#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

class DeviceEvent {
 public:
  DeviceEvent() { POLARIS_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming)); }
  ~DeviceEvent() { cudaEventDestroy(event_); }
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;

  void record(const DeviceStream& stream) { POLARIS_CUDA(cudaEventRecord(event_, stream.get())); }
  /// The host waits for the work queued before the last record(); none: returns at once.
  void synchronize() const { POLARIS_CUDA(cudaEventSynchronize(event_)); }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace polaris
