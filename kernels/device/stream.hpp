// Owns a CUDA stream.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace polaris {

class DeviceStream {
 public:
  /// A stream of the current device that does not wait for the default stream.
  DeviceStream();
  ~DeviceStream();
  DeviceStream(const DeviceStream&) = delete;
  DeviceStream& operator=(const DeviceStream&) = delete;

  cudaStream_t get() const { return stream_; }

  /// Waits for all queued work. Throws DeviceError where any of it failed.
  void synchronize() const;

 private:
  cudaStream_t stream_ = nullptr;
};

/// Streaming multiprocessors of the current device.
int multiprocessor_count();

/// Shared memory that one block of the current device may have.
std::size_t shared_memory_limit();

/// Bytes of the current device's memory that nobody has taken.
std::size_t free_memory();

}  // namespace polaris
