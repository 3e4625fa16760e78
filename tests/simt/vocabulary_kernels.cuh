// Kernels that use the rest of the device vocabulary, one area each.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// What atomics of every kind leave behind.
struct AtomicResults {
  int sum, difference, least, greatest, last, swaps;
  unsigned both, either, odd, wrapped, fallen;
  unsigned long long wide_sum, wide_greatest, wide_swaps;
  float float_sum;
  double double_sum;
};
/// value[0, blocks * 64); results: [1], as the test sets them before.
void run_atomics(int blocks, const int* value, AtomicResults* results);

struct LaneResults {
  int least, greatest;  ///< signed
  unsigned all_bits, any_bits, odd_bits, same;
};
/// result[lane] over the lanes of `mask`; one warp.
void run_lane_reductions(unsigned mask, const int* value, LaneResults* result);

inline constexpr int kFunctions = 9;
/// result[f * count + i] = function f of x[i]: exp, log, log2, 1/sqrt, sqrt, 1/x, x/3, normal
/// distribution function, bfloat16 and back.
void run_functions(int count, const float* x, float* result);

/// d = a * b + c by tensor cores. Row-major; b 16 x 16 (bfloat16 shapes) or 8 x 16 (tf32), a to
/// fit.
enum class Product { wmma_tf32, wmma_bf16, mma_tf32, mma_bf16 };
void run_product(Product product, const float* a, const float* b, const float* c, float* d);

/// sum[0] = sum of value[0, tiles * 64), through asynchronous copies of one tile ahead.
void run_async_sum(int tiles, const float* value, float* sum);

/// out[i] = sums of vectors of 2 and 4 elements of in[0, 8 * 32), one thread each.
void run_vectors(const float* in, float* out);

/// out[i] = x[i] rotated through an array on the stack, divided and shifted as 64-bit integers.
void run_integers(int count, const std::int64_t* x, std::int64_t* out);

/// value[0, 64) *= factor, needing `shared_bytes` of dynamic shared memory.
void queue_scale(float* value, float factor, std::size_t shared_bytes, cudaStream_t stream);
/// The same by a raw launch without any opt-in.
cudaError_t launch_scale_raw(float* value, std::size_t shared_bytes);
