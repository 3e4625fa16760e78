// A list in device memory that the threads of a grid append to (append.cuh).
#pragma once

#include <cstdint>
#include <type_traits>

namespace polaris {

/// A list in device memory that kernels append to. The order of its items is not defined.
template <class T>
struct DeviceList {
  T* items;
  std::conditional_t<std::is_const_v<T>, const std::uint32_t*, std::uint32_t*> size;  ///< [1]
};

}  // namespace polaris
