// The predictors that the accuracy benchmark compares, behind one call.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "bench/accuracy/data.hpp"
#include "host/fit/fit.hpp"

namespace polaris {

enum class Method : std::uint8_t {
  analytical,  ///< the closed-form model alone; no deviation
  paper,       ///< the published deep-kernel learning
  gp,          ///< Gaussian process on our features, nothing transferred
  polaris
};

const char* to_string(Method method);
/// Throws Error for another word.
Method method_of(const std::string& name);

/// Encoders that the methods start from.
struct Encoders {
  Pretrained ours;
  Pretrained paper;
};

/// Predictions of test points in natural logarithms; deviations are empty for `analytical`.
struct Predictions {
  std::vector<double> cycles, cycles_sd;  ///< ln cycles
  std::vector<double> edp, edp_sd;        ///< ln (pJ * cycles)
  double fit_seconds = 0.0;
};

/// Fits on `train`, predicts `test`. `measured_energy`: whether the samples' energy is a
/// measurement to be learnt; else it is taken as known, for training and test rows alike.
/// `settings`: changes of FitOptions, for all but `paper`.
Predictions evaluate(Method method, const Encoders& encoders, std::span<const DesignSample> train,
                     std::span<const DesignSample> test, bool measured_energy,
                     const std::map<std::string, double>& settings, std::uint64_t seed,
                     int threads);

}  // namespace polaris
