// G_ij = d NLL / d d2_ij = 1/2 (outputs C^-1_ij - sum_o alpha_oi alpha_oj / sd_o^2) dR_ij / d d2_ij
// and 0 for i = j, whose distance does not move (Rasmussen & Williams 2006, eq. 5.9).
//
// Work split a block takes one tile of 32 x 32 of the lower triangle and writes it to both
//            triangles, in place of the slopes: no other block reads or writes them. Whole, G is
//            what cuBLAS multiplies the kernel inputs with; there is no array of N x N x inputs.
// Memory     8 KB of shared memory turn the tile round, so that both copies are written along
//            columns. 32 bytes of device memory per pair.
// Precision  double.
// Bound      memory: two numbers read and two written for about 6 operations.

#include "kernels/covariance_gradient.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/triangle.cuh"

namespace polaris {
namespace {

constexpr int kTile = kTriangleTile;
constexpr unsigned kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    covariance_gradient_kernel(CovarianceGradientParams params) {
  __shared__ double tile[kTile][kTile + 1];
  const std::size_t n = static_cast<std::size_t>(params.samples);
  const TrianglePlace place = triangle_place(blockIdx.x);
  const int first_row = place.row * kTile, first_column = place.column * kTile;

  for (int e = static_cast<int>(threadIdx.x); e < kTile * kTile; e += static_cast<int>(kThreads)) {
    const int r = e % kTile, c = e / kTile;
    const int i = first_row + r, j = first_column + c;
    if (i >= params.samples || j > i) continue;
    const std::size_t at = static_cast<unsigned>(i) + static_cast<unsigned>(j) * n;
    double g = static_cast<double>(params.outputs) * params.inverse[at];
    for (int o = 0; o < params.outputs; ++o) {
      const double* const alpha = params.alpha + static_cast<unsigned>(o) * n;
      g -= params.precision[o] * alpha[i] * alpha[j];
    }
    g = i == j ? 0.0 : 0.5 * g * params.slope[at];
    params.slope[at] = g;
    tile[r][c] = g;
  }
  __syncthreads();
  for (int e = static_cast<int>(threadIdx.x); e < kTile * kTile; e += static_cast<int>(kThreads)) {
    const int r = e / kTile, c = e % kTile;
    const int i = first_row + r, j = first_column + c;
    if (i < params.samples && j < i)
      params.slope[static_cast<unsigned>(j) + static_cast<unsigned>(i) * n] = tile[r][c];
  }
}

}  // namespace

void covariance_gradient(const CovarianceGradientParams& params, const DeviceStream& stream) {
  launch(covariance_gradient_kernel, {triangle_tiles(params.samples), kThreads}, stream.get(),
         params);
}

}  // namespace polaris
