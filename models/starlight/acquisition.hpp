// How promising a candidate is, for minimisation; larger is better for every function here.
// `mean` and `sd` are those of the objective (ln EDP), `best` is the incumbent's value.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "models/space/macros.hpp"

namespace polaris {

inline constexpr double kLogSqrtTwoPi = 0.91893853320467274178;
inline constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

POLARIS_HD inline double normal_pdf(double z) { return std::exp(-0.5 * z * z - kLogSqrtTwoPi); }

/// Standard normal distribution; full relative precision in the lower tail.
POLARIS_HD inline double normal_cdf(double z) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  return 0.5 * std::erfc(-z * kSqrtHalf);
}

/// ln h(z), h(z) = pdf(z) + z cdf(z), the expected improvement of a unit normal. The two terms
/// cancel to about 1/z^2 of each, so the direct form loses z^2 ulps: harmless above -25. Below, the
/// asymptotic series h = pdf / z^2 (1 - 3/z^2 + 15/z^4 - 105/z^6 + 945/z^8 - ...), whose next term
/// is under 2e-10 there. Purpose and name: Ament et al., "Unexpected Improvements to Expected
/// Improvement for Bayesian Optimization", NeurIPS 2023.
POLARIS_HD inline double log_h(double z) {
  constexpr double kTail = -25.0;
  if (z > kTail) return std::log(normal_pdf(z) + z * normal_cdf(z));
  const double w = 1.0 / (z * z);
  const double series = w * (-3.0 + w * (15.0 + w * (-105.0 + w * 945.0)));
  return -0.5 * z * z - kLogSqrtTwoPi + std::log(w) + std::log1p(series);
}

/// E[max(best - y, 0)] (Jones, Schonlau, Welch 1998, eq. 15).
POLARIS_HD inline double expected_improvement(double mean, double sd, double best) {
  if (!(sd > 0.0)) return best > mean ? best - mean : 0.0;
  const double z = (best - mean) / sd;
  return sd * (normal_pdf(z) + z * normal_cdf(z));
}

/// ln of the expected improvement; keeps its order where EI itself underflows.
POLARIS_HD inline double log_expected_improvement(double mean, double sd, double best) {
  if (!(sd > 0.0)) return best > mean ? std::log(best - mean) : kMinusInfinity;
  return std::log(sd) + log_h((best - mean) / sd);
}

/// P(y < best)
POLARIS_HD inline double probability_of_improvement(double mean, double sd, double best) {
  if (!(sd > 0.0)) return best > mean ? 1.0 : 0.0;
  return normal_cdf((best - mean) / sd);
}

/// -(mean - beta sd)
POLARIS_HD inline double negative_lower_confidence_bound(double mean, double sd, double beta) {
  return beta * sd - mean;
}

enum class AcquisitionKind : std::uint8_t {
  expected_improvement,
  log_expected_improvement,
  probability_of_improvement,
  lower_confidence_bound
};

struct Acquisition {
  AcquisitionKind kind = AcquisitionKind::log_expected_improvement;
  double best = 0.0;  ///< incumbent ln EDP; not used by the confidence bound
  double beta = 2.0;  ///< standard deviations of the confidence bound

  POLARIS_HD double operator()(double mean, double sd) const {
    switch (kind) {
      case AcquisitionKind::expected_improvement:
        return expected_improvement(mean, sd, best);
      case AcquisitionKind::log_expected_improvement:
        return log_expected_improvement(mean, sd, best);
      case AcquisitionKind::probability_of_improvement:
        return probability_of_improvement(mean, sd, best);
      case AcquisitionKind::lower_confidence_bound:
        return negative_lower_confidence_bound(mean, sd, beta);
    }
    return 0.0;
  }
};

}  // namespace polaris
