// d NLL / d weights of the encoder, from what covariance_gradient left of the kernel:
//
//   d z_k  = 4 (u_k g - P_k) / l_k - sum_o w_ok alpha_o / sd_o^2     P, g: the rows of `product`
//   d h2   = W3^T dz, times dropout and slope of GELU: g2            of which g is the last, the
//   d h1   = W2^T g2, times dropout and slope of GELU: g1            sums over a row of G
//   d W    = sum over samples of gradient at the output x input      (W: skip, W1, W2, W3, biases)
//
// Work split first kernel: a block takes 16 samples and has a gradient of all parameters of its own
//            (two-level sum, no atomics). Thread: one sample and a sixteenth of the units, then
//            every 256th parameter. Second kernel: a thread adds one parameter over the blocks, in
//            their order.
// Memory     39 KB of shared memory, rows of 17 doubles: the lanes of a warp read 32 rows at once.
//            71 KB written and read again per block.
// Precision  double; sums in fixed order: equal bits from run to run and device to device.
// Bound      shared memory: two loads for each fma of the outer products, about 13 k wavefronts per
//            block whatever N, beside a Cholesky factor of N^3 / 3 operations.

#include <cmath>

#include "kernels/device/launch.cuh"
#include "kernels/encoder_backward.cuh"

namespace polaris {
namespace {

constexpr int kRow = kEncoderSamples + 1;  ///< 17 doubles: 32 rows lie in different banks

/// Activations of this thread's sample and Q units, and how they answer to what comes in; as of 0
/// where stride is 0.
template <int Q, int R>
__device__ void recall_layer(const double* pre, std::size_t stride, const double (&factor)[Q],
                             double (&value)[R][kRow], double (&slope)[R][kRow]) {
  const int s = static_cast<int>(threadIdx.x) % kEncoderSamples;
  const int first = static_cast<int>(threadIdx.x) / kEncoderSamples * Q;
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    const double x = stride > 0 ? pre[static_cast<unsigned>(first + q) * stride] : 0.0;
    value[first + q][s] = gelu(x) * factor[q];
    slope[first + q][s] = gelu_slope(x) * factor[q];
  }
}

/// gradient [R] of this thread's Q units times what comes back through weight [next][R].
template <int Q, int R, int kNext>
__device__ void pass_back(const double* weight, const double (&from)[kNext][kRow],
                          double (&gradient)[R][kRow]) {
  const int s = static_cast<int>(threadIdx.x) % kEncoderSamples;
  const int first = static_cast<int>(threadIdx.x) / kEncoderSamples * Q;
  double sum[Q] = {};
  for (int k = 0; k < kNext; ++k)
#pragma unroll
    for (int q = 0; q < Q; ++q) sum[q] = std::fma(weight[k * R + first + q], from[k][s], sum[q]);
#pragma unroll
  for (int q = 0; q < Q; ++q) gradient[first + q][s] *= sum[q];
}

/// out [R][C] = left right^T, over the block's samples.
template <int R, int C>
__device__ void outer_product(const double (&left)[R][kRow], const double (&right)[C][kRow],
                              double* out) {
  for (int e = static_cast<int>(threadIdx.x); e < R * C; e += static_cast<int>(kEncoderThreads)) {
    double sum = 0.0;
#pragma unroll
    for (int s = 0; s < kEncoderSamples; ++s) sum = std::fma(left[e / C][s], right[e % C][s], sum);
    out[e] = sum;
  }
}

/// out [R] = sums of left over the block's samples.
template <int R>
__device__ void row_sums(const double (&left)[R][kRow], double* out) {
  const int r = static_cast<int>(threadIdx.x);
  if (r >= R) return;
  double sum = 0.0;
  for (int s = 0; s < kEncoderSamples; ++s) sum += left[r][s];
  out[r] = sum;
}

__global__ void __launch_bounds__(kEncoderThreads)
    encoder_backward_kernel(EncoderBackwardParams params) {
  __shared__ double x[kFeatures][kRow];
  __shared__ double hidden1[kHidden1][kRow], gradient1[kHidden1][kRow];
  __shared__ double hidden2[kHidden2][kRow], gradient2[kHidden2][kRow];
  __shared__ double gradient3[kLatent][kRow];
  const int s = static_cast<int>(threadIdx.x) % kEncoderSamples;
  const int group = static_cast<int>(threadIdx.x) / kEncoderSamples;
  const std::size_t n = static_cast<std::size_t>(params.samples);
  const std::size_t i = std::size_t{blockIdx.x} * kEncoderSamples + static_cast<unsigned>(s);
  const bool valid = i < n;
  const double* const p = params.parameters;

  for (int f = group; f < kFeatures; f += kEncoderGroups)
    x[f][s] = valid ? params.features[static_cast<unsigned>(f) * n + i] : 0.0;
  const GroupDropout factors = group_dropout(params.dropout, i, group, params.step);
  recall_layer(params.pre1 + i, valid ? n : 0, factors.unit1, hidden1, gradient1);
  recall_layer(params.pre2 + i, valid ? n : 0, factors.unit2, hidden2, gradient2);
  double own = 0.0;  // that of latent number `group`
  if (valid) {
    const std::size_t stride = n + static_cast<unsigned>(params.outputs);
    const double row_sum = params.product[kKernelInputs * stride + i];
    const double scaled = params.scaled[static_cast<unsigned>(group) * n + i];
    own = 4.0 * params.inverse_length[group] *
          (scaled * row_sum - params.product[static_cast<unsigned>(group) * stride + i]);
    for (int o = 0; o < params.outputs; ++o)
      own -= params.precision[o] * p[FitLayout::output(o) + FitLayout::weight + group] *
             params.alpha[static_cast<unsigned>(o) * n + i];
  }
  gradient3[group][s] = own;
  __syncthreads();

  pass_back<kGroupUnits2>(p + EncoderLayout::weight3, gradient3, gradient2);
  __syncthreads();
  pass_back<kGroupUnits1>(p + EncoderLayout::weight2, gradient2, gradient1);
  __syncthreads();

  double* const out = params.partial + std::size_t{blockIdx.x} * EncoderLayout::size;
  outer_product(gradient3, x, out + EncoderLayout::skip);
  outer_product(gradient1, x, out + EncoderLayout::weight1);
  row_sums(gradient1, out + EncoderLayout::bias1);
  outer_product(gradient2, hidden1, out + EncoderLayout::weight2);
  row_sums(gradient2, out + EncoderLayout::bias2);
  outer_product(gradient3, hidden2, out + EncoderLayout::weight3);
  row_sums(gradient3, out + EncoderLayout::bias3);
}

__global__ void __launch_bounds__(kEncoderThreads)
    encoder_gradient_kernel(const double* partial, int blocks, double* gradient) {
  const int at = static_cast<int>(blockIdx.x * kEncoderThreads + threadIdx.x);
  if (at >= EncoderLayout::size) return;
  double sum = 0.0;
  for (int b = 0; b < blocks; ++b)
    sum += partial[static_cast<std::size_t>(b) * EncoderLayout::size + static_cast<unsigned>(at)];
  gradient[at] = sum;
}

}  // namespace

void encoder_backward(const EncoderBackwardParams& params, const DeviceStream& stream) {
  const int blocks = encoder_blocks(params.samples);
  launch(encoder_backward_kernel, {static_cast<unsigned>(blocks), kEncoderThreads}, stream.get(),
         params);
  launch(encoder_gradient_kernel,
         {(EncoderLayout::size + kEncoderThreads - 1) / kEncoderThreads, kEncoderThreads},
         stream.get(), params.partial, blocks, params.gradient);
}

}  // namespace polaris
