// What Starlight believes about a whole network on one accelerator: the sums over layers of latency
// and of energy, and their product.
#pragma once

#include <cmath>
#include <span>

#include "host/fit/model.hpp"
#include "host/fit/samples.hpp"

namespace polaris {

/// A quantity whose natural logarithm is normal.
struct LogNormal {
  double log_mean = 0.0;  ///< of the logarithm; e^log_mean is the median
  double log_sd = 0.0;

  /// The value `deviations` standard deviations of the logarithm above the median.
  double at(double deviations) const { return std::exp(log_mean + deviations * log_sd); }
};

/// sum_i weight_i e^(x_i), x normal with means `log_mean` [n] and covariance `covariance` [n][n]:
/// the log-normal of equal mean and variance (Fenton, "The sum of log-normal probability
/// distributions in scatter transmission systems", IRE Trans. 1960). Weights > 0.
LogNormal sum_of_log_normals(std::span<const double> log_mean, std::span<const double> covariance,
                             std::span<const double> weight);

struct NetworkPosterior {
  LogNormal cycles;
  LogNormal energy_pj;
  LogNormal edp;  ///< pJ * cycles
};

/// Posterior of layers run `counts` times each. Layers are dependent: the joint posterior of the
/// Gaussian process at all points is used; cycles and energy are independent, as its outputs are.
/// The energy of a model without measured energy is the analytical one, certain. Precondition:
/// equal lengths >= 1, counts > 0.
NetworkPosterior network_posterior(const StarlightModel& model, std::span<const LayerPoint> points,
                                   std::span<const double> counts, int threads = 0);

}  // namespace polaris
