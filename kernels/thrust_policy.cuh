// Thrust on a stream. Not in port.cuh: Thrust's headers are heavy, and few kernels need them.
#pragma once

#include <cuda_runtime.h>

#if defined(__CUDACC__)
#include <thrust/system/cuda/execution_policy.h>
#else
#include <thrust/system/cpp/execution_policy.h>

#include "simt/library.hpp"
#endif

namespace polaris {

#if defined(__CUDACC__)
/// For algorithms on device memory, in the order of `stream`; the host need not wait.
inline auto thrust_policy(cudaStream_t stream) { return thrust::cuda::par_nosync.on(stream); }
#else
/// Runs on the host, once the work queued on `stream` is done.
struct ThrustPolicy : thrust::cpp::execution_policy<ThrustPolicy> {
  explicit ThrustPolicy(cudaStream_t stream) : section(stream) {}
  simt::HostSection section;
};
inline ThrustPolicy thrust_policy(cudaStream_t stream) { return ThrustPolicy(stream); }
#endif

}  // namespace polaris
