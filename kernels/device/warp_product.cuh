// The matrix product of one warp: the inner loop of every Starlight kernel.
//
//   sum[r][c] += sum_k a[k][r] b[k][c]      a: a panel of 4 R rows, b: 8 C columns (candidates)
//
// The 32 lanes lie 4 x 8 over the tile and own R x C elements each, so a step of the depth costs a
// lane R + C loads for R C fused multiply-adds. `a` is packed by panels (pack_panels): a step reads
// one run of consecutive words from the L2 cache, each word once per warp. `b` lies in shared
// memory and is read in 16-byte pieces, 8 lanes side by side: no bank conflicts. No two warps work
// on one panel, hence no barrier.
//
// Order of sums: along the depth, one fma a step, whatever the column: equal candidates have equal
// bits wherever they stand in a tile.
#pragma once

#include <cuda_runtime.h>

#include <cmath>

#include "models/space/macros.hpp"

namespace polaris {

inline constexpr unsigned kWarpThreads = 32;
inline constexpr unsigned kWholeWarp = 0xFFFFFFFFu;
inline constexpr int kLaneRows = 4;     ///< lanes of a warp down a tile
inline constexpr int kLaneColumns = 8;  ///< and across

/// Values that one instruction loads.
template <class T, int N>
struct alignas(N * sizeof(T)) Packed {
  T value[N];
};

/// Values of type T in an access of 16 bytes, or `n` where that is less.
template <class T>
POLARIS_HD constexpr int packed_size(int n) {
  constexpr int kMost = 16 / static_cast<int>(sizeof(T));
  return n < kMost ? n : kMost;
}

/// out[0, N) = from[0, N), in as few accesses as there can be. `from` is aligned to the access.
template <int N, class T>
__device__ inline void load_packed(const T* from, T* out) {
  constexpr int kSize = packed_size<T>(N);
  static_assert(N % kSize == 0);
#pragma unroll
  for (int i = 0; i < N / kSize; ++i) {
    const Packed<T, kSize> piece = reinterpret_cast<const Packed<T, kSize>*>(from)[i];
#pragma unroll
    for (int j = 0; j < kSize; ++j) out[i * kSize + j] = piece.value[j];
  }
}

/// Sum over the lanes whose numbers differ in the bits from `kFirst` on; the same in all of them.
template <int kFirst, class T>
__device__ inline T sum_over_lanes(T value) {
#pragma unroll
  for (int lanes = kFirst; lanes < static_cast<int>(kWarpThreads); lanes *= 2)
    value += __shfl_xor_sync(kWholeWarp, value, lanes);
  return value;
}

template <class T, int R, int C>
class WarpProduct {
 public:
  static constexpr int kRows = kLaneRows * R;        ///< of a panel of a
  static constexpr int kColumns = kLaneColumns * C;  ///< of b
  static constexpr int kRowsPerLane = R;             ///< a lane's elements of the tile
  static constexpr int kColumnsPerLane = C;
  static constexpr int kColumnLanes = kLaneColumns;  ///< the first lanes, which hold all columns

  __device__ T& at(int r, int c) { return sum_[r][c]; }

  /// Row and column in the tile of this lane's element.
  __device__ static int row(int r) {
    return static_cast<int>(threadIdx.x % kWarpThreads) / kLaneColumns * R + r;
  }
  __device__ static int column(int c) {
    const int lane = static_cast<int>(threadIdx.x) % kLaneColumns;
    return c / kPiece * (kLaneColumns * kPiece) + lane * kPiece + c % kPiece;
  }

  __device__ void clear() {
#pragma unroll
    for (int r = 0; r < R; ++r)
#pragma unroll
      for (int c = 0; c < C; ++c) sum_[r][c] = T(0);
  }

  /// a [depth][kRows]; b [depth][stride], of whose rows kColumns are used.
  __device__ void add(const T* a, const T* b, int stride, int depth) {
    a += row(0);
    b += column(0);
#pragma unroll 2
    for (int k = 0; k < depth; ++k) {
      T left[R], right[C];
      load_packed<R>(a, left);
#pragma unroll
      for (int piece = 0; piece < C / kPiece; ++piece)
        load_packed<kPiece>(b + piece * (kLaneColumns * kPiece), right + piece * kPiece);
#pragma unroll
      for (int r = 0; r < R; ++r)
#pragma unroll
        for (int c = 0; c < C; ++c) sum_[r][c] = std::fma(left[r], right[c], sum_[r][c]);
      a += kRows;
      b += stride;
    }
  }

  /// The same of rows of b whose columns lie where skewed_column() puts them: here in order.
  __device__ void add_skewed(const T* a, const T* b, int stride, int depth) {
    add(a, b, stride, depth);
  }
  __device__ static int skewed_column(int, int column) { return column; }

  /// Sum over the lanes of one column; the same in all of them.
  __device__ static T sum_over_rows(T value) { return sum_over_lanes<kLaneColumns>(value); }

 private:
  static constexpr int kPiece = packed_size<T>(C);  ///< neighbouring columns of one lane

  T sum_[R][C];
};

}  // namespace polaris
