// The variance with fewer operations than a triangle has.
//
// The first r samples explain most of what all can. Of the others, c = k_2 - B k_1 is what is left
// of their kernel row, B = L21 L11^-1, and their share of the explained variance is
// c^T (M + noise I)^-1 c, M = R22 - B R12 being what is left of their correlations. The eigenvalues
// of M fall fast, to far below the noise: with its q largest ones e_j, their eigenvectors V,
// p = V^T c, and delta >= all others, it lies between
//   sum_j p_j^2 / (e_j + noise) + (|c|^2 - |p|^2) / a   for a = noise + delta and a = noise,
// which are all but equal where delta is below the noise. Where M maps V to others, by epsilon, the
// quotient of the sum and the truth differs from 1 by at most epsilon / noise
// (|(M + noise)^-1 c|^2 <= c^T (M + noise)^-1 c / noise). Multiply-adds for N samples:
// r^2 / 2 + (r + q) (N - r), instead of N^2 / 2; N = 611, r = 64, q = 112: 98 k instead of 187 k.
#pragma once

#include <optional>

#include "host/engine/packed.hpp"

namespace polaris {

/// What the stages need of it, packed; what every layer's screen shares.
class TailFactor {
 public:
  /// Of a model whose first kBoundRows samples explain most (order_samples), or nothing where it
  /// would save little.
  static std::optional<TailFactor> of(const PosteriorTensors<double>& model,
                                      const simd::Stages& stages);

  /// L11^-1, of kBoundRows rows.
  const PackedFactor& first() const { return first_; }
  /// -B, and V^T with the weights of the squares of what it gives.
  const simd::PackedMatrix& regression() const { return regression_; }
  const simd::PackedMatrix& projection() const { return projection_; }
  const simd::TailWeights& weights() const { return weights_; }

 private:
  TailFactor(const PosteriorTensors<double>& model, const simd::Stages& stages);
  /// False where no rank up to `most` makes delta small.
  bool fill(const PosteriorTensors<double>& model, int most, const simd::Stages& stages);

  PackedFactor first_;
  PackedPanels regression_panels_, projection_panels_;
  AlignedFloats low_, high_;
  simd::PackedMatrix regression_{}, projection_{};
  simd::TailWeights weights_{};
};

}  // namespace polaris
