// One allocation of device memory, cut into arrays and cut anew for the next job.
#pragma once

#include <cstddef>
#include <stdexcept>

#include "kernels/device/buffer.hpp"

namespace polaris {

class DeviceArena {
 public:
  /// `bytes`, or half of it as often as it takes, but no less than `least`: then the device's
  /// DeviceOutOfMemory is passed on.
  DeviceArena(std::size_t bytes, std::size_t least, const char* purpose)
      : memory_(allocate(bytes, least, purpose)) {}

  std::size_t size() const { return memory_.size(); }

  /// Everything taken so far may be overwritten by what is taken from now on.
  void reset() { used_ = 0; }

  /// `count` elements, uninitialised. Throws std::length_error where the arena is too small.
  template <class T>
  T* take(std::size_t count) {
    const std::size_t begin = (used_ + kAlignment - 1) / kAlignment * kAlignment;
    if (begin + count * sizeof(T) > memory_.size())
      throw std::length_error("device arena: expected less to be taken");
    used_ = begin + count * sizeof(T);
    return reinterpret_cast<T*>(memory_.data() + begin);
  }

  static constexpr std::size_t kAlignment = 256;  ///< of every array, as of cudaMalloc

 private:
  static DeviceBuffer<std::byte> allocate(std::size_t bytes, std::size_t least,
                                          const char* purpose) {
    for (;; bytes /= 2) try {
        return {bytes, purpose};
      } catch (const DeviceOutOfMemory&) {
        if (bytes / 2 < least) throw;
      }
  }

  DeviceBuffer<std::byte> memory_;
  std::size_t used_ = 0;
};

}  // namespace polaris
