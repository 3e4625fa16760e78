// What a float32 prediction says about the acquisition value in float64.
#pragma once

#include <algorithm>
#include <cmath>

#include "host/engine/engine.hpp"

namespace polaris {

/// Bound on the error of a predicted standard deviation of ln EDP.
inline double screen_sd_error(const StarlightModel& model) {
  const PosteriorTensors<double>& tensors = model.tensors_f64();
  double prior_sd = 0.0;
  for (const double sd : tensors.sd) prior_sd = std::hypot(prior_sd, sd);
  return kScreenSdError * prior_sd * std::sqrt(tensors.unit_variance);
}

/// Least and largest acquisition value that a prediction within its error bounds may have.
struct ScoreRange {
  double low, high;
};

/// All but the probability of improvement grow with the deviation; that one may fall, hence both
/// ends.
inline ScoreRange score_range(const Acquisition& acquisition, const Prediction& prediction,
                              double sd_error) {
  const double mean = double{prediction.log_latency} + double{prediction.log_energy};
  const double sd = std::hypot(prediction.log_latency_sd, prediction.log_energy_sd);
  const double most = sd + sd_error, least = std::max(0.0, sd - sd_error);
  const double worst = mean + 2.0 * kScreenMeanError, best = mean - 2.0 * kScreenMeanError;
  return {std::min(acquisition(worst, least), acquisition(worst, most)),
          std::max(acquisition(best, least), acquisition(best, most))};
}

}  // namespace polaris
