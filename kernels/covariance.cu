// C_ij = matern52(d2_ij) + [i = j] diagonal,  S_ij = matern52_slope(d2_ij)
// d2_ij = |u_i|^2 + |u_j|^2 - 2 u_i . u_j, 0 for i = j
//
// Inputs     u [kKernelInputs][N], norms.
// Work split a block makes one tile of 32 x 32 of the lower triangle; its 8 warps own 8 x 16 of it
//            each, a lane 2 x 2 (WarpProduct). Not cuBLAS: a product alone would write N^2 numbers
//            for another kernel to read, here exponentials follow where the distance is; and half
//            of a product would be for nothing.
// Memory     two tiles of 32 inputs x 32 samples, 17 KB of shared memory, at a time.
// Precision  double, fma along the depth: in the order of the norm, so that equal samples have
//            distance 0 to the last bit.
// Bound      fused multiply-adds, kKernelInputs for a pair, beside about 50 operations of square
//            root and exponential; 16 bytes written per pair.

#include "kernels/covariance.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/triangle.cuh"
#include "kernels/device/warp_product.cuh"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"

namespace polaris {
namespace {

using Product = WarpProduct<double, 2, 2>;
constexpr int kTile = kTriangleTile;
constexpr int kDepth = 32;  ///< inputs in shared memory at a time
constexpr int kPanels = kTile / Product::kRows;
constexpr int kWarps = kPanels * (kTile / Product::kColumns);
constexpr unsigned kThreads = kWarps * kWarpThreads;
using Pair = Packed<double, 2>;  ///< what a lane loads at a time

__global__ void __launch_bounds__(kThreads) covariance_kernel(CovarianceParams params) {
  // A panel is as WarpProduct wants it; one row more keeps two panels out of each other's banks.
  __shared__ Pair left[kPanels][kDepth + 1][Product::kRows / 2];
  __shared__ Pair right[kDepth][kTile / 2];
  const std::size_t n = static_cast<std::size_t>(params.samples);
  const TrianglePlace place = triangle_place(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x / kWarpThreads);
  const int panel = warp % kPanels, side = warp / kPanels * Product::kColumns;

  Product product;
  product.clear();
  for (int first = 0; first < kKernelInputs; first += kDepth) {
    const int left_over = kKernelInputs - first, depth = left_over < kDepth ? left_over : kDepth;
    for (int e = static_cast<int>(threadIdx.x); e < kDepth * kTile;
         e += static_cast<int>(kThreads)) {
      const int d = e / kTile, sample = e % kTile;
      const auto load = [&](int tile) {
        const int at = tile * kTile + sample;
        return d < depth && at < params.samples
                   ? params.scaled[static_cast<unsigned>(first + d) * n + static_cast<unsigned>(at)]
                   : 0.0;
      };
      left[sample / Product::kRows][d][sample % Product::kRows / 2].value[sample % 2] =
          load(place.row);
      right[d][sample / 2].value[sample % 2] = load(place.column);
    }
    __syncthreads();
    product.add(left[panel][0][0].value, right[0][side / 2].value, kTile, depth);
    __syncthreads();
  }
#pragma unroll
  for (int c = 0; c < Product::kColumnsPerLane; ++c)
#pragma unroll
    for (int r = 0; r < Product::kRowsPerLane; ++r) {
      const int i = place.row * kTile + panel * Product::kRows + Product::row(r);
      const int j = place.column * kTile + side + Product::column(c);
      if (i >= params.samples || j > i) continue;
      const double d2 = i == j ? 0.0 : params.norm[i] + params.norm[j] - 2.0 * product.at(r, c);
      const std::size_t at = static_cast<unsigned>(i) + static_cast<unsigned>(j) * n;
      params.covariance[at] = matern52(d2) + (i == j ? params.diagonal : 0.0);
      params.slope[at] = matern52_slope(d2);
    }
}

}  // namespace

void covariance(const CovarianceParams& params, const DeviceStream& stream) {
  launch(covariance_kernel, {triangle_tiles(params.samples), kThreads}, stream.get(), params);
}

}  // namespace polaris
