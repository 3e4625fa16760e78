// The product of warp_product.cuh on tensor cores: same panels, same interface, float in and out.
//
// An operand x is split into two numbers of tf32's 10 bits, x = high + low up to 2^-22 |x|, and a b
// is taken as low high + high low + high high: three products of tensor cores in the place of one,
// at about the accuracy of float ("3xTF32"). One alone would lose the kernel's distances, which are
// small differences of large squares.
//
// Tensor cores add in an order of their own, so results are not those of WarpProduct bit by bit;
// they do not depend on the column either.
#pragma once

#include "kernels/device/warp_product.cuh"
#include "kernels/port.cuh"

namespace polaris {

template <int C>
class TensorProduct {
 public:
  static constexpr int kRows = 32;        ///< of a panel of a
  static constexpr int kColumns = 8 * C;  ///< of b
  static constexpr int kRowsPerLane = 4;  ///< a lane's elements of the tile
  static constexpr int kColumnsPerLane = 2 * C;
  static constexpr int kColumnLanes = 4;  ///< the first lanes, which hold all columns

  __device__ float& at(int r, int c) { return sum_[r / 2][c / 2][r % 2 * 2 + c % 2]; }

  /// Row and column in the tile of this lane's element.
  __device__ static int row(int r) { return r / 2 * kTileRows + r % 2 * 8 + lane() / 4; }
  __device__ static int column(int c) { return c / 2 * 8 + lane() % 4 * 2 + c % 2; }

  __device__ void clear() {
#pragma unroll
    for (int r = 0; r < kRowsPerLane; ++r)
#pragma unroll
      for (int c = 0; c < kColumnsPerLane; ++c) at(r, c) = 0.0f;
  }

  /// a [depth][kRows]; b [depth][stride], of whose rows kColumns are used. All lanes of the warp.
  __device__ void add(const float* a, const float* b, int stride, int depth) {
    for (int first = 0; first < depth; first += kTileDepth) {
      // Fragments of m16n8k8 (PTX ISA): element i of a is row lane / 4 + 8 (i % 2), depth
      // lane % 4 + 4 (i / 2); element i of b is depth lane % 4 + 4 i, column lane / 4.
      Split left[kTiles][4];
#pragma unroll
      for (int t = 0; t < kTiles; ++t)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int k = first + lane() % 4 + i / 2 * 4;
          left[t][i] = split(k < depth ? a[k * kRows + row(2 * t + i % 2)] : 0.0f);
        }
#pragma unroll
      for (int t = 0; t < C; ++t) {
        std::uint32_t high[2], low[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int k = first + lane() % 4 + i * 4;
          const Split right = split(k < depth ? b[k * stride + t * 8 + lane() / 4] : 0.0f);
          high[i] = right.high;
          low[i] = right.low;
        }
#pragma unroll
        for (int s = 0; s < kTiles; ++s) {
          const std::uint32_t left_high[4] = {left[s][0].high, left[s][1].high, left[s][2].high,
                                              left[s][3].high};
          const std::uint32_t left_low[4] = {left[s][0].low, left[s][1].low, left[s][2].low,
                                             left[s][3].low};
          mma_m16n8k8_tf32(sum_[s][t], left_low, high);
          mma_m16n8k8_tf32(sum_[s][t], left_high, low);
          mma_m16n8k8_tf32(sum_[s][t], left_high, high);
        }
      }
    }
  }

  /// Sum over the lanes of one column; the same in all of them.
  __device__ static float sum_over_rows(float value) { return sum_over_lanes<4>(value); }

 private:
  static constexpr int kTileRows = 16, kTileDepth = 8;  ///< of one instruction
  static constexpr int kTiles = kRows / kTileRows;

  struct Split {
    std::uint32_t high, low;
  };
  __device__ static Split split(float x) {
    const std::uint32_t high = to_tf32(x);
    return {high, to_tf32(x - __uint_as_float(high))};
  }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % kWarpThreads); }

  float sum_[kTiles][C][4];
};

}  // namespace polaris
