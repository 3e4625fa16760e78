// What a model's first M samples say about a candidate, and what the others may add.
//
// With whitened values v = L^-1 k and coefficients w = L^-1 (targets - linear means), the mean of
// an output is its linear part plus v . w. The first M terms take the first M entries of the kernel
// row only. The others sum to at most |v_rest| |w_rest| (Cauchy and Schwarz), and |v_rest|^2 is at
// most 1 - |v_M|^2, as no samples explain more than all of the prior variance, 1 (to_sketch).
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
  double rest[kMaxOutputs] = {};  ///< |w_rest|
};

/// Of the first `kept` of `samples` samples, or of all where there are fewer. `inverse_factor`
/// [samples][samples]: L^-1, row-major; `alpha` [outputs][samples]: L^-T w. In float64 whatever the
/// precision of its use: a bound must not lose digits to the factor.
inline StarlightSketch sketch_of(int samples, int outputs, const double* inverse_factor,
                                 const double* alpha, int kept) {
  StarlightSketch out;
  const auto n = static_cast<std::size_t>(samples);
  const std::size_t first = std::min(n, static_cast<std::size_t>(kept));
  for (std::size_t o = 0; o < static_cast<std::size_t>(outputs); ++o) {
    std::vector<double> w(n), sum(n, 0.0);  // sum[i]: of L^-1[j][i] w[j] over the j done
    for (std::size_t j = n; j-- > 0;) {
      const double* row = inverse_factor + j * n;
      w[j] = (alpha[o * n + j] - sum[j]) / row[j];
      for (std::size_t i = 0; i < j; ++i) sum[i] += row[i] * w[j];
    }
    out.alpha[o].assign(first, 0.0);
    for (std::size_t j = 0; j < first; ++j)
      for (std::size_t i = 0; i <= j; ++i) out.alpha[o][i] += inverse_factor[j * n + i] * w[j];
    double rest = 0.0;
    for (std::size_t i = first; i < n; ++i) rest += w[i] * w[i];
    out.rest[o] = std::sqrt(rest);
  }
  return out;
}

}  // namespace polaris
