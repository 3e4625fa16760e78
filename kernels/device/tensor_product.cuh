// The product of warp_product.cuh on tensor cores: same panels, same interface, float in and out.
//
// An operand x is split into two numbers of few bits, x = high + low, and a b is taken as low high
// + high low + high high: three products of tensor cores in the place of one. One alone would lose
// the kernel's distances, which are small differences of large squares.
//
//   3xTF32  10 bits behind the point twice: x up to 2^-22 |x|, about the accuracy of float
//   3xBF16   7 bits behind the point twice: x up to 2^-18 |x|, in twice the speed
//
// Tensor cores add in an order of their own, so results are not those of WarpProduct bit by bit;
// they do not depend on the column either.
#pragma once

#include "kernels/device/warp_product.cuh"
#include "kernels/port.cuh"

namespace polaris {

/// An operand register of tf32, and its product.
struct SplitTf32 {
  static constexpr int kElements = 1;  ///< in a register
  std::uint32_t high, low;

  __device__ static SplitTf32 of(const float (&x)[kElements]) {
    const std::uint32_t high = to_tf32(x[0]);
    return {high, to_tf32(x[0] - __uint_as_float(high))};
  }
  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k8_tf32(d, a, b);
  }
};

/// The same of bfloat16.
struct SplitBf16 {
  static constexpr int kElements = 2;
  std::uint32_t high, low;

  __device__ static SplitBf16 of(const float (&x)[kElements]) {
    const std::uint32_t high = to_bf16_pair(x[0], x[1]);
    return {high, to_bf16_pair(x[0] - __uint_as_float(high << 16),
                               x[1] - __uint_as_float(high & 0xFFFF0000u))};
  }
  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k16_bf16(d, a, b);
  }
};

template <int C, class Split>
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
    accumulate(a, b, stride, depth, 0);
  }

  /// The same of rows of b whose columns lie where skewed_column() puts them. A warp reads 8
  /// columns of 4 rows at a time; in order these would lie in the same 8 banks.
  __device__ void add_skewed(const float* a, const float* b, int stride, int depth) {
    accumulate(a, b, stride, depth, skewed_column(lane(), 0));
  }
  __device__ static int skewed_column(int row, int column) { return column ^ (row % 4 * 8); }

  /// Sum over the lanes of one column; the same in all of them.
  __device__ static float sum_over_rows(float value) { return sum_over_lanes<4>(value); }

 private:
  static constexpr int kTileRows = 16, kTileDepth = 8 * Split::kElements;  ///< of one instruction
  static constexpr int kTiles = kRows / kTileRows;

  /// `skew`: of the columns of the rows that this lane reads, all of which are lane % 4 modulo 4.
  __device__ void accumulate(const float* a, const float* b, int stride, int depth, int skew) {
    for (int first = 0; first < depth; first += kTileDepth) {
      // Fragments (PTX ISA): register i of a is row lane / 4 + 8 (i % 2), register i of b column
      // lane / 4. Along the depth the order is free if it is that of both: ours is that of m16n8k8,
      // where a warp's lanes read neighbouring steps.
      Split left[kTiles][4];
#pragma unroll
      for (int t = 0; t < kTiles; ++t)
#pragma unroll
        for (int i = 0; i < 4; ++i)
          left[t][i] = load(a + row(2 * t + i % 2), kRows, first, i / 2, depth);
#pragma unroll
      for (int t = 0; t < C; ++t) {
        std::uint32_t high[2], low[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const Split right = load(b + (t * 8 ^ skew) + lane() / 4, stride, first, i, depth);
          high[i] = right.high;
          low[i] = right.low;
        }
#pragma unroll
        for (int s = 0; s < kTiles; ++s) {
          const std::uint32_t left_high[4] = {left[s][0].high, left[s][1].high, left[s][2].high,
                                              left[s][3].high};
          const std::uint32_t left_low[4] = {left[s][0].low, left[s][1].low, left[s][2].low,
                                             left[s][3].low};
          Split::multiply(sum_[s][t], left_low, high);
          Split::multiply(sum_[s][t], left_high, low);
          Split::multiply(sum_[s][t], left_high, high);
        }
      }
    }
  }

  /// This lane's register `i` of a tile that begins at step `first`; zeros beyond the depth.
  __device__ static Split load(const float* from, int stride, int first, int i, int depth) {
    float x[Split::kElements];
#pragma unroll
    for (int e = 0; e < Split::kElements; ++e) {
      const int k = first + lane() % 4 + 4 * (Split::kElements * i + e);
      x[e] = k < depth ? from[k * stride] : 0.0f;
    }
    return Split::of(x);
  }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % kWarpThreads); }

  float sum_[kTiles][C][4];
};

}  // namespace polaris
