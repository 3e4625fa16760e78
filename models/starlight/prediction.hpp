// From the posterior of the Gaussian process to a prediction in ln cycles and ln pJ, and to what a
// prediction known up to an error may be worth.
#pragma once

#include <cmath>

#include "models/space/macros.hpp"
#include "models/starlight/acquisition.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

inline constexpr int kMaxOutputs = 2;  ///< latency; energy where it was measured

/// Distribution of one measurement: normal in the natural logarithms of cycles and of pJ,
/// observation noise included, the two independent. A model without measured energy gives the
/// analytical energy with deviation 0. All four are NaN for an infeasible point.
template <typename T>
struct BasicPrediction {
  T log_latency;
  T log_latency_sd;
  T log_energy;
  T log_energy_sd;
};

using Prediction = BasicPrediction<float>;
using ExactPrediction = BasicPrediction<double>;  ///< of the float64 path

/// What turns unit posteriors into predictions; fields as in PosteriorTensors.
template <typename T>
struct OutputScale {
  int outputs;        ///< 1 or 2
  bool warp;          ///< latency target is warped
  T sd[kMaxOutputs];  ///< signal deviation of each output
  T unit_variance;    ///< variance / sd^2 far from all samples
};

/// Deviation of an output before its scale, of whose variance `explained` is taken away.
template <typename T>
POLARIS_HD inline T unit_deviation(const OutputScale<T>& scale, T explained) {
  // Rounding may take a hair more than all of the variance next to a sample.
  const T rest = scale.unit_variance - explained;
  return std::sqrt(rest > T(0) ? rest : T(0));
}

/// `mean`: of each output; `explained`: share of the unit variance that the samples take away, the
/// whole |L^-1 k|^2 or, for an upper bound on the deviations, the sum over some rows of it.
/// `log_bound`: ln lower_bound_cycles (used if warped); `log_analytical`: ln analytical pJ.
template <typename T>
POLARIS_HD inline BasicPrediction<T> to_prediction(const OutputScale<T>& scale,
                                                   const T mean[kMaxOutputs], T explained,
                                                   T log_bound, T log_analytical) {
  const T unit_sd = unit_deviation(scale, explained);
  const T target_sd = scale.sd[0] * unit_sd;
  BasicPrediction<T> out{mean[0], target_sd, log_analytical, T(0)};
  if (scale.warp) {
    out.log_latency = unwarp_log_cycles(mean[0], log_bound);
    out.log_latency_sd = unwarp_sd(mean[0], target_sd);
  }
  if (scale.outputs == 2) {
    out.log_energy += mean[1];
    out.log_energy_sd = scale.sd[1] * unit_sd;
  }
  return out;
}

/// What the samples that a sketch leaves out may add to the mean of each output: at most
/// (sqrt(1 - explained) + slack) norm.
template <typename T>
struct Remainder {
  T norm[kMaxOutputs];
  T slack;  ///< rounding of the root
};

/// Of a sketch: `mean` and `explained` are those of some samples only. No mean of all samples is
/// lower than what it gives, no deviation larger.
template <typename T>
POLARIS_HD inline BasicPrediction<T> to_sketch(const OutputScale<T>& scale,
                                               const Remainder<T>& remainder,
                                               const T mean[kMaxOutputs], T explained, T log_bound,
                                               T log_analytical) {
  const T rest = T(1) - explained;
  const T most = std::sqrt(rest > T(0) ? rest : T(0)) + remainder.slack;
  const T lowest[kMaxOutputs] = {mean[0] - remainder.norm[0] * most,
                                 mean[1] - remainder.norm[1] * most};
  BasicPrediction<T> out = to_prediction(scale, lowest, explained, log_bound, log_analytical);
  // The deviation of ln cycles grows with the warped mean, of which this is the lowest, up to that
  // of the warped target.
  out.log_latency_sd = scale.sd[0] * unit_deviation(scale, explained);
  return out;
}

/// Mean and deviation of ln EDP, the sum of ln cycles and ln pJ.
struct EdpPrediction {
  double mean, sd;
};

template <typename T>
POLARIS_HD inline EdpPrediction edp_prediction(const BasicPrediction<T>& p) {
  return {static_cast<double>(p.log_latency) + static_cast<double>(p.log_energy),
          std::hypot(static_cast<double>(p.log_latency_sd), static_cast<double>(p.log_energy_sd))};
}

/// How far a prediction of ln EDP may be from the float64 one.
struct PredictionError {
  double mean;      ///< |error| of the mean
  double sd;        ///< |error| of the deviation
  bool upper_only;  ///< the deviation is an upper bound: the true one may be any smaller
};

/// Smallest deviation of a prediction within its error.
POLARIS_HD inline double lowest_sd(const EdpPrediction& prediction, const PredictionError& error) {
  return error.upper_only || prediction.sd < error.sd ? 0.0 : prediction.sd - error.sd;
}

/// Largest acquisition value of a prediction within its error. All but the probability of
/// improvement grow with the deviation; that one may fall, hence both ends.
POLARIS_HD inline double highest_acquisition(const Acquisition& acquisition,
                                             const EdpPrediction& prediction,
                                             const PredictionError& error) {
  const double mean = prediction.mean - error.mean;
  const double most = acquisition(mean, prediction.sd + error.sd);
  if (acquisition.kind != AcquisitionKind::probability_of_improvement) return most;
  const double other = acquisition(mean, lowest_sd(prediction, error));
  return other > most ? other : most;
}

/// Smallest acquisition value of a prediction within its error.
POLARIS_HD inline double lowest_acquisition(const Acquisition& acquisition,
                                            const EdpPrediction& prediction,
                                            const PredictionError& error) {
  const double mean = prediction.mean + error.mean;
  const double least = acquisition(mean, lowest_sd(prediction, error));
  if (acquisition.kind != AcquisitionKind::probability_of_improvement) return least;
  const double other = acquisition(mean, prediction.sd + error.sd);
  return other < least ? other : least;
}

}  // namespace polaris
