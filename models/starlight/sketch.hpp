// What a model's first M samples say about a candidate, and what the others may add.
//
// With whitened values v = L^-1 k and coefficients w = L^-1 (targets - linear means), the mean of
// an output is its linear part plus f = v . w = alpha . k. The first M terms take the first M
// entries of the kernel row only. What the others add is bounded in the feature space of the
// kernel, to which noise adds a coordinate of its own for every sample: sample i is (phi(x_i),
// noise^(1/2) e_i), a candidate (phi(x), 0). The rest of f is the inner product of the candidate
// with a vector g of length |w_rest|, at right angles to the first M samples. So only what the
// first M samples leave of the candidate counts, whose length is (1 - |v_M|^2)^(1/2) and which has
// no noise coordinate but theirs; of g those of the others, noise^(1/2) alpha_i, may be left out
// (Cauchy and Schwarz; to_sketch).
//
// With M = 0, g is f, whose length squared is sum_i (w_i^2 - noise alpha_i^2).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "models/starlight/prediction.hpp"

namespace polaris {

struct StarlightSketch {
  /// [output][sample]: alpha . k of the first samples is v_M . w_M. Empty where there is no output.
  std::vector<double> alpha[kMaxOutputs];
  double rest[kMaxOutputs] = {};  ///< length of g without the coordinates that do not count
  double norm[kMaxOutputs] = {};  ///< of f
};

/// Of the first `kept` of `samples` samples, or of all where there are fewer. `inverse_factor`
/// [samples][samples]: L^-1, row-major; `alpha` [outputs][samples]: L^-T w; `noise`: what L L^T has
/// on its diagonal beside the kernel, or less. In float64 whatever the precision of its use: a
/// bound must not lose digits to the factor.
inline StarlightSketch sketch_of(int samples, int outputs, const double* inverse_factor,
                                 const double* alpha, double noise, int kept) {
  StarlightSketch out;
  const auto n = static_cast<std::size_t>(samples);
  const std::size_t first = std::min(n, static_cast<std::size_t>(kept));
  for (std::size_t o = 0; o < static_cast<std::size_t>(outputs); ++o) {
    std::vector<double> w(n), sum(n, 0.0);  // sum[i]: of L^-1[j][i] w[j] over the j done
    double left = 0.0;                      // of w_i^2 - noise alpha_i^2 over the i done
    for (std::size_t j = n; j-- > 0;) {
      const double* row = inverse_factor + j * n;
      const double a = alpha[o * n + j];
      w[j] = (a - sum[j]) / row[j];
      for (std::size_t i = 0; i < j; ++i) sum[i] += row[i] * w[j];
      left += w[j] * w[j] - noise * a * a;
      if (j == first) out.rest[o] = std::sqrt(std::max(left, 0.0));
    }
    out.norm[o] = std::sqrt(std::max(left, 0.0));
    out.alpha[o].assign(first, 0.0);
    for (std::size_t j = 0; j < first; ++j)
      for (std::size_t i = 0; i <= j; ++i) out.alpha[o][i] += inverse_factor[j * n + i] * w[j];
  }
  return out;
}

}  // namespace polaris
