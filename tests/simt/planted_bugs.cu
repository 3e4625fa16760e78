#include <mma.h>

#include "kernels/device/launch.cuh"
#include "kernels/port.cuh"
#include "tests/simt/planted_bugs.cuh"

namespace {

constexpr int kN = kPlantThreads;
constexpr unsigned kFull = 0xFFFFFFFFu;

template <bool kBug>
__global__ void missing_barrier(const float* in, float* out) {
  __shared__ float s[kN];
  const unsigned t = threadIdx.x;
  s[t] = in[t];
  if (!kBug) __syncthreads();
  out[t] = s[kN - 1 - t];
}

template <bool kBug>
__global__ void missing_barrier_before_overwrite(const float* in, float* out) {
  __shared__ float s[kN];
  const unsigned t = threadIdx.x;
  float sum = 0;
  for (int i = 0; i < 4; ++i) {
    s[t] = in[t];
    __syncthreads();
    sum += s[(t + 37) % kN];
    if (!kBug) __syncthreads();
  }
  out[t] = sum;
}

template <bool kBug>
__global__ void warp_barrier_for_block(const float* in, float* out) {
  __shared__ float s[kN];
  const unsigned t = threadIdx.x;
  s[t] = in[t];
  if (kBug)
    __syncwarp();
  else
    __syncthreads();
  out[t] = s[(t + 32) % kN];
}

template <bool kBug>
__global__ void shuffle_as_barrier(const float* in, float* out) {
  __shared__ float s[kN];
  const unsigned t = threadIdx.x;
  s[t] = in[t];
  const float other = __shfl_xor_sync(kFull, in[t], 1);
  if (!kBug) __syncwarp();
  out[t] = s[t ^ 1] - other;
}

template <bool kBug>
__global__ void sum_without_atomics(const float* in, float* out) {
  if (threadIdx.x == 0) out[0] = 0;
  __syncthreads();
  if (kBug)
    out[0] += in[threadIdx.x];
  else
    atomicAdd(&out[0], in[threadIdx.x]);
}

__global__ void blocks_share_a_word(const float* in, float* out) {
  if (threadIdx.x == 0) out[0] = in[blockIdx.x];
}

template <bool kBug>
__global__ void plain_read_of_counter(const float*, float* out) {
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1);
  if (!kBug) __syncthreads();
  out[threadIdx.x] = static_cast<float>(count);
}

__global__ void shared_index_past_end(const float* in, float* out) {
  __shared__ float s[kN];
  s[threadIdx.x + 1] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x == 0 ? 1 : threadIdx.x];
}

__global__ void shared_row_past_end(const float* in, float* out) {
  __shared__ float s[4][32];
  const unsigned row = threadIdx.x / 32, column = threadIdx.x % 32;
  s[row][column] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = row < 3 ? s[row][column + 1] : 0;
}

__global__ void shared_pointer_far_outside(const float* in, float* out) {
  __shared__ float s[kN];
  float* p = s;
  p[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = p[threadIdx.x + (1u << 20)];
}

__global__ void dynamic_shared_past_end(const float* in, float* out) {
  DYN_SHARED(float, s);
  s[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x + 1];
}

__global__ void local_index_past_end(const float* in, float* out) {
  float local[8];
  for (int i = 0; i < 8; ++i) local[i] = in[threadIdx.x];
  out[threadIdx.x] = local[(threadIdx.x & 7) + (in[threadIdx.x] < 0 ? 0 : 1)];
}

__global__ void copy_from(const float* in, float* out, int offset) {
  out[threadIdx.x] = in[static_cast<int>(threadIdx.x) + offset];
}

__global__ void copy_to(const float* in, float* out, int offset) {
  out[static_cast<int>(threadIdx.x) + offset] = in[threadIdx.x];
}

template <bool kBug>
__global__ void shared_never_written(const float* in, float* out) {
  __shared__ float s[kN + 1];
  const unsigned t = threadIdx.x;
  s[t] = in[t];
  if (!kBug && t == 0) s[kN] = 0;
  __syncthreads();
  const float next = s[t + 1];
  out[t] = t + 1 < kN ? next : 0.0f;  // right in every run: the value is thrown away
}

__global__ void shuffle_in_divergent_branch(const float* in, float* out) {
  float v = in[threadIdx.x];
  if (threadIdx.x % 32 < 16) v += __shfl_down_sync(kFull, v, 8);
  out[threadIdx.x] = v;
}

__global__ void lane_outside_its_mask(const float* in, float* out) {
  out[threadIdx.x] = __shfl_down_sync(0x0000FFFFu, in[threadIdx.x], 1);
}

__global__ void source_outside_mask(const float* in, float* out) {
  float v = in[threadIdx.x];
  if (threadIdx.x % 32 < 16) v = __shfl_down_sync(0x0000FFFFu, v, 1);
  out[threadIdx.x] = v;
}

__global__ void lanes_at_different_operations(const float* in, float* out) {
  if (threadIdx.x % 2 == 0)
    out[threadIdx.x] = __shfl_xor_sync(kFull, in[threadIdx.x], 1);
  else
    out[threadIdx.x] = static_cast<float>(__ballot_sync(kFull, 1));
}

__global__ void divergent_barrier(const float* in, float* out) {
  __shared__ float s[kN];
  s[threadIdx.x] = in[threadIdx.x];
  if (threadIdx.x < 64) {
    __syncthreads();
    out[threadIdx.x] = s[kN - 1 - threadIdx.x];
  } else {
    __syncthreads();
    out[threadIdx.x] = s[kN - 1 - threadIdx.x];
  }
}

__global__ void return_before_barrier(const float* in, float* out) {
  if (threadIdx.x >= 100) return;
  __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

__global__ void lanes_wait_for_each_other(const float* in, float* out) {
  // Lane 0 waits for the warp at __syncwarp, the warp for lane 0 at the barrier.
  if (threadIdx.x == 0) __syncwarp();
  __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

__global__ void barriers_in_unequal_loops(const float* in, float* out) {
  for (int i = 0; i < (threadIdx.x < 64 ? 2 : 1); ++i) __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

template <bool kBug>
__global__ void lanes_share_a_word(const float* in, float* out) {
  __shared__ float s[kN];
  const unsigned t = threadIdx.x;
  s[t] = in[t];
  if (!kBug) __syncwarp();
  out[t] = s[t ^ 1];
}

__global__ void blocks_add_without_atomics(const float* in, float* out) {
  if (threadIdx.x == 0) out[0] += in[blockIdx.x];
}

/// The last block to finish adds what all have left behind.
template <bool kBug>
__global__ void last_block(const float* in, float* out) {
  __shared__ bool last;
  float* const partial = out + 1;
  auto* const done = reinterpret_cast<unsigned*>(out + kN - 1);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = in[blockIdx.x];
    if (!kBug) __threadfence();
    last = atomicAdd(done, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last || threadIdx.x >= 32) return;
  float sum = threadIdx.x < gridDim.x ? partial[threadIdx.x] : 0.0f;
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(kFull, sum, step);
  if (threadIdx.x == 0) out[0] = sum;
}

enum class Omission { none, wait, barrier };
template <Omission kOmission>
__global__ void async_copy(const float* in, float* out) {
  __shared__ __align__(16) float s[kN];
  const unsigned t = threadIdx.x;
  __pipeline_memcpy_async(&s[t], &in[t], sizeof(float));
  __pipeline_commit();
  if (kOmission != Omission::wait) __pipeline_wait_prior(0);
  if (kOmission != Omission::barrier) __syncthreads();
  out[t] = s[kN - 1 - t];
  if (kOmission == Omission::wait) __pipeline_wait_prior(0);
}

__global__ void async_copy_left_behind(const float* in, float* out) {
  __shared__ __align__(16) float s[kN];
  __pipeline_memcpy_async(&s[threadIdx.x], &in[threadIdx.x], sizeof(float));
  __pipeline_commit();
  out[threadIdx.x] = in[threadIdx.x];
}

__global__ void async_copy_misaligned(const float* in, float* out) {
  __shared__ __align__(16) float s[kN];
  if (threadIdx.x == 0) __pipeline_memcpy_async(&s[0], &in[1], 16);
  __pipeline_commit();
  __pipeline_wait_prior(0);
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x % 4];
}

/// From one shared array into the next, which has been written.
__global__ void pointer_into_neighbour(const float* in, float* out) {
  __shared__ float a[kN];
  __shared__ float b[kN];
  float *p = a, *q = b;
  p[threadIdx.x] = in[threadIdx.x];
  q[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  const int past = in[0] > 0 ? 1 : 0;  // not known to the compiler
  out[threadIdx.x] =
      p[static_cast<int>(threadIdx.x) + past] + q[static_cast<int>(threadIdx.x) + past];
}

__global__ void counter_never_set(const float*, float* out) {
  __shared__ int count;
  atomicAdd(&count, 1);
  out[threadIdx.x] = 0;
}

__global__ void trapped(const float* in, float* out) {
  if (in[threadIdx.x] > 0) __trap();
  out[threadIdx.x] = 0;
}

__global__ void fragment_copy(const float* in, float* out) {
  using namespace nvcuda;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> f;
  wmma::load_matrix_sync(f, in, 16, wmma::mem_row_major);
  for (int i = 0; i < f.num_elements; ++i)
    out[static_cast<int>(threadIdx.x) * f.num_elements + i] = f.x[i];
}

__global__ void misaligned_vector(const float* in, float* out) {
  const float4 v = *reinterpret_cast<const float4*>(in + 1);
  out[threadIdx.x] = v.x;
}

__global__ void overflow(const float* in, float* out) {
  const int huge = 0x7FFFFFFF;
  out[threadIdx.x] = static_cast<float>(huge + static_cast<int>(in[threadIdx.x]));
}

__global__ void shift_out_of_range(const float* in, float* out) {
  out[threadIdx.x] = static_cast<float>(1 << static_cast<int>(32 * in[threadIdx.x]));
}

using Kernel = void (*)(const float*, float*);

template <Kernel kKernel, unsigned kBlocks = 1, unsigned kSharedBytes = 0>
void run(const float* in, float* out) {
  polaris::launch(kKernel, {kBlocks, kN, kSharedBytes}, nullptr, in, out);
}

template <int kOffset>
void run_copy_from(const float* in, float* out) {
  polaris::launch(copy_from, {1, kN}, nullptr, in, out, kOffset);
}

void run_copy_to(const float* in, float* out) {
  polaris::launch(copy_to, {1, kN}, nullptr, in, out, 1);
}

void run_on_host_memory(const float*, float* out) {
  static const std::vector<float> host(kN, 1.0f);
  polaris::launch(copy_from, {1, kN}, nullptr, host.data(), out, 0);
}

void run_on_fresh_memory(const float*, float* out) {
  void* fresh = nullptr;
  POLARIS_CUDA(cudaMalloc(&fresh, kN * sizeof(float)));
  polaris::launch(copy_from, {1, kN}, nullptr, static_cast<const float*>(fresh), out, 0);
}

void run_on_freed_memory(const float*, float* out) {
  void* freed = nullptr;
  POLARIS_CUDA(cudaMalloc(&freed, kN * sizeof(float)));
  POLARIS_CUDA(cudaFree(freed));
  polaris::launch(copy_from, {1, kN}, nullptr, static_cast<const float*>(freed), out, 0);
}

Seen everywhere(simt::Fault fault) { return {fault, fault, fault}; }
Seen by_checkers(simt::Fault fault) { return {fault, fault, {}}; }
/// PTX holds no more trace of it: bounds of rows, undefined arithmetic, vectors that nvcc splits.
Seen in_source(simt::Fault fault) { return {fault, {}, {}}; }

}  // namespace

const std::vector<Plant>& plants() {
  using enum simt::Fault;
  const Seen sound{.checked = {}, .ptx = {}, .plain = {}, .sound = true};
  static const std::vector<Plant> all = {
      {"MissingBarrier", run<missing_barrier<true>>, by_checkers(race)},
      {"MissingBarrierTwin", run<missing_barrier<false>>, sound},
      {"MissingBarrierBeforeOverwrite", run<missing_barrier_before_overwrite<true>>,
       by_checkers(race)},
      {"MissingBarrierBeforeOverwriteTwin", run<missing_barrier_before_overwrite<false>>, sound},
      {"WarpBarrierForBlock", run<warp_barrier_for_block<true>>, by_checkers(race)},
      {"WarpBarrierForBlockTwin", run<warp_barrier_for_block<false>>, sound},
      {"ShuffleAsBarrier", run<shuffle_as_barrier<true>>, by_checkers(race)},
      {"ShuffleAsBarrierTwin", run<shuffle_as_barrier<false>>, sound},
      {"SumWithoutAtomics", run<sum_without_atomics<true>>, by_checkers(race)},
      {"SumWithoutAtomicsTwin", run<sum_without_atomics<false>>, sound},
      {"BlocksShareAWord", run<blocks_share_a_word, 8>, by_checkers(race)},
      {"PlainReadOfCounter", run<plain_read_of_counter<true>>, by_checkers(race)},
      {"PlainReadOfCounterTwin", run<plain_read_of_counter<false>>, sound},
      {"SharedIndexPastEnd", run<shared_index_past_end>, by_checkers(out_of_bounds)},
      {"SharedRowPastEnd", run<shared_row_past_end>, in_source(out_of_bounds)},
      {"SharedPointerFarOutside",
       run<shared_pointer_far_outside>,
       {.checked = host_memory, .ptx = out_of_bounds, .plain = {}}},
      {"DynamicSharedPastEnd", run<dynamic_shared_past_end, 1, kN * sizeof(float)>,
       everywhere(out_of_bounds)},
      {"LocalIndexPastEnd", run<local_index_past_end>, by_checkers(out_of_bounds)},
      {"GlobalReadPastEnd", run_copy_from<1>, everywhere(out_of_bounds)},
      {"GlobalReadFarOutside", run_copy_from<1000000>, everywhere(out_of_bounds)},
      {"GlobalWritePastEnd", run_copy_to, everywhere(out_of_bounds)},
      {"FreedMemory", run_on_freed_memory, everywhere(out_of_bounds)},
      {"HostMemory", run_on_host_memory, by_checkers(host_memory)},
      {"SharedNeverWritten", run<shared_never_written<true>>, by_checkers(uninitialised)},
      {"SharedNeverWrittenTwin", run<shared_never_written<false>>, sound},
      {"GlobalNeverWritten", run_on_fresh_memory, by_checkers(uninitialised)},
      {"ShuffleInDivergentBranch", run<shuffle_in_divergent_branch>, everywhere(warp)},
      {"LaneOutsideItsMask", run<lane_outside_its_mask>, everywhere(warp)},
      {"SourceOutsideMask", run<source_outside_mask>, everywhere(warp)},
      {"LanesAtDifferentOperations", run<lanes_at_different_operations>, everywhere(warp)},
      {"DivergentBarrier", run<divergent_barrier>, everywhere(barrier)},
      {"ReturnBeforeBarrier", run<return_before_barrier>, everywhere(barrier)},
      {"LanesWaitForEachOther", run<lanes_wait_for_each_other>, everywhere(deadlock)},
      {"MisalignedVector", run<misaligned_vector>, in_source(misaligned)},
      {"SignedOverflow", run<overflow>, in_source(arithmetic)},
      {"ShiftOutOfRange", run<shift_out_of_range>, in_source(arithmetic)},
      {"BarriersInUnequalLoops", run<barriers_in_unequal_loops>, everywhere(barrier)},
      {"LanesShareAWord", run<lanes_share_a_word<true>>, by_checkers(race)},
      {"LanesShareAWordTwin", run<lanes_share_a_word<false>>, sound},
      {"BlocksAddWithoutAtomics", run<blocks_add_without_atomics, 8>, by_checkers(race)},
      {"LastBlockWithoutFence", run<last_block<true>, 8>, by_checkers(race)},
      {"LastBlockTwin", run<last_block<false>, 8>, sound},
      {"AsyncCopyNotWaitedFor", run<async_copy<Omission::wait>>, by_checkers(uninitialised)},
      {"AsyncCopyWithoutBarrier", run<async_copy<Omission::barrier>>, by_checkers(race)},
      {"AsyncCopyTwin", run<async_copy<Omission::none>>, sound},
      {"AsyncCopyLeftBehind", run<async_copy_left_behind>, everywhere(race)},
      {"AsyncCopyMisaligned", run<async_copy_misaligned>, everywhere(misaligned)},
      {"PointerIntoNeighbour",
       run<pointer_into_neighbour>,
       {.checked = {}, .ptx = out_of_bounds, .plain = {}}},
      {"CounterNeverSet", run<counter_never_set>, by_checkers(uninitialised)},
      {"Trapped", run<trapped>, everywhere(trap)},
  };
  return all;
}

void launch_copy(const float* input, float* output, cudaStream_t stream, int threads,
                 int shared_bytes) {
  polaris::launch(copy_from,
                  {1, static_cast<unsigned>(threads), static_cast<std::size_t>(shared_bytes)},
                  stream, input, output, 0);
}

void launch_fragment_copy(const float* input, float* output) {
  polaris::launch(fragment_copy, {1, 32}, nullptr, input, output);
}
