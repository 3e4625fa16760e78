// Vectors to and from device memory, for the tests of the executor. What they allocate lives as
// long as the program.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "kernels/device/check.hpp"

template <class T>
T* device_copy(const std::vector<T>& values) {
  void* out = nullptr;
  POLARIS_CUDA(cudaMalloc(&out, values.size() * sizeof(T)));
  POLARIS_CUDA(cudaMemcpy(out, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return static_cast<T*>(out);
}

template <class T>
std::vector<T> host_copy(const T* values, std::size_t count) {
  std::vector<T> out(count);
  POLARIS_CUDA(cudaMemcpy(out.data(), values, count * sizeof(T), cudaMemcpyDeviceToHost));
  return out;
}
