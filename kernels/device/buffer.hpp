// Owns an array in device memory.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

/// Allocates; the DeviceError of a full device says what was wanted (`purpose`) and how much.
void* allocate_device(std::size_t bytes, const char* purpose);

template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// `size` elements, uninitialised. Allocation waits for the device: never inside a loop of tiles.
  DeviceBuffer(std::size_t size, const char* purpose)
      : data_(static_cast<T*>(allocate_device(size * sizeof(T), purpose))), size_(size) {}
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

  /// Queues the copy of size() elements; `values` may change as soon as this returns.
  void upload(std::span<const T> values, const DeviceStream& stream) {
    POLARIS_CUDA(cudaMemcpyAsync(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice,
                                 stream.get()));
  }

  /// All elements, once the work queued before is done.
  std::vector<T> download(const DeviceStream& stream) const {
    std::vector<T> out(size_);
    POLARIS_CUDA(cudaMemcpyAsync(out.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost,
                                 stream.get()));
    stream.synchronize();
    return out;
  }

 private:
  T* data_;
  std::size_t size_;
};

}  // namespace polaris
