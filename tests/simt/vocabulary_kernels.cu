#include <mma.h>

#include "kernels/device/launch.cuh"
#include "kernels/port.cuh"
#include "tests/simt/vocabulary_kernels.cuh"

namespace {

constexpr int kThreads = 64;
constexpr unsigned kFull = 0xFFFFFFFFu;

__global__ void atomics(const int* value, AtomicResults* r) {
  const int v = value[blockIdx.x * kThreads + threadIdx.x];
  const auto bits = static_cast<unsigned>(v);
  atomicAdd(&r->sum, v);
  atomicSub(&r->difference, v);
  atomicMin(&r->least, v);
  atomicMax(&r->greatest, v);
  atomicExch(&r->last, v);
  int seen = 0, expected = 0;
  do {
    expected = seen;
    seen = atomicCAS(&r->swaps, expected, expected + 1);
  } while (seen != expected);
  atomicAnd(&r->both, bits);
  atomicOr(&r->either, bits);
  atomicXor(&r->odd, bits);
  atomicInc(&r->wrapped, 9u);
  atomicDec(&r->fallen, 9u);
  atomicAdd(&r->wide_sum, static_cast<unsigned long long>(bits) << 20);
  atomicMax(&r->wide_greatest, static_cast<unsigned long long>(bits) << 20);
  unsigned long long wide_seen = 0, wide_expected = 0;
  do {
    wide_expected = wide_seen;
    wide_seen = atomicCAS(&r->wide_swaps, wide_expected, wide_expected + (1ull << 33));
  } while (wide_seen != wide_expected);
  atomicAdd(&r->float_sum, static_cast<float>(v));
  atomicAdd(&r->double_sum, static_cast<double>(v));
}

__global__ void lane_reductions(unsigned mask, const int* value, LaneResults* result) {
  const unsigned lane = threadIdx.x;
  if ((mask >> lane & 1u) == 0) return;
  const int v = value[lane];
  const auto bits = static_cast<unsigned>(v);
  LaneResults out;
  out.least = __reduce_min_sync(mask, v);
  out.greatest = __reduce_max_sync(mask, v);
  out.all_bits = __reduce_and_sync(mask, bits);
  out.any_bits = __reduce_or_sync(mask, bits);
  out.odd_bits = __reduce_xor_sync(mask, bits);
  out.same = __match_any_sync(mask, v);
  result[lane] = out;
}

__global__ void functions(int count, const float* x, float* result) {
  const int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i >= count) return;
  const float v = __ldg(&x[i]);
  float* out = result + i;
  out[0 * count] = __expf(v);
  out[1 * count] = __logf(v);
  out[2 * count] = __log2f(v);
  out[3 * count] = rsqrtf(v);
  out[4 * count] = __fsqrt_rn(v);
  out[5 * count] = __frcp_rn(v);
  out[6 * count] = __fdividef(v, 3.0f);
  out[7 * count] = normcdff(v);
  out[8 * count] = __bfloat162float(__float2bfloat16_rn(v));
}

template <class Element, class Stored, int K>
__global__ void wmma_product(const float* a, const float* b, const float* c, float* d) {
  using namespace nvcuda;
  __shared__ __align__(32) Stored as[16 * K], bs[K * 16];
  for (int i = static_cast<int>(threadIdx.x); i < 16 * K; i += 32) {
    if constexpr (sizeof(Stored) == 2) {
      as[i] = __float2bfloat16_rn(a[i]);
      bs[i] = __float2bfloat16_rn(b[i]);
    } else {
      as[i] = a[i];
      bs[i] = b[i];
    }
  }
  __syncwarp();
  wmma::fragment<wmma::matrix_a, 16, 16, K, Element, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, K, Element, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, K, float> acc;
  wmma::load_matrix_sync(fa, as, K);
  wmma::load_matrix_sync(fb, bs, 16);
  wmma::load_matrix_sync(acc, c, 16, wmma::mem_row_major);
  if constexpr (sizeof(Stored) == 4) {
    for (auto& e : fa.x) e = wmma::__float_to_tf32(e);
    for (auto& e : fb.x) e = wmma::__float_to_tf32(e);
  }
  wmma::mma_sync(acc, fa, fb, acc);
  wmma::store_matrix_sync(d, acc, 16, wmma::mem_row_major);
}

// The left half of b and the right half, one product each. Layouts: PTX ISA, section
// "Matrix multiply-accumulate operation using mma instruction".
__global__ void mma_tf32_product(const float* a, const float* b, const float* c, float* d) {
  const unsigned group = threadIdx.x / 4, member = threadIdx.x % 4;
  for (unsigned n = 0; n < 16; n += 8) {
    std::uint32_t fa[4], fb[2];
    float acc[4];
    for (unsigned i = 0; i < 4; ++i) {
      fa[i] = polaris::to_tf32(a[(group + 8 * (i % 2)) * 8 + member + 4 * (i / 2)]);
      acc[i] = c[(group + 8 * (i / 2)) * 16 + n + 2 * member + i % 2];
    }
    for (unsigned i = 0; i < 2; ++i) fb[i] = polaris::to_tf32(b[(member + 4 * i) * 16 + n + group]);
    polaris::mma_m16n8k8_tf32(acc, fa, fb);
    for (unsigned i = 0; i < 4; ++i)
      d[(group + 8 * (i / 2)) * 16 + n + 2 * member + i % 2] = acc[i];
  }
}

__device__ std::uint32_t packed(float low, float high) {
  const std::uint32_t l = __bfloat16_as_ushort(__float2bfloat16_rn(low));
  const std::uint32_t h = __bfloat16_as_ushort(__float2bfloat16_rn(high));
  return l | h << 16;
}

__global__ void mma_bf16_product(const float* a, const float* b, const float* c, float* d) {
  const unsigned group = threadIdx.x / 4, member = threadIdx.x % 4;
  for (unsigned n = 0; n < 16; n += 8) {
    std::uint32_t fa[4], fb[2];
    float acc[4];
    for (unsigned i = 0; i < 4; ++i) {
      const float* pair = a + (group + 8 * (i % 2)) * 16 + 2 * member + 8 * (i / 2);
      fa[i] = packed(pair[0], pair[1]);
      acc[i] = c[(group + 8 * (i / 2)) * 16 + n + 2 * member + i % 2];
    }
    for (unsigned i = 0; i < 2; ++i) {
      const float* pair = b + (2 * member + 8 * i) * 16 + n + group;
      fb[i] = packed(pair[0], pair[16]);
    }
    polaris::mma_m16n8k16_bf16(acc, fa, fb);
    for (unsigned i = 0; i < 4; ++i)
      d[(group + 8 * (i / 2)) * 16 + n + 2 * member + i % 2] = acc[i];
  }
}

__global__ void async_sum(int tiles, const float* value, float* sum) {
  __shared__ __align__(16) float tile[2][kThreads];
  const unsigned t = threadIdx.x;
  const auto fetch = [&](int i) {
    if (t % 4 == 0) __pipeline_memcpy_async(&tile[i % 2][t], &value[i * kThreads + t], 16);
    __pipeline_commit();
  };
  fetch(0);
  float total = 0;
  for (int i = 0; i < tiles; ++i) {
    if (i + 1 < tiles) {
      fetch(i + 1);
      __pipeline_wait_prior(1);
    } else {
      __pipeline_wait_prior(0);
    }
    __syncthreads();
    total += tile[i % 2][kThreads - 1 - t];
    __syncthreads();
  }
  for (int step = 16; step > 0; step /= 2) total += __shfl_down_sync(kFull, total, step);
  if (t % 32 == 0) atomicAdd(sum, total);
}

__global__ void vectors(const float* in, float* out) {
  const float4 four = reinterpret_cast<const float4*>(in)[2 * threadIdx.x];
  const float2 two = reinterpret_cast<const float2*>(in)[4 * threadIdx.x + 2];
  const double2 wide = make_double2(four.x, two.y);
  const int4 whole = make_int4(1, 2, 3, 4);
  out[threadIdx.x] = four.x + four.y + four.z + four.w + two.x + static_cast<float>(wide.y) +
                     static_cast<float>(whole.w);
}

__global__ void integers(int count, const std::int64_t* x, std::int64_t* out) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= count) return;
  std::int64_t local[16];
  for (int j = 0; j < 16; ++j) local[j] = x[i] / (j - 8 == 0 ? 3 : j - 8);
  unsigned long long total = 0;
  for (int j = 0; j < 16; ++j) {
    const auto at = static_cast<unsigned>((x[i] >> j) & 15);
    total = (total << 3) ^ static_cast<unsigned long long>(local[at]) ^
            static_cast<unsigned long long>(local[15 - at] % (j + 1));
    total +=
        static_cast<unsigned long long>(__popcll(total) - __clzll(static_cast<long long>(total)));
  }
  const auto low = static_cast<unsigned>(total);
  const int bits = __clz(static_cast<int>(low)) + __ffs(static_cast<int>(low));
  out[i] = static_cast<std::int64_t>(total + static_cast<unsigned>(bits) + __brev(low) +
                                     __umul64hi(total, 12345ull));
}

__global__ void scale(float* value, float factor, std::size_t shared_bytes) {
  DYN_SHARED(unsigned char, memory);
  if (shared_bytes > 0) memory[shared_bytes - 1 - threadIdx.x] = 1;
  value[threadIdx.x] *= factor;
}

}  // namespace

void run_atomics(int blocks, const int* value, AtomicResults* results) {
  polaris::launch(atomics, {static_cast<unsigned>(blocks), kThreads}, nullptr, value, results);
}

void run_lane_reductions(unsigned mask, const int* value, LaneResults* result) {
  polaris::launch(lane_reductions, {1, 32}, nullptr, mask, value, result);
}

void run_functions(int count, const float* x, float* result) {
  polaris::launch(functions, {static_cast<unsigned>(count + kThreads - 1) / kThreads, kThreads},
                  nullptr, count, x, result);
}

void run_product(Product product, const float* a, const float* b, const float* c, float* d) {
  using nvcuda::wmma::precision::tf32;
  void (*kernel)(const float*, const float*, const float*, float*) = nullptr;
  switch (product) {
    case Product::wmma_tf32:
      kernel = wmma_product<tf32, float, 8>;
      break;
    case Product::wmma_bf16:
      kernel = wmma_product<__nv_bfloat16, __nv_bfloat16, 16>;
      break;
    case Product::mma_tf32:
      kernel = mma_tf32_product;
      break;
    case Product::mma_bf16:
      kernel = mma_bf16_product;
      break;
  }
  polaris::launch(kernel, {1, 32}, nullptr, a, b, c, d);
}

void run_async_sum(int tiles, const float* value, float* sum) {
  polaris::launch(async_sum, {1, kThreads}, nullptr, tiles, value, sum);
}

void run_vectors(const float* in, float* out) {
  polaris::launch(vectors, {1, 32}, nullptr, in, out);
}

void run_integers(int count, const std::int64_t* x, std::int64_t* out) {
  polaris::launch(integers, {1, kThreads}, nullptr, count, x, out);
}

void queue_scale(float* value, float factor, std::size_t shared_bytes, cudaStream_t stream) {
  polaris::launch(scale, {1, kThreads, shared_bytes}, stream, value, factor, shared_bytes);
}

cudaError_t launch_scale_raw(float* value, std::size_t shared_bytes) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(kThreads);
  config.dynamicSmemBytes = shared_bytes;
  return cudaLaunchKernelEx(&config, scale, value, 1.0f, shared_bytes);
}
