// factor_terms:    sum_i ln L_ii, residual_o . alpha_o, |alpha_o|^2
// gradient_terms:  d NLL / d ln l_k = -sum_i 4 (u_ki g_i - P_ki) u_ki
//                  d NLL / d w_ok = -l_k P_k,N+o / sd_o^2,  d NLL / d b_o = the same of the ones
//                  trace C^-1
// P = U [G | alpha], U with a last row of ones: its product with G has the sums g_i over the rows
// of G, with alpha the sum of alpha, and the other rows' with alpha what the linear mean needs.
//
// Work split factor_terms: one block. gradient_terms: a block for each kernel input, one for the
//            trace. 128 threads stride over the samples.
// Memory     each number is read once, 8 bytes for 3 operations.
// Precision  double; block_sum adds in a fixed order.
// Bound      latency of one block: microseconds.

#include <cmath>

#include "kernels/device/block_sum.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/likelihood_terms.cuh"

namespace polaris {
namespace {

constexpr unsigned kThreads = 128;
using Partial = double[kThreads / kWarpThreads];

__global__ void __launch_bounds__(kThreads) factor_terms_kernel(FactorTermsParams params) {
  __shared__ Partial partial;
  const unsigned n = static_cast<unsigned>(params.samples);
  double logs = 0.0;
  for (unsigned i = threadIdx.x; i < n; i += kThreads)
    logs += std::log(params.factor[i + std::size_t{i} * n]);
  logs = block_sum<kThreads>(logs, partial);
  if (threadIdx.x == 0) {
    params.terms->log_determinant = logs;
    params.terms->failure = *params.failure;
  }
  for (int o = 0; o < params.outputs; ++o) {
    const double* const residual = params.residual + std::size_t{n} * static_cast<unsigned>(o);
    const double* const alpha = params.alpha + std::size_t{n} * static_cast<unsigned>(o);
    double fit = 0.0, squares = 0.0;
    for (unsigned i = threadIdx.x; i < n; i += kThreads) {
      fit = std::fma(residual[i], alpha[i], fit);
      squares = std::fma(alpha[i], alpha[i], squares);
    }
    fit = block_sum<kThreads>(fit, partial);
    squares = block_sum<kThreads>(squares, partial);
    if (threadIdx.x == 0) {
      params.terms->fit[o] = fit;
      params.terms->squares[o] = squares;
    }
  }
}

__global__ void __launch_bounds__(kThreads) gradient_terms_kernel(GradientTermsParams params) {
  __shared__ Partial partial;
  const unsigned n = static_cast<unsigned>(params.samples);
  const unsigned k = blockIdx.x;  // a kernel input, or behind them the ones
  const std::size_t stride = std::size_t{n} + static_cast<unsigned>(params.outputs);
  const double* const row = params.product + k * stride;
  const double* const row_sums = params.product + kKernelInputs * stride;
  const double* const scaled = params.scaled + std::size_t{k} * n;
  double sum = 0.0;
  for (unsigned i = threadIdx.x; i < n; i += kThreads)
    sum += k == kKernelInputs ? params.inverse[i + std::size_t{i} * n]
                              : -4.0 * (scaled[i] * row_sums[i] - row[i]) * scaled[i];
  sum = block_sum<kThreads>(sum, partial);
  if (threadIdx.x > 0) return;
  if (k == kKernelInputs)
    params.terms->trace = sum;
  else
    params.gradient[FitLayout::length + k] = sum;
  for (int o = 0; o < params.outputs; ++o) {
    double* const output = params.gradient + FitLayout::output(o);
    const double alpha = -params.precision[o] * row[n + static_cast<unsigned>(o)];
    if (k == kKernelInputs)
      output[FitLayout::bias] = alpha;
    else
      output[FitLayout::weight + k] = alpha / params.inverse_length[k];
  }
}

}  // namespace

void factor_terms(const FactorTermsParams& params, const DeviceStream& stream) {
  launch(factor_terms_kernel, {1, kThreads}, stream.get(), params);
}

void gradient_terms(const GradientTermsParams& params, const DeviceStream& stream) {
  launch(gradient_terms_kernel, {kKernelInputs + 1, kThreads}, stream.get(), params);
}

}  // namespace polaris
