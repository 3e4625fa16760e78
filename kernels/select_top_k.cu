// best = the k first of best and candidates in ranking order (score, then index).
//
// Work split one block streams over all candidates, kThreads a round. One is enough: it merges what
//            other kernels have left of tens of millions of points, and all but a handful fail the
//            comparison with the k-th best.
// Memory     32 KiB of shared memory, or for k > kMaxSharedTopK up to 512 KiB of device memory,
//            which stay in the L2 cache; each candidate is read once, 16 bytes.
// Precision  none: scores are only compared.
// Bound      latency of the loads of one block.

#include "kernels/device/block_top_k.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/port.cuh"
#include "kernels/select_top_k.cuh"

namespace polaris {
namespace {

constexpr unsigned kThreads = 512;

__global__ void __launch_bounds__(kThreads, 1) select_top_k_kernel(SelectTopKParams params) {
  DYN_SHARED(ScoredIndex, shared_items);
  __shared__ unsigned waiting;
  BlockTopK<kThreads> top(params.k <= kMaxSharedTopK ? shared_items : params.workspace, &waiting,
                          params.k, params.best[params.k - 1], params.best);
  const std::int64_t count = *params.count;
  for (std::int64_t first = 0; first < count; first += kThreads) {
    const std::int64_t i = first + threadIdx.x;
    top.offer(i < count ? params.candidates[i] : no_candidate());
  }
  top.finish(params.best);
}

}  // namespace

std::size_t select_top_k_workspace(int k) {
  return k <= kMaxSharedTopK ? 0 : top_k_items(k, kThreads);
}

void select_top_k(const SelectTopKParams& params, const DeviceStream& stream) {
  const std::size_t shared_items = params.k <= kMaxSharedTopK ? top_k_items(params.k, kThreads) : 0;
  launch(select_top_k_kernel, {1, kThreads, shared_items * sizeof(ScoredIndex)}, stream.get(),
         params);
}

}  // namespace polaris
