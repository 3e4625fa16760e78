// A recorded sequence of launches, started by one call.
#pragma once

#include <utility>

#include "kernels/device/check.hpp"
#include "kernels/device/stream.hpp"

namespace polaris {

class DeviceGraph {
 public:
  /// Records what `queue_work()` queues on `stream`, without running it. Pointers are recorded, not
  /// what they point to.
  template <class QueueWork>
  DeviceGraph(const DeviceStream& stream, const QueueWork& queue_work) {
    cudaGraph_t graph = nullptr;
    // Thread-local: other threads may allocate meanwhile.
    POLARIS_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
    try {
      queue_work();
    } catch (...) {
      if (cudaStreamEndCapture(stream.get(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
      throw;
    }
    POLARIS_CUDA(cudaStreamEndCapture(stream.get(), &graph));
    const cudaError_t error = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    POLARIS_CUDA(error);
  }
  ~DeviceGraph() { cudaGraphExecDestroy(executable_); }
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;

  void launch(const DeviceStream& stream) const {
    POLARIS_CUDA(cudaGraphLaunch(executable_, stream.get()));
  }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace polaris
