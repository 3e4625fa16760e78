// out[b] = the k smallest (objective(decode(i)), i) over the indices i of block b, i feasible.
//
// Inputs     a range of indices; the split tables (a few KiB, read through the caches); the view,
//            about 1.3 KiB, as a kernel parameter in constant memory.
// Work split grid-stride over the range: a thread scores one index per round, a block keeps its k
//            best (kernels/device/block_top_k.cuh).
// Memory     2 * max(256, k) entries of shared memory per block (8 to 32 KiB); DRAM traffic is k
//            entries per block and launch.
// Precision  the model in integers and IEEE double without contraction (--fmad=false): bit-equal to
//            the host's analytical_score.
// Order      total (ties to the smaller index), so the result does not depend on the grid.
// Bound      instruction issue: decoding divides 64-bit integers a dozen times, the model is
//            integer and double arithmetic. Loop bounds and orders are indexed at run time, so
//            half a KiB per thread lies in local memory, that is in L1. Not yet measured on a GPU.

#include "kernels/device/block_top_k.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/warp_product.cuh"
#include "kernels/port.cuh"
#include "kernels/space_score.cuh"

namespace polaris {
namespace {

constexpr unsigned kTopKThreads = 128;
/// The model needs about 150 registers (ptxas -v): three blocks of 128
/// threads fit a multiprocessor's 64 Ki. Four would have to make do with 128 each, and spill.
constexpr int kBlocksPerMultiprocessor = 3;

// __grid_constant__: members of the view are read where the parameter lies; without it their
// addresses would force a copy of the whole into every thread's local memory.
__global__ void __launch_bounds__(kTopKThreads, kBlocksPerMultiprocessor)
    space_score_kernel(const __grid_constant__ SpaceScoreParams params) {
  DYN_SHARED(ScoredIndex, items);
  __shared__ unsigned waiting;
  BlockTopK<kTopKThreads> top(items, &waiting, params.k, params.best[params.k - 1], nullptr);
  unsigned feasible = 0;
  const std::uint64_t stride = std::uint64_t{gridDim.x} * kTopKThreads;
  // The block's threads leave the loop together, because offer() is a barrier.
  for (std::uint64_t first = std::uint64_t{blockIdx.x} * kTopKThreads; first < params.count;
       first += stride) {
    ScoredIndex candidate = no_candidate();
    if (first + threadIdx.x < params.count) {
      candidate.index = params.begin + first + threadIdx.x;
      candidate.score = analytical_score(params.view, candidate.index, params.objective);
    }
    feasible += is_candidate(candidate) ? 1u : 0u;
    top.offer(candidate);
  }
  top.finish(params.block_best +
             static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(params.k));
  // Integers: the order of the atomic additions does not show in the sum.
  const unsigned warp_feasible = __reduce_add_sync(kWholeWarp, feasible);
  if (threadIdx.x % kWarpThreads == 0)
    atomicAdd(params.feasible, static_cast<unsigned long long>(warp_feasible));
}

}  // namespace

int space_score_blocks() { return kBlocksPerMultiprocessor * multiprocessor_count(); }

void space_score(const SpaceScoreParams& params, const DeviceStream& stream) {
  launch(space_score_kernel,
         {static_cast<unsigned>(params.blocks), kTopKThreads,
          top_k_items(params.k, kTopKThreads) * sizeof(ScoredIndex)},
         stream.get(), params);
}

}  // namespace polaris
