// What a model's first M samples say about a candidate, and what the others may add.
//
// With whitened values v = L^-1 k and coefficients w = L^-1 (targets - linear means), the mean of
// an output is its linear part plus v . w. The first M terms take the first M entries of the kernel
// row only. The others sum to at most |v_rest| |w_rest| (Cauchy and Schwarz), and |v_rest|^2 is at
// most 1 - |v_M|^2, as no samples explain more than all of the prior variance, 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/starlight_model.hpp"

namespace polaris {

/// M: samples of the sketch, and rows of L^-1 in the cheap bound on the variance.
inline constexpr int kPrefixRows = 64;

struct StarlightSketch {
  /// [output][sample]: alpha . k of the first samples is v_M . w_M; zeros where there is no sample.
  double alpha[kMaxOutputs][kPrefixRows] = {};
  double rest[kMaxOutputs] = {};  ///< |w_rest|
};

/// In float64 whatever the precision of its use: a bound must not lose digits to the factor.
inline StarlightSketch sketch_of(const PosteriorView<double>& model) {
  StarlightSketch out;
  const auto n = static_cast<std::size_t>(model.samples);
  const std::size_t kept = std::min(n, static_cast<std::size_t>(kPrefixRows));
  const auto row = [&model, n](std::size_t i) { return model.inverse_factor + i * n; };
  for (std::size_t o = 0; o < static_cast<std::size_t>(model.scale.outputs); ++o) {
    // alpha = L^-T w, solved from the last row on; left: alpha less what the rows done make of it.
    std::vector<double> w(n), left(model.alpha + o * n, model.alpha + (o + 1) * n);
    double rest = 0.0;
    for (std::size_t j = n; j-- > 0;) {
      w[j] = left[j] / row(j)[j];
      for (std::size_t i = 0; i < j; ++i) left[i] -= row(j)[i] * w[j];
      if (j >= kept) rest += w[j] * w[j];
    }
    out.rest[o] = std::sqrt(rest);
    for (std::size_t j = 0; j < kept; ++j)
      for (std::size_t i = 0; i <= j; ++i) out.alpha[o][i] += row(j)[i] * w[j];
  }
  return out;
}

}  // namespace polaris
