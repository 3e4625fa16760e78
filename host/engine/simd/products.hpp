// Products of packed matrices with strips for a vector type V, for the sources that are compiled
// for one instruction set.
#pragma once

#include "host/engine/simd/stages.hpp"
#include "host/engine/simd/vector.hpp"

namespace polaris::simd {

template <typename V>
struct ProductsOf {
  static constexpr int kLanes = 2 * V::kLanes;
  static constexpr int kRows = V::kRows;

  /// One panel's rows of a product with one strip.
  struct Sums {
    V of[kRows][2];
  };

  /// sums[r] += sum_c panel[c][r] strip[c]
  [[gnu::always_inline]] static inline void accumulate(const float* panel, const float* strip,
                                                       int depth, Sums& sums) {
    for (int c = 0; c < depth; ++c) {
      const V left = V::load(strip), right = V::load(strip + V::kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const V factor = V::all(panel[r]);
        sums.of[r][0] = multiply_add(factor, left, sums.of[r][0]);
        sums.of[r][1] = multiply_add(factor, right, sums.of[r][1]);
      }
      panel += kRows;
      strip += kLanes;
    }
  }

  /// Lanes of the shared sums of one strip.
  struct Picked {
    typename V::Lanes of[2];
    explicit Picked(const int* lane) : of{V::lanes(lane), V::lanes(lane + V::kLanes)} {}
  };

  /// Sums of the panel from `row` on: the bias and the first `depth` inputs.
  [[gnu::always_inline]] static inline Sums first_sums(const PackedMatrix& matrix, int row,
                                                       const float* strip, int depth) {
    Sums sums;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) sums.of[r][0] = sums.of[r][1] = V::all(matrix.bias[row + r]);
    accumulate(matrix.panels + static_cast<std::ptrdiff_t>(row) * matrix.depth, strip, depth, sums);
    return sums;
  }

  /// The same of all inputs; bias and the inputs [0, shared) are read from `shared_sums`, unless
  /// that is null.
  [[gnu::always_inline]] static inline Sums panel_sums(const PackedMatrix& matrix, int row,
                                                       const float* strip, int shared,
                                                       const float* shared_sums,
                                                       const Picked* picked) {
    if (shared_sums == nullptr) return first_sums(matrix, row, strip, matrix.depth);
    Sums sums;
    const float* panel = matrix.panels + static_cast<std::ptrdiff_t>(row) * matrix.depth;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      for (int half = 0; half < 2; ++half)
        sums.of[r][half] = V::pick(shared_sums + (row + r) * kLanes, picked->of[half]);
    accumulate(panel + shared * kRows, strip + shared * kLanes, matrix.depth - shared, sums);
    return sums;
  }

  /// store(r, lane, bias[r] + (matrix strip)[r]) for all rows and both halves of the strip; the
  /// last three as in panel_sums.
  template <typename Store>
  static inline void product(const PackedMatrix& matrix, const float* strip, const Store& store,
                             int shared = 0, const float* shared_sums = nullptr,
                             const Picked* picked = nullptr) {
    for (int row = 0; row < matrix.count; row += kRows) {
      const Sums sums = panel_sums(matrix, row, strip, shared, shared_sums, picked);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        if (row + r == matrix.count) break;
        store(row + r, 0, sums.of[r][0]);
        store(row + r, V::kLanes, sums.of[r][1]);
      }
    }
  }
};

}  // namespace polaris::simd
