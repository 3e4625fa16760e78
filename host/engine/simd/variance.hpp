// The stages of the variance: by the triangle L^-1, and by a tail (host/engine/tail_factor.hpp).
#pragma once

#include "host/engine/simd/products.hpp"

namespace polaris::simd {

template <typename V>
struct VarianceOf : ProductsOf<V> {
  using Base = ProductsOf<V>;
  using Base::accumulate;
  using Base::first_sums;
  using Base::kLanes;
  using Base::kRows;
  using typename Base::Sums;

  static void explain(const float* factor, int begin, int end, const float* kernel, int samples,
                      int strips, float* explained) {
    const std::ptrdiff_t strip_size = static_cast<std::ptrdiff_t>(samples) * kLanes;
    for (int p = begin; p < end; ++p) {
      const int depth = (p + 1) * kRows;
      const float* panel = factor + static_cast<std::ptrdiff_t>(p) * (p + 1) / 2 * (kRows * kRows);
      for (int s = 0; s < strips; ++s) {
        Sums sums;
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) sums.of[r][0] = sums.of[r][1] = V::all(0.0f);
        accumulate(panel, kernel + s * strip_size, depth, sums);
        float* out = explained + s * kLanes;
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
          V sum = V::load(out + half * V::kLanes);
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r)
            sum = multiply_add(sums.of[r][half], sums.of[r][half], sum);
          sum.store(out + half * V::kLanes);
        }
      }
    }
  }

  static void regress(const PackedMatrix& matrix, float* kernel, int samples, int strips,
                      float* square) {
    for (int row = 0; row < matrix.count; row += kRows)
      for (int s = 0; s < strips; ++s) {
        float* strip = kernel + static_cast<std::ptrdiff_t>(s) * samples * kLanes;
        float* rows = strip + (matrix.depth + row) * kLanes;
        const int used = matrix.count - row < kRows ? matrix.count - row : kRows;
        Sums sums;
        for (int r = 0; r < kRows; ++r)
          for (int half = 0; half < 2; ++half)
            sums.of[r][half] =
                r < used ? V::load(rows + r * kLanes + half * V::kLanes) : V::all(0.0f);
        accumulate(matrix.panels + static_cast<std::ptrdiff_t>(row) * matrix.depth, strip,
                   matrix.depth, sums);
        for (int half = 0; half < 2; ++half) {
          float* out = square + s * kLanes + half * V::kLanes;
          V sum = row == 0 ? V::all(0.0f) : V::load(out);
          for (int r = 0; r < used; ++r) {
            sums.of[r][half].store(rows + r * kLanes + half * V::kLanes);
            sum = multiply_add(sums.of[r][half], sums.of[r][half], sum);
          }
          sum.store(out);
        }
      }
  }

  static void project(const PackedMatrix& matrix, const TailWeights& weights, const float* kernel,
                      int first, int samples, int strips, const float* square, float* low,
                      float* high) {
    float rest[kTileCandidates];
    for (int s = 0; s < strips; ++s)
      for (int i = 0; i < kLanes; i += V::kLanes) {
        const int at = s * kLanes + i;
        V::load(square + at).store(rest + at);
        V::all(0.0f).store(low + at);
        V::all(0.0f).store(high + at);
      }
    for (int row = 0; row < matrix.count; row += kRows)
      for (int s = 0; s < strips; ++s) {
        const float* strip = kernel + (static_cast<std::ptrdiff_t>(s) * samples + first) * kLanes;
        const Sums sums = first_sums(matrix, row, strip, matrix.depth);
        const int used = matrix.count - row < kRows ? matrix.count - row : kRows;
        for (int half = 0; half < 2; ++half) {
          const int at = s * kLanes + half * V::kLanes;
          V left = V::load(rest + at), least = V::load(low + at), most = V::load(high + at);
          for (int r = 0; r < used; ++r) {
            const V p2 = sums.of[r][half] * sums.of[r][half];
            left = left - p2;
            least = multiply_add(V::all(weights.low[row + r]), p2, least);
            most = multiply_add(V::all(weights.high[row + r]), p2, most);
          }
          left.store(rest + at);
          least.store(low + at);
          most.store(high + at);
        }
      }
    for (int s = 0; s < strips; ++s)
      for (int i = 0; i < kLanes; i += V::kLanes) {
        const int at = s * kLanes + i;
        const V left = larger_of(V::all(0.0f), V::load(rest + at));
        multiply_add(V::all(weights.rest_low), left, V::load(low + at)).store(low + at);
        multiply_add(V::all(weights.rest_high), left, V::load(high + at)).store(high + at);
      }
  }
};

}  // namespace polaris::simd
