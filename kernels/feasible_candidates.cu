// feasible = { p : check(decode(index of candidate p)) is feasible }
//
// Later kernels see full tiles whatever part of a space can run, often a tenth.
//
// Inputs     a range or a list of indices; the view, about 1.3 KiB, in constant memory.
// Work split grid-stride, a candidate a thread and round; a warp appends its feasible together.
// Memory     DRAM traffic is 4 bytes per feasible candidate, and 8 per listed index.
// Order      of the list: ascending within a warp's round, else undefined; what is made of the list
//            must not depend on it.
// Bound      instruction issue: decoding divides 64-bit integers a dozen times.

#include "kernels/device/append.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/warp_product.cuh"
#include "kernels/feasible_candidates.cuh"

namespace polaris {
namespace {

constexpr unsigned kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    feasible_candidates_kernel(const __grid_constant__ FeasibleCandidatesParams params) {
  const unsigned lane = threadIdx.x % kWarpThreads;
  const std::uint64_t first_of_tile = params.tile->first;
  const std::uint32_t count = params.tile->count;
  const std::uint32_t entry = params.entry != nullptr ? *params.entry : 0;
  // A warp's threads leave the loop together, because they vote.
  for (std::uint64_t first = std::uint64_t{blockIdx.x} * kThreads + threadIdx.x - lane;
       first < count; first += std::uint64_t{gridDim.x} * kThreads) {
    const std::uint64_t place = first + lane;
    bool feasible = false;
    if (place < count) {
      const DesignPoint point =
          params.source.space.decode(params.source.index(first_of_tile + place));
      feasible = check(params.source.space.layer, point) == Feasibility::feasible;
    }
    append(params.lists[entry], feasible, static_cast<std::uint32_t>(place));
  }
}

}  // namespace

void feasible_candidates(const FeasibleCandidatesParams& params, const DeviceStream& stream) {
  launch(feasible_candidates_kernel, {static_cast<unsigned>(params.blocks), kThreads}, stream.get(),
         params);
}

}  // namespace polaris
