// Owners of what cuBLAS and cuSOLVER want to be called with, and their errors as exceptions.
#pragma once

#include <cublas_v2.h>
#include <cusolverDn.h>

#include <string>

#include "kernels/device/stream.hpp"
#include "kernels/device_error.hpp"

namespace polaris {

/// Throws DeviceError where a library's call failed: statement, place, the library's own text.
inline void check_library(cublasStatus_t status, const char* what, const char* file, int line) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw DeviceError(std::string(file) + ":" + std::to_string(line) + ": " + what + ": " +
                      cublasGetStatusName(status) + " (" + cublasGetStatusString(status) + ")");
}
/// cuSOLVER has no texts, only numbers.
inline void check_library(cusolverStatus_t status, const char* what, const char* file, int line) {
  if (status != CUSOLVER_STATUS_SUCCESS)
    throw DeviceError(std::string(file) + ":" + std::to_string(line) + ": " + what +
                      ": cusolverStatus_t " + std::to_string(static_cast<int>(status)));
}

}  // namespace polaris

#define POLARIS_LIBRARY(statement) \
  ::polaris::check_library((statement), #statement, __FILE__, __LINE__)

namespace polaris {

/// A library's handle, whose calls are queued on `stream`.
template <class Handle, auto kCreate, auto kSetStream, auto kDestroy>
class LibraryHandle {
 public:
  explicit LibraryHandle(const DeviceStream& stream) {
    POLARIS_LIBRARY(kCreate(&handle_));
    POLARIS_LIBRARY(kSetStream(handle_, stream.get()));
  }
  ~LibraryHandle() { kDestroy(handle_); }
  LibraryHandle(const LibraryHandle&) = delete;
  LibraryHandle& operator=(const LibraryHandle&) = delete;

  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using BlasHandle = LibraryHandle<cublasHandle_t, cublasCreate, cublasSetStream, cublasDestroy>;
using SolverHandle =
    LibraryHandle<cusolverDnHandle_t, cusolverDnCreate, cusolverDnSetStream, cusolverDnDestroy>;

}  // namespace polaris
