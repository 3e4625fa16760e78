// What the kernels library throws where a device fails. Needs no CUDA header.
#pragma once

#include <stdexcept>

namespace polaris {

/// A CUDA call failed: statement, place and the library's text.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The device has no room for an allocation; a smaller one may succeed.
class DeviceOutOfMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

}  // namespace polaris
