#include "kernels/device/launch.cuh"
#include "tests/simt/warp_kernels.cuh"

namespace {

__global__ void warp_operations(unsigned mask, int argument, int width, const unsigned* value,
                                WarpResults* result) {
  const unsigned lane = threadIdx.x;
  if ((mask >> lane & 1u) == 0) return;
  const unsigned mine = value[lane];
  WarpResults out{};
  out.shuffle = __shfl_sync(mask, mine, argument, width);
  out.up = __shfl_up_sync(mask, mine, static_cast<unsigned>(argument), width);
  out.down = __shfl_down_sync(mask, mine, static_cast<unsigned>(argument), width);
  out.exchange = __shfl_xor_sync(mask, mine, argument, width);
  out.ballot = __ballot_sync(mask, mine % 3 == 0);
  out.any = __any_sync(mask, mine % 31 == 0);
  out.all = __all_sync(mask, mine % 31 != 0);
  out.sum = __reduce_add_sync(mask, mine);
  out.least = __reduce_min_sync(mask, mine);
  out.greatest = __reduce_max_sync(mask, mine);
  result[lane] = out;
}

__global__ void block_count(const unsigned* value, unsigned* result, unsigned* total) {
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  const int below = __syncthreads_count(value[index] < 100);
  if (threadIdx.x == 0) result[blockIdx.x] = static_cast<unsigned>(below);
  if (value[index] < 100) atomicAdd(total, 1u);
}

}  // namespace

void run_warp_operations(unsigned mask, int argument, int width, const unsigned* value,
                         WarpResults* result) {
  polaris::launch(warp_operations, {1, 32}, nullptr, mask, argument, width, value, result);
}

void run_block_count(int blocks, int threads, const unsigned* value, unsigned* result,
                     unsigned* total) {
  polaris::launch(block_count, {static_cast<unsigned>(blocks), static_cast<unsigned>(threads)},
                  nullptr, value, result, total);
}
