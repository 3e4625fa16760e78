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

class BlasHandle {
 public:
  explicit BlasHandle(const DeviceStream& stream) {
    POLARIS_LIBRARY(cublasCreate(&handle_));
    POLARIS_LIBRARY(cublasSetStream(handle_, stream.get()));
  }
  ~BlasHandle() { cublasDestroy(handle_); }
  BlasHandle(const BlasHandle&) = delete;
  BlasHandle& operator=(const BlasHandle&) = delete;

  cublasHandle_t get() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

class SolverHandle {
 public:
  explicit SolverHandle(const DeviceStream& stream) {
    POLARIS_LIBRARY(cusolverDnCreate(&handle_));
    POLARIS_LIBRARY(cusolverDnSetStream(handle_, stream.get()));
  }
  ~SolverHandle() { cusolverDnDestroy(handle_); }
  SolverHandle(const SolverHandle&) = delete;
  SolverHandle& operator=(const SolverHandle&) = delete;

  cusolverDnHandle_t get() const { return handle_; }

 private:
  cusolverDnHandle_t handle_ = nullptr;
};

}  // namespace polaris
