// Graphs: captured from streams, run as CUDA may run them, in any order that respects the edges.
#include <algorithm>

#include "tests/simt/executor.hpp"

namespace simt {

struct ExecutableGraph {
  std::vector<Node> nodes;
};

namespace {

/// Whether all captured work happens before the origin's next operation.
bool joined(const Graph& graph) {
  std::vector<char> reached(graph.nodes.size(), 0);
  std::vector<int> open = graph.origin->tail;
  while (!open.empty()) {
    const auto node = static_cast<std::size_t>(open.back());
    open.pop_back();
    if (reached[node] != 0) continue;
    reached[node] = 1;
    open.insert(open.end(), graph.nodes[node].after.begin(), graph.nodes[node].after.end());
  }
  return std::find(reached.begin(), reached.end(), 0) == reached.end();
}

cudaError_t run(const ExecutableGraph& graph) {
  cudaError_t out = cudaSuccess;
  std::vector<char> done(graph.nodes.size(), 0);
  const auto may_run = [&](std::size_t node) {
    return done[node] == 0 &&
           std::all_of(graph.nodes[node].after.begin(), graph.nodes[node].after.end(),
                       [&](int before) { return done[static_cast<std::size_t>(before)] != 0; });
  };
  for (std::size_t left = graph.nodes.size(); left > 0; --left) {
    std::vector<std::size_t> ready;
    for (std::size_t node = 0; node < graph.nodes.size(); ++node)
      if (may_run(node)) ready.push_back(node);
    const std::size_t chosen = ready[random_below(ready.size())];
    done[chosen] = 1;
    if (const cudaError_t error = graph.nodes[chosen].work.run()) out = error;
  }
  return out;
}

bool same_topology(const std::vector<Node>& a, const std::vector<Node>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Node& x, const Node& y) {
    return x.after == y.after && x.work.kernel == y.work.kernel;
  });
}

}  // namespace
}  // namespace simt

using namespace simt;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
  const Entered lock;
  if (handle == nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  if (handle->capture != nullptr) return failed(cudaErrorInvalidValue);
  handle->capture = new Graph{handle, {}, false};
  handle->tail.clear();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* out) {
  const Entered lock;
  *out = nullptr;
  if (handle == nullptr || handle->capture == nullptr || handle->capture->origin != handle)
    return failed(cudaErrorInvalidValue);
  Graph* const graph = handle->capture;
  const bool complete = joined(*graph);
  for (Stream* stream : all_streams()) {
    if (stream->capture != graph) continue;
    stream->capture = nullptr;
    stream->tail.clear();
  }
  if (!complete || graph->broken) {
    const bool broken = graph->broken;
    delete graph;
    return failed(broken ? cudaErrorStreamCaptureInvalidated : cudaErrorStreamCaptureUnjoined);
  }
  *out = graph;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  const Entered lock;
  *executable = new ExecutableGraph{graph->nodes};
  return cudaSuccess;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* result) {
  const Entered lock;
  const bool same = same_topology(executable->nodes, graph->nodes);
  result->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
  if (!same) return failed(cudaErrorGraphExecUpdateFailure);
  const cudaError_t pending = drain(nullptr);  // launches queued before run as they were
  executable->nodes = graph->nodes;
  return pending;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Entered lock;
  return push(stream, {[executable] { return run(*executable); }});
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Entered lock;
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Entered lock;
  const cudaError_t pending = drain(nullptr);
  delete executable;
  return pending;
}
