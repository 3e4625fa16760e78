// z(x) = W x + mlp(x) for every sample, with dropout, and from it
//
//   u      = [z; x; 1] / l           l: length-scales; the row of ones stays as it is
//   norm   = |u|^2, ones left out
//   r_o    = y_o - b_o - w_o . [z; x]
//
// Inputs     features [kFeatures][N], targets, the parameters as FitLayout.
// Work split a block takes 16 samples, a thread one of them and a sixteenth of the units: 4 of the
//            first layer, 2 of the second, 1 latent, so that a draw of 4 dropout factors serves one
//            thread. The long sums over all inputs (norm, residuals) take 16 threads each.
// Memory     24 KB of shared memory: features and activations of the 16 samples. Weights, 71 KB,
//            are read through the L1 cache: 16 lanes read one word. What the backward pass needs,
//            pre1 and pre2, goes to device memory; dropout factors are drawn again there.
// Precision  double, fma along the depth. The norm adds in the order of WarpProduct, so that the
//            distance of equal samples is 0 to the last bit (covariance.cu).
// Bound      latency: 22 k flop per sample, less than 4 % of a step's at N = 611. The loads of
//            weights, one for each fma of a warp, come first.

#include <cmath>

#include "kernels/device/encoder_block.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/encoder_forward.cuh"

namespace polaris {
namespace {

/// sum[q] += weight[first + q] . in, q < Q: rows of a row-major matrix of `depth` columns.
template <int Q, int kDepth>
__device__ void add_rows(const double* weight, int first,
                         const double (&in)[kDepth][kEncoderSamples], int s, double (&sum)[Q]) {
  for (int d = 0; d < kDepth; ++d) {
    const double x = in[d][s];
#pragma unroll
    for (int q = 0; q < Q; ++q) sum[q] = std::fma(weight[(first + q) * kDepth + d], x, sum[q]);
  }
}

/// out = gelu(weight in + bias) times the factors, of this thread's sample and Q units; what GELU
/// is given goes to pre[unit * stride] too, unless stride is 0.
template <int Q, int kIn, int kOut>
__device__ void hidden_layer(const double* weight, const double* bias,
                             const double (&in)[kIn][kEncoderSamples], const double (&factor)[Q],
                             double* pre, std::size_t stride,
                             double (&out)[kOut][kEncoderSamples]) {
  const int s = static_cast<int>(threadIdx.x) % kEncoderSamples;
  const int first = static_cast<int>(threadIdx.x) / kEncoderSamples * Q;
  double sum[Q];
#pragma unroll
  for (int q = 0; q < Q; ++q) sum[q] = bias[first + q];
  add_rows(weight, first, in, s, sum);
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    if (stride > 0) pre[static_cast<unsigned>(first + q) * stride] = sum[q];
    out[first + q][s] = gelu(sum[q]) * factor[q];
  }
}

__global__ void __launch_bounds__(kEncoderThreads)
    encoder_forward_kernel(EncoderForwardParams params) {
  __shared__ double x[kFeatures][kEncoderSamples];
  __shared__ double hidden1[kHidden1][kEncoderSamples];
  __shared__ double hidden2[kHidden2][kEncoderSamples];
  __shared__ double latent[kLatent][kEncoderSamples];
  const int s = static_cast<int>(threadIdx.x) % kEncoderSamples;
  const int group = static_cast<int>(threadIdx.x) / kEncoderSamples;
  const std::size_t n = static_cast<std::size_t>(params.samples);
  const std::size_t i = std::size_t{blockIdx.x} * kEncoderSamples + static_cast<unsigned>(s);
  const bool valid = i < n;
  const double* const p = params.parameters;
  const GroupDropout factors = group_dropout(params.dropout, i, group, params.step);

  for (int f = group; f < kFeatures; f += kEncoderGroups)
    x[f][s] = valid ? params.features[static_cast<unsigned>(f) * n + i] : 0.0;
  __syncthreads();

  hidden_layer<kGroupUnits1>(p + EncoderLayout::weight1, p + EncoderLayout::bias1, x, factors.unit1,
                             params.pre1 + i, valid ? n : 0, hidden1);
  __syncthreads();
  hidden_layer<kGroupUnits2>(p + EncoderLayout::weight2, p + EncoderLayout::bias2, hidden1,
                             factors.unit2, params.pre2 + i, valid ? n : 0, hidden2);
  __syncthreads();
  {
    double sum[1] = {p[EncoderLayout::bias3 + group]};
    add_rows(p + EncoderLayout::weight3, group, hidden2, s, sum);
    add_rows(p + EncoderLayout::skip, group, x, s, sum);
    latent[group][s] = sum[0];
  }
  __syncthreads();

  const auto input = [&](int k) {
    return k < kLatent ? latent[k][s] : params.raw_inputs ? x[k - kLatent][s] : 0.0;
  };
  if (valid)
    for (int k = group; k <= kKernelInputs; k += kEncoderGroups)
      params.scaled[static_cast<unsigned>(k) * n + i] =
          k < kKernelInputs ? input(k) * params.inverse_length[k] : 1.0;
  if (valid && group < params.outputs) {
    const double* const output = p + FitLayout::output(group);
    double mean = output[FitLayout::bias];
    for (int k = 0; k < kKernelInputs; ++k)
      mean = std::fma(output[FitLayout::weight + k], input(k), mean);
    const std::size_t at = static_cast<unsigned>(group) * n + i;
    params.residual[at] = params.alpha[at] = params.targets[at] - mean;
  } else if (valid && group == kEncoderGroups - 1) {
    double sum = 0.0;
    for (int k = 0; k < kKernelInputs; ++k) {
      const double u = input(k) * params.inverse_length[k];
      sum = std::fma(u, u, sum);
    }
    params.norm[i] = sum;
  }
}

}  // namespace

void encoder_forward(const EncoderForwardParams& params, const DeviceStream& stream) {
  launch(encoder_forward_kernel,
         {static_cast<unsigned>(encoder_blocks(params.samples)), kEncoderThreads}, stream.get(),
         params);
}

}  // namespace polaris
