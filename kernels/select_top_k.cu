// best = the k first of best and candidates in ranking order (score, then index).
//
// Work split one block streams over all candidates, kTopKThreads a round. One is enough: it merges
//            what the blocks have left of a tile, a few hundred short lists for tens of millions of
//            points, and all but a handful fail the comparison with the k-th best.
// Memory     8 to 32 KiB of shared memory; each candidate is read once, 16 bytes.
// Precision  none: scores are only compared.
// Bound      latency of the loads of one block.

#include "kernels/device/block_top_k.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/port.cuh"
#include "kernels/select_top_k.cuh"

namespace polaris {
namespace {

__global__ void __launch_bounds__(kTopKThreads) select_top_k_kernel(SelectTopKParams params) {
  DYN_SHARED(ScoredIndex, items);
  __shared__ unsigned waiting;
  BlockTopK top(items, &waiting, params.k, params.best[params.k - 1], params.best);
  for (std::int64_t first = 0; first < params.count; first += kTopKThreads) {
    const std::int64_t i = first + threadIdx.x;
    top.offer(i < params.count ? params.candidates[i] : no_candidate());
  }
  top.finish(params.best);
}

}  // namespace

void select_top_k(const SelectTopKParams& params, const DeviceStream& stream) {
  launch(select_top_k_kernel, {1, kTopKThreads, top_k_shared_bytes(params.k)}, stream.get(),
         params);
}

}  // namespace polaris
